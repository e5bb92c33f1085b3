import type { Admission } from './admission.ts';
import type { BalanceSheet } from './balance-sheet.ts';
import { BatchBuilder } from './batch-builder.ts';
import { Batcher, type BatcherOptions } from './batcher.ts';
import { BoundedQueue } from './bounded-queue.ts';
import { Drain } from './drain.ts';
import { FirstAttempts } from './first-attempts.ts';
import { KeyOrder } from './key-order.ts';
import { PatientSink } from './patient-sink.ts';
import { Pressure, type PressureOptions } from './pressure.ts';
import { SeriesRegistry } from './series-registry.ts';
import { Settlement } from './settlement.ts';
import { fromRecords } from './spooled-batches.ts';
import { Spooling } from './spooling.ts';
import { store, type StoringParts } from './storing.ts';
import type { Spool } from './spool-types.ts';
import type {
  Batch,
  Decoder,
  Delivery,
  DeviceObserver,
  DropReason,
  Logger,
  PipelineObserver,
  PipelineState,
  Sink,
  Source,
} from './types.ts';
import { WaitingRoom } from './waiting-room.ts';

export interface PipelineOptions {
  readonly writers: number;
  readonly batch: BatcherOptions;
  readonly pressure: PressureOptions;
  readonly admission: Admission;
  readonly qos0: 'drop_newest' | 'drop_oldest';
  /** Series kept in memory. */
  readonly seriesCache: number;
  /** Milliseconds after which a batch that the database did not take goes to the spool, where there is one. */
  readonly spoolAfter: number;
}

export interface SpoolParts {
  readonly spool: Spool;
  /** Makes an epoch known that began while the database was away. Rejects with a WriteError. */
  readonly beginEpoch: (epoch: number) => Promise<void>;
}

export interface PipelineParts {
  readonly source: Source;
  readonly decoder: Decoder;
  readonly sink: Sink;
  /** Null: what the database does not take waits in memory, then at the broker. */
  readonly spool: SpoolParts | null;
  readonly sheet: BalanceSheet;
  readonly observer: PipelineObserver;
  readonly logger: Logger;
  /** Default: nobody watches devices. */
  readonly devices?: DeviceObserver;
  /** Told once of an error that no retry mends. */
  readonly onFatal: (error: unknown) => void;
}

/**
 * A message's way from its receipt to its acknowledgement: decode into the open batch, seal, queue, write, commit,
 * acknowledge. Knows neither MQTT nor PostgreSQL.
 */
export class Pipeline {
  readonly #parts: PipelineParts;
  readonly #options: PipelineOptions;
  readonly #abort = new AbortController();
  readonly #order = new KeyOrder();
  readonly #waitingRoom: WaitingRoom;
  readonly #registry: SeriesRegistry;
  readonly #builder: BatchBuilder;
  readonly #batcher: Batcher;
  readonly #queue: BoundedQueue;
  readonly #pressure: Pressure;
  readonly #settlement: Settlement;
  readonly #sink: FirstAttempts;
  readonly #live: StoringParts;
  readonly #drain: Drain | null;
  readonly #spooling: Spooling | null;
  #failed = false;

