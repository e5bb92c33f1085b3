import { randomUUID } from 'node:crypto';
import type { DeadLetterCode } from '../errors.ts';
import { arrivalOf } from '../receipt-clock.ts';
import { type Admission, refusalOf } from './admission.ts';
import { BatchEdgeEvents } from './batch-edge-events.ts';
import { BatchSeries } from './batch-series.ts';
import { DeviceTap } from './device-tap.ts';
import { PointBuffers } from './point-buffers.ts';
import type { SeriesRegistry } from './series-registry.ts';
import { TextBuffer } from './text-buffer.ts';
import {
  type ApartCounts,
  ARRIVAL,
  type Batch,
  type BatchRecord,
  CHANGES_ONLY,
  type DeadLetter,
  type Decoder,
  type Delivery,
  type DeviceObserver,
  type DropReason,
  type EdgeEvent,
  type MessageColumns,
  type MessageOutcome,
  type NumberKind,
  type PointWriter,
  type SeriesMeta,
} from './types.ts';

/** What a message costs beside its payload and topic, and a point in columns that grow by doubling, roughly, in bytes. */
const MESSAGE_OVERHEAD = 400;
const POINT_BYTES = 40;

/**
 * The open batch: decodes deliveries into columns. A message's parts that cannot become points turn into its one dead
 * letter, in the same batch.
 */
export class BatchBuilder implements PointWriter {
  readonly #decoder: Decoder;
  readonly #admission: Admission;
  readonly #onDrop: (reason: DropReason) => void;
  readonly #devices: DeviceTap | null;

  #deliveries: Delivery[] = [];
  #deadLetters: DeadLetter[] = [];
  readonly #edgeEvents = new BatchEdgeEvents();
  readonly #series: BatchSeries;
  readonly #buffers = new PointBuffers();
  #points = this.#buffers.take(0);
  #texts = new TextBuffer();
  #messages: MessageColumns = emptyMessages();
  #apart = { ignored: 0, dropped: 0, droppedPoints: 0 };
  #bytes = 0;
  #openedAt = 0;

  // Of the message that is being decoded.
  #arrival = 0;
  #rejected = 0;
  #dropped = 0;
  #reasonCode: DeadLetterCode | null = null;
  #reasonDetail = '';

  /** `devices`: of messages that were just received; null for those that were received before. */
  constructor(
    decoder: Decoder,
    registry: SeriesRegistry,
    admission: Admission,
    onDrop: (reason: DropReason) => void,
    devices: DeviceObserver | null = null,
  ) {
    this.#decoder = decoder;
    this.#series = new BatchSeries(registry);
    this.#admission = admission;
    this.#onDrop = onDrop;
    this.#devices = devices === null ? null : new DeviceTap(devices);
  }

  get points(): number {
    return this.#points.length + this.#texts.length;
  }
  /** How many series they are of. */
  get series(): number {
    return this.#series.length;
  }
  get bytes(): number {
    return this.#bytes + this.#series.bytes;
  }
  get messages(): number {
    return this.#deliveries.length;
  }
  /** The receipt of the oldest message, microseconds since 1970; null where there is none. */
  get oldest(): number | null {
    return this.#deliveries[0]?.receivedAt ?? null;
  }

  /** When the oldest came into the batch, in monotonic milliseconds; null where there is none. */
  get openedAt(): number | null {
    return this.#deliveries.length === 0 ? null : this.#openedAt;
  }

  /** True where neither a message nor a count waits for a batch. */
  get empty(): boolean {
    return this.#deliveries.length === 0 && this.#apart.ignored + this.#apart.dropped === 0;
  }

