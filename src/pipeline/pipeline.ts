import { WriteError } from '../errors.ts';
import type { Admission } from './admission.ts';
import type { BalanceSheet } from './balance-sheet.ts';
import { splitBatch, withoutPoints } from './batch.ts';
import { BatchBuilder } from './batch-builder.ts';
import { Batcher, type BatcherOptions } from './batcher.ts';
import { BoundedQueue } from './bounded-queue.ts';
import { KeyOrder } from './key-order.ts';
import { Pressure, type PressureOptions } from './pressure.ts';
import { retried } from './retry.ts';
import { SeriesRegistry } from './series-registry.ts';
import type {
  Batch,
  Decoder,
  Delivery,
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
}

export interface PipelineParts {
  readonly source: Source;
  readonly decoder: Decoder;
  readonly sink: Sink;
  readonly sheet: BalanceSheet;
  readonly observer: PipelineObserver;
  readonly logger: Logger;
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
  #lastCommitAt: number | null = null;
  #failed = false;

  constructor(parts: PipelineParts, options: PipelineOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#waitingRoom = new WaitingRoom(options.pressure.maxBytes / 8);
    this.#queue = new BoundedQueue(options.writers, (batch) => this.#write(batch));
    this.#registry = new SeriesRegistry(options.seriesCache);
    this.#builder = new BatchBuilder(parts.decoder, this.#registry, options.admission, (reason) =>
      parts.observer.dropped(reason, 1),
    );
    this.#batcher = new Batcher(
      this.#builder,
      options.batch,
      () => this.#queue.writerIdle,
      (batch, trigger) => {
        parts.observer.sealed(trigger, batch);
        void this.#enqueue(batch);
      },
    );
    this.#pressure = new Pressure(parts.source, options.pressure, parts.logger, () => this.#readmit());
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
   * Writes all that is in hand. Resolves to true when everything is durable, to false when `signal` ended the waiting
   * before: what is left was not acknowledged.
   */
  async drain(signal: AbortSignal): Promise<boolean> {
    this.#pressure.stop();
    this.#readmit();
    this.#batcher.flush();
    const abort = () => this.#abort.abort(new Error('the drain was given up'));
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    await this.#queue.drained();
    signal.removeEventListener('abort', abort);
    this.#batcher.stop();
    return !this.#abort.signal.aborted && this.#builder.empty;
  }

  /** Series in memory. */
  get knownSeries(): number {
    return this.#registry.size;
  }

  state(): PipelineState {
    const oldest = this.#queue.oldest?.deliveries[0]?.receivedAt ?? this.#builder.oldest;
    return {
      stats: this.#parts.sheet.snapshot(),
      queue: {
        points: this.#builder.points + this.#queue.points,
        bytes: this.#builder.bytes + this.#queue.bytes,
        batches: this.#queue.batches,
      },
      maximum: { points: this.#options.pressure.maxPoints, bytes: this.#options.pressure.maxBytes },
      pressure: this.#pressure.state,
      lastCommitAt: this.#lastCommitAt,
      oldestInFlightAt: oldest,
    };
  }

  #admit(delivery: Delivery): void {
    this.#parts.sheet.decoded(this.#batcher.add(delivery));
    this.#updatePressure(delivery.qos);
  }

  #countApart(outcome: 'ignored' | 'dropped', reason: DropReason, count: number): void {
    for (let index = 0; index < count; index++) this.#batcher.addApart(outcome);
    if (count > 0) this.#parts.observer.dropped(reason, count);
  }

  #readmit(): void {
    for (const delivery of this.#waitingRoom.empty()) this.#admit(delivery);
  }

  #updatePressure(qos: 0 | 1 | null): void {
    this.#pressure.update(
      this.#builder.points + this.#queue.points,
      this.#builder.bytes + this.#queue.bytes,
      qos,
    );
  }

  async #enqueue(batch: Batch): Promise<void> {
    try {
      await this.#queue.add(batch);
      this.#updatePressure(null);
      this.#batcher.onWriterIdle();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    if (this.#failed || this.#abort.signal.aborted) return;
    this.#failed = true;
    this.#abort.abort(error);
    this.#parts.onFatal(error);
  }

  async #write(batch: Batch): Promise<void> {
    const leave = await this.#order.enter(batch);
    try {
      await this.#store(batch);
    } finally {
      leave();
    }
  }

  /** Writes and settles a batch; one that PostgreSQL refuses for its data is halved until the culprit stands alone. */
  async #store(batch: Batch): Promise<void> {
    const { sink, observer } = this.#parts;
    const started = performance.now();
    try {
      const report = await retried(
        () => sink.write(batch, this.#abort.signal),
        this.#abort.signal,
        (error, attempt, seconds) => observer.writeFailed(error, attempt, seconds),
      );
      this.#settle(batch, report, (performance.now() - started) / 1000);
    } catch (error) {
      if (this.#abort.signal.aborted || (error instanceof WriteError && error.action === 'stop')) throw error;
      await this.#isolate(batch, error);
    }
  }

  async #isolate(batch: Batch, error: unknown): Promise<void> {
    if (batch.deliveries.length > 1) {
      for (const half of splitBatch(batch)) await this.#store(half);
      return;
    }
    // Alone and without a point left it is refused still: then the fault is not in the data.
    if (batch.points.length + batch.texts.length === 0) throw error;
    const refused = error instanceof WriteError;
    const detail = `${refused && error.sqlstate !== null ? `${error.sqlstate}: ` : ''}${error instanceof Error ? error.message : String(error)}`;
    await this.#store(withoutPoints(batch, () => true, refused ? 'database_rejected' : 'internal', detail));
  }

  #settle(batch: Batch, report: Awaited<ReturnType<Sink['write']>>, seconds: number): void {
    const { sheet, observer } = this.#parts;
    const now = Date.now() * 1000;
    this.#lastCommitAt = now;
    sheet.settled(batch, report.totals);
    for (const delivery of batch.deliveries) delivery.ack();
    const oldest = batch.deliveries[0]?.receivedAt ?? now;
    observer.committed(batch, report, seconds, (now - oldest) / 1e6);
    for (const { code } of [...batch.deadLetters, ...report.refused]) observer.deadLettered(code, 1);
    if (report.unchanged > 0) observer.dropped('text_unchanged', report.unchanged);
    if (report.expired > 0) observer.dropped('expired', report.expired);
  }
}