  constructor(parts: PipelineParts, options: PipelineOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#waitingRoom = new WaitingRoom(options.pressure.maxBytes / 8);
    this.#queue = new BoundedQueue(options.writers, (batch, since) => this.#write(batch, since));
    this.#registry = new SeriesRegistry(options.seriesCache);
    this.#builder = new BatchBuilder(
      parts.decoder,
      this.#registry,
      options.admission,
      (reason) => parts.observer.dropped(reason, 1),
      parts.devices,
    );
    this.#batcher = new Batcher(
      this.#builder,
      options.batch,
      () => this.#queue.writerIdle,
      (batch, trigger) => {
        parts.observer.sealed(trigger, batch);
        void this.#enqueue(batch);
      },
      () => this.#spooling?.leastWait ?? 0,
    );
    this.#pressure = new Pressure(parts.source, options.pressure, parts.logger, () => this.#readmit());
    this.#settlement = new Settlement(parts.sheet, parts.observer);
    this.#sink = new FirstAttempts(parts.sink);
    this.#live = this.#storing(this.#sink, 'settle');
    this.#drain = parts.spool === null ? null : this.#draining(parts.spool);
    this.#spooling =
      parts.spool === null || this.#drain === null
        ? null
        : new Spooling(
            { ...parts, ...parts.spool, live: this.#live, drain: this.#drain, abort: this.#abort.signal },
            options.spoolAfter,
          );
  }

  /** Begins with what earlier lives left in the spool. */
  start(): void {
    this.#spooling?.start();
  }

  /** Takes a message. */
  receive(delivery: Delivery): void {
    this.#parts.sheet.received();
    if (delivery.qos === 1 || this.#pressure.takesQos0) {
      this.#admit(delivery);
    } else if (this.#options.qos0 === 'drop_newest') {
      this.#countApart('dropped', 'qos0_overflow', 1);
    } else {
      this.#countApart('dropped', 'qos0_overflow', this.#waitingRoom.push(delivery));
    }
  }

  /** Counts a message that the source itself left aside. */
  skip(reason: DropReason): void {
    this.#parts.sheet.received();
    this.#countApart('ignored', reason, 1);
  }

  /**
   * Writes all that is in hand, to the spool where the database does not take it. Resolves to true when everything is
   * durable, to false when `signal` ended the waiting before: what is left was not acknowledged.
   */
  async drain(signal: AbortSignal): Promise<boolean> {
    this.#pressure.stop();
    this.#readmit();
    this.#batcher.flush();
    this.#spooling?.leave();
    const abort = () => {
      this.#abort.abort(new Error('the drain was given up'));
      this.#drain?.cut();
    };
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    await this.#queue.drained();
    await this.#spooling?.stop();
    signal.removeEventListener('abort', abort);
    this.#batcher.stop();
    return !this.#abort.signal.aborted && this.#builder.empty;
  }

  /** To be called when something lies in the spool that did not come through here. */
  drainSpool(): void {
    this.#drain?.wake();
  }

  /** Of the journal: rows that may still be asked for, because the spool has their messages. */
  get heldRows(): { readonly records: ReadonlySet<string>; readonly earlier: boolean } {
    return { records: this.#drain?.inHand ?? new Set(), earlier: this.#spooling?.holdsEarlier ?? false };
  }

  /** Series in memory. */
  get knownSeries(): number {
    return this.#registry.size;
  }

  state(): PipelineState {
    const batch = this.#queue.oldest;
    const oldest = batch?.deliveries[0]?.receivedAt ?? this.#builder.oldest;
    const openedAt = batch?.deliveries[0] === undefined ? this.#builder.openedAt : batch.openedAt;
    return {
      stats: this.#parts.sheet.snapshot(),
      untold: this.#parts.sheet.untold,
      queue: {
        points: this.#builder.points + this.#queue.points,
        bytes: this.#builder.bytes + this.#queue.bytes,
        batches: this.#queue.batches,
      },
      maximum: { points: this.#options.pressure.maxPoints, bytes: this.#options.pressure.maxBytes },
      pressure: this.#pressure.state,
      lastCommitAt: this.#settlement.lastCommitAt,
      oldestInFlightAt: oldest,
      oldestWaits: openedAt === null ? 0 : (performance.now() - openedAt) / 1000,
      drainWaits: this.#drain?.waits ?? 0,
      spool: this.#spooling?.status ?? null,
    };
  }

  #admit(delivery: Delivery): void {
    this.#parts.sheet.decoded(this.#batcher.add(delivery));
    this.#updatePressure();
  }

  #countApart(outcome: 'ignored' | 'dropped', reason: DropReason, count: number): void {
    for (let index = 0; index < count; index++) this.#batcher.addApart(outcome);
    if (count > 0) this.#parts.observer.dropped(reason, count);
  }

  #readmit(): void {
    for (const delivery of this.#waitingRoom.empty()) this.#admit(delivery);
  }

  #updatePressure(): void {
    this.#pressure.update(this.#builder.points + this.#queue.points, this.#builder.bytes + this.#queue.bytes);
  }

  async #enqueue(batch: Batch): Promise<void> {
    try {
      await this.#queue.add(batch).finally(() => this.#builder.release(batch));
      this.#updatePressure();
      this.#batcher.onWriterIdle();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    if (this.#failed || this.#abort.signal.aborted) return;
    this.#failed = true;
    this.#abort.abort(error);
    this.#drain?.cut();
    this.#parts.onFatal(error);
  }

  async #write(batch: Batch, since: number): Promise<void> {
    const leave = await this.#order.enter(batch);
    try {
      if (this.#spooling !== null) await this.#spooling.write(batch, since);
      else await store(batch, this.#live, this.#abort.signal);
      this.#abort.signal.throwIfAborted();
      if (this.#sink.took(batch)) this.#builder.recycle(batch);
    } finally {
      leave();
    }
  }

  #storing(sink: Sink, settle: 'settle' | 'drained'): StoringParts {
    const heard = () => settle === 'drained' && this.#drain?.heard();
    return {
      sink,
      onFailure: (error, attempt, seconds) => {
        heard();
        this.#parts.observer.writeFailed(error, attempt, seconds);
      },
      onStored: (batch, report, seconds) => {
        heard();
        this.#settlement[settle](batch, report, seconds);
      },
    };
  }

  #draining({ spool, beginEpoch }: SpoolParts): Drain {
    const { decoder, sink, sheet } = this.#parts;
    // What a message loses by policy was told at its receipt.
    const past = decoder.past ?? decoder;
    const builder = new BatchBuilder(past, this.#registry, this.#options.admission, () => {});
    const storing = this.#storing(new PatientSink(sink), 'drained');
    return new Drain({
      spool,
      room: { points: this.#options.batch.maxPoints, bytes: this.#options.batch.maxBytes },
      rebuild: (records) => {
        const batch = fromRecords(records, builder);
        sheet.rebuilt(records, batch);
        return batch;
      },
      store: (batch, signal) => store(batch, storing, signal).finally(() => builder.release(batch)),
      onLost: (lost) => {
        sheet.lost(lost);
        this.#parts.observer.dropped('spool_damaged', lost.messages);
      },
      beginEpoch,
      onWritten: () => this.#spooling?.written(),
      onConsumed: (records) => this.#spooling?.consumed(records),
      onSpoolError: (error) => this.#spooling?.failed(error),
      onFatal: (error) => this.#fail(error),
    });
  }
}