  /** Decodes a delivery into the batch; returns how many points it was found to carry. Never throws. */
  add(delivery: Delivery): number {
    const points = this.#points.length;
    const texts = this.#texts.length;
    const edgeEvents = this.#edgeEvents.length;
    this.#arrival = arrivalOf(delivery.receivedAt);
    this.#rejected = 0;
    this.#dropped = 0;
    this.#reasonCode = null;
    const index = this.#deliveries.push(delivery) - 1;
    if (index === 0) this.#openedAt = performance.now();
    this.#bytes += delivery.payload.byteLength + delivery.topic.length * 2 + MESSAGE_OVERHEAD;
    let route: string | null = null;
    try {
      const { topic, payload, backlog, receivedAt } = delivery;
      route = this.#decoder.decode(topic, payload, this, backlog, receivedAt);
    } catch (error) {
      // A fault of ours: nothing of the message is stored, all of it is kept.
      this.#points.truncate(points);
      this.#texts.truncate(texts);
      this.#edgeEvents.truncate(edgeEvents);
      this.#rejected = 0;
      this.#reasonCode = null;
      this.reject('internal', error instanceof Error ? error.message : String(error));
    }
    this.#series.setRoute(route);
    const stored = this.#points.length - points + this.#texts.length - texts;
    this.#devices?.tell(delivery);
    const decoded = stored + this.#rejected + this.#dropped;
    let outcome: MessageOutcome = decoded === 0 ? 'ignored' : 'settled';
    if (this.#reasonCode !== null) {
      outcome = 'dead_lettered';
      this.#deadLetters.push({
        messageIndex: index,
        route,
        code: this.#reasonCode,
        detail:
          this.#rejected > 1 ? `${this.#reasonDetail} (and ${this.#rejected - 1} more)` : this.#reasonDetail,
        points: this.#rejected,
      });
    }
    this.#messages.outcome.push(outcome);
    this.#messages.decoded.push(decoded);
    this.#messages.dropped.push(this.#dropped);
    return decoded;
  }

  /** Counts a message that is not decoded at all: with the next batch its count commits. */
  addApart(outcome: 'ignored' | 'dropped'): void {
    this.#apart[outcome]++;
  }

  number(deviceId: string, metricName: string, timestamp: number, value: number, kind: NumberKind): void {
    let flags = 0;
    if (timestamp !== timestamp) {
      timestamp = this.#arrival;
      flags = ARRIVAL;
    } else if (!this.#admits(timestamp)) {
      return;
    }
    const series = this.#series.place(deviceId, metricName, kind);
    this.#points.push(series, this.#deliveries.length - 1, timestamp, value, flags);
    this.#note(series, timestamp, flags);
    this.#bytes += POINT_BYTES;
  }

  numbers(
    deviceId: string,
    metricName: string,
    timestamps: Float64Array,
    values: Float64Array,
    kind: NumberKind,
  ): void {
    let earliest = Number.POSITIVE_INFINITY;
    let latest = Number.NEGATIVE_INFINITY;
    for (let row = 0; row < timestamps.length; row++) {
      const time = timestamps[row] as number;
      if (time < earliest) earliest = time;
      if (time > latest) latest = time;
    }
    const refused = [earliest, latest].some(
      (time) => refusalOf(time, this.#arrival, this.#admission) !== null,
    );
    if (refused) {
      for (let row = 0; row < values.length; row++) {
        this.number(deviceId, metricName, timestamps[row] as number, values[row] as number, kind);
      }
      return;
    }
    const series = this.#series.place(deviceId, metricName, kind);
    this.#points.pushColumn(series, this.#deliveries.length - 1, timestamps, values);
    this.#note(series, latest, 0);
    this.#bytes += POINT_BYTES * values.length;
  }

  text(deviceId: string, metricName: string, timestamp: number, value: string, changesOnly: boolean): void {
    let flags = changesOnly ? CHANGES_ONLY : 0;
    if (timestamp !== timestamp) {
      timestamp = this.#arrival;
      flags |= ARRIVAL;
    } else if (!this.#admits(timestamp)) {
      return;
    }
    const series = this.#series.place(deviceId, metricName, 'text');
    this.#texts.push(series, this.#deliveries.length - 1, timestamp, value, flags);
    this.#note(series, timestamp, flags);
    this.#bytes += POINT_BYTES * 2 + value.length * 2;
  }

  describe(meta: SeriesMeta): void {
    this.#series.describe(meta, (this.#deliveries.at(-1) as Delivery).receivedAt);
  }

  reject(code: DeadLetterCode, detail: string): void {
    if (this.#reasonCode === null) {
      this.#reasonCode = code;
      this.#reasonDetail = detail;
    }
    this.#rejected++;
    this.#series.forgetLast();
  }

  drop(reason: DropReason): void {
    this.#dropped++;
    this.#series.forgetLast();
    this.#onDrop(reason);
  }

  edge(event: EdgeEvent): void {
    this.#bytes += this.#edgeEvents.push(event, this.#deliveries.length - 1);
  }

  /** Takes over counts of messages that are not decoded here. */
  addCounts(counts: ApartCounts): void {
    this.#apart.ignored += counts.ignored;
    this.#apart.dropped += counts.dropped;
    this.#apart.droppedPoints += counts.droppedPoints;
  }

  /** Closes the batch and begins a new one. `records`: those whose messages these are; the first one's id is the batch's. */
  seal(records: readonly BatchRecord[] = []): Batch {
    const { bytes } = this;
    const batch: Batch = {
      id: records[0]?.id ?? randomUUID(),
      series: this.#series.take(),
      points: this.#buffers.columnsOf(this.#points),
      texts: this.#texts.columns(),
      deadLetters: this.#deadLetters,
      edgeEvents: this.#edgeEvents.take(),
      deliveries: this.#deliveries,
      messages: this.#messages,
      apart: this.#apart,
      bytes,
      openedAt: this.openedAt ?? performance.now(),
      records,
    };
    this.#deliveries = [];
    this.#deadLetters = [];
    // The next one is likely to be as large.
    this.#points = this.#buffers.take(batch.points.length);
    this.#texts = new TextBuffer();
    this.#messages = emptyMessages();
    this.#apart = { ignored: 0, dropped: 0, droppedPoints: 0 };
    this.#bytes = 0;
    return batch;
  }

  /** Once for each batch, at its end: its series may be forgotten then. */
  release({ series }: Batch): void {
    this.#series.release(series);
  }

  /** Of a batch that is settled, and that nobody looks at any more. */
  recycle({ points, deliveries }: Batch): void {
    this.#buffers.giveBack(points);
    for (const delivery of deliveries) delivery.recycle?.();
  }

  /** By the series' own string, whose hash is known. */
  #note(index: number, timestamp: number, flags: number): void {
    const { deviceId } = this.#series.at(index);
    this.#devices?.note(deviceId, (flags & ARRIVAL) === 0 ? timestamp : Number.NaN);
  }

  #admits(timestamp: number): boolean {
    const refusal = refusalOf(timestamp, this.#arrival, this.#admission);
    if (refusal !== null) this.reject(refusal.code, refusal.detail);
    return refusal === null;
  }
}

function emptyMessages(): MessageColumns {
  return { outcome: [], decoded: [], dropped: [] };
}
