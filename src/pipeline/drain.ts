import timers from 'node:timers/promises';
import { SpoolError, WriteError } from '../errors.ts';
import { backoffSeconds } from './retry.ts';
import type { Spool, SpoolDropped, SpooledBatch } from './spool-types.ts';
import type { Batch } from './types.ts';

export interface DrainParts {
  readonly spool: Spool;
  readonly rebuild: (record: SpooledBatch) => Batch;
  /** Messages of the spool were found damaged; a record that counts them follows. */
  readonly onLost: (lost: SpoolDropped) => void;
  /** Resolves to what was not written when `signal` aborted (`store`). */
  readonly store: (batch: Batch, signal: AbortSignal) => Promise<readonly Batch[]>;
  /** Makes an epoch known that begins in the spool. */
  readonly beginEpoch: (epoch: number) => Promise<void>;
  /** The database has taken a record. */
  readonly onWritten: () => void;
  /** The spool is a record shorter. */
  readonly onConsumed: (record: SpooledBatch) => void;
  readonly onSpoolError: (error: SpoolError) => void;
  /** Told of what no retry mends; nothing is drained then. */
  readonly onFatal: (error: unknown) => void;
}

/**
 * Brings the spool into the database: oldest first, one record at a time, beside live traffic. While the database is
 * away, its attempts are what finds it back.
 */
export class Drain {
  readonly #parts: DrainParts;
  readonly #stop = new AbortController();
  #wake = Promise.withResolvers<void>();
  readonly #cutOff = Promise.withResolvers<void>();
  #stopping = false;
  #running: Promise<void> = Promise.resolve();
  #head: string | null = null;

  constructor(parts: DrainParts) {
    this.#parts = parts;
  }

  /** The record that is being drained: until it is consumed, its rows in the journal are needed. */
  get head(): string | null {
    return this.#head;
  }

  start(): void {
    this.#running = this.#run().catch((error: unknown) => {
      if (!this.#stop.signal.aborted) this.#parts.onFatal(error);
    });
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
      const record = await this.#insist(() => this.#parts.spool.next());
      if (record === null) {
        await this.#wake.promise;
        this.#wake = Promise.withResolvers();
        continue;
      }
      this.#head = record.id;
      if (record.lost !== undefined) this.#parts.onLost(record.lost);
      if (!(await this.#write(record))) return;
      this.#parts.onWritten();
      await this.#insist(() => this.#parts.spool.consume());
      this.#head = null;
      this.#parts.onConsumed(record);
    }
  }

  /** Resolves to whether it is written. */
  async #write(record: SpooledBatch): Promise<boolean> {
    const { messages, apart } = record;
    if (messages.length + apart.ignored + apart.dropped + apart.droppedPoints === 0) {
      const { epoch } = record;
      if (epoch !== null) await this.#insist(() => this.#parts.beginEpoch(epoch));
      return true;
    }
    return (await this.#parts.store(this.#parts.rebuild(record), this.#stop.signal)).length === 0;
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
      await timers.setTimeout(backoffSeconds(attempt) * 1000, undefined, { signal: this.#stop.signal });
    }
  }
}
