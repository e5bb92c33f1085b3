import timers from 'node:timers/promises';
import { SpoolError, WriteError } from '../errors.ts';
import { backoffSeconds } from './retry.ts';
import type { Spool, SpoolDropped, SpooledBatch, SpoolRoom } from './spool-types.ts';
import type { ApartCounts, Batch } from './types.ts';

export interface DrainParts {
  readonly spool: Spool;
  /** Of what is written at once. */
  readonly room: SpoolRoom;
  readonly rebuild: (records: readonly SpooledBatch[]) => Batch;
  /** Messages of the spool were found damaged; a record that counts them follows. */
  readonly onLost: (lost: SpoolDropped) => void;
  /** Resolves to what was not written when `signal` aborted (`store`). */
  readonly store: (batch: Batch, signal: AbortSignal) => Promise<readonly Batch[]>;
  /** Makes an epoch known that begins in the spool. */
  readonly beginEpoch: (epoch: number) => Promise<void>;
  /** The database has taken records. */
  readonly onWritten: () => void;
  /** The spool is so much shorter. */
  readonly onConsumed: (records: readonly SpooledBatch[]) => void;
  readonly onSpoolError: (error: SpoolError) => void;
  /** Told of what no retry mends; nothing is drained then. */
  readonly onFatal: (error: unknown) => void;
}

const NONE: ReadonlySet<string> = new Set();

/**
 * Brings the spool into the database beside live traffic, oldest first: as many records in one transaction as make a batch,
 * since a transaction costs a distant database the same for one message as for thousands. While the database is away, its
 * attempts are what finds it back.
 */
export class Drain {
  readonly #parts: DrainParts;
  readonly #stop = new AbortController();
  #wake = Promise.withResolvers<void>();
  readonly #cutOff = Promise.withResolvers<void>();
  #stopping = false;
  #running: Promise<void> = Promise.resolve();
  #inHand = NONE;
  /** When something was last heard of what is under way, monotonic milliseconds; null while there is nothing to drain. */
  #heardAt: number | null = null;

  constructor(parts: DrainParts) {
    this.#parts = parts;
  }

  /** The records that are being drained: until they are consumed, their rows in the journal are needed. */
  get inHand(): ReadonlySet<string> {
    return this.#inHand;
  }

  /** Seconds for which nothing was heard of what is under way: of the spool, or of an attempt to write; 0 where nothing is. */
  get waits(): number {
    return this.#heardAt === null ? 0 : (performance.now() - this.#heardAt) / 1000;
  }

  /** To be called whenever an attempt to write what is in hand ends, well or not. */
  heard(): void {
    this.#heardAt = performance.now();
  }

  start(): void {
    this.#running = this.#run()
      .catch((error: unknown) => {
        if (!this.#stop.signal.aborted) this.#parts.onFatal(error);
      })
      .finally(() => (this.#heardAt = null));
  }

  /** To be called when there is a record. */
  wake(): void {
    this.#wake.resolve();
  }

  /** Takes no further record, and gives the one in hand so many milliseconds. */
  async stop(grace: number): Promise<void> {
    this.#stopping = true;
    this.wake();
    const timer = setTimeout(() => this.cut(), grace);
    // A disk that does not answer must not hold the end up.
    await Promise.race([this.#running, this.#cutOff.promise]);
    clearTimeout(timer);
  }

  /** Ends it at once: a record in hand stays where it is. */
  cut(): void {
    this.#stopping = true;
    this.#stop.abort(new WriteError('retry', null, 'the drain was stopped'));
    this.wake();
    setImmediate(() => this.#cutOff.resolve());
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      this.heard();
      const records = await this.#insist(() => this.#parts.spool.next(this.#parts.room));
      if (records.length === 0) {
        this.#heardAt = null;
        await this.#wake.promise;
        this.#wake = Promise.withResolvers();
        continue;
      }
      this.#inHand = new Set(records.map(({ id }) => id));
      for (const { lost } of records) if (lost !== undefined) this.#parts.onLost(lost);
      this.heard();
      if (!(await this.#write(records))) return;
      this.heard();
      this.#parts.onWritten();
      await this.#insist(() => this.#parts.spool.consume());
      this.#inHand = NONE;
      this.#parts.onConsumed(records);
    }
  }

  /** Resolves to whether they are written. */
  async #write(records: readonly SpooledBatch[]): Promise<boolean> {
    if (records.every(({ messages, apart }) => messages.length === 0 && isNothing(apart))) {
      for (const { epoch } of records) {
        if (epoch !== null) await this.#insist(() => this.#parts.beginEpoch(epoch));
      }
      return true;
    }
    return (await this.#parts.store(this.#parts.rebuild(records), this.#stop.signal)).length === 0;
  }

  /** Repeats for as long as the disk or the database fails. */
  async #insist<T>(work: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      this.#stop.signal.throwIfAborted();
      try {
        return await work();
      } catch (error) {
        if (error instanceof SpoolError) this.#parts.onSpoolError(error);
        else if (!(error instanceof WriteError) || error.action !== 'retry') throw error;
      }
      this.heard();
      await timers.setTimeout(backoffSeconds(attempt) * 1000, undefined, { signal: this.#stop.signal });
    }
  }
}

function isNothing({ ignored, dropped, droppedPoints }: ApartCounts): boolean {
  return ignored + dropped + droppedPoints === 0;
}
