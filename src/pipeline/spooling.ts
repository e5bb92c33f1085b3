import timers from 'node:timers/promises';
import { SpoolError, WriteError } from '../errors.ts';
import type { BalanceSheet } from './balance-sheet.ts';
import { Claims } from './claims.ts';
import type { Drain } from './drain.ts';
import { backoffSeconds } from './retry.ts';
import { toRecord } from './spooled-batches.ts';
import type { StoringParts } from './storing.ts';
import { store } from './storing.ts';
import type { Spool, SpooledBatch, SpoolStatus } from './spool-types.ts';
import type { Batch, Logger, PipelineObserver } from './types.ts';

export interface SpoolingParts {
  readonly spool: Spool;
  readonly sheet: BalanceSheet;
  readonly observer: PipelineObserver;
  readonly logger: Logger;
  /** For batches that were just received. */
  readonly live: StoringParts;
  readonly drain: Drain;
  /** Gives up everything. */
  readonly abort: AbortSignal;
}

/** Milliseconds that the database has for a batch once the daemon leaves. */
const FAREWELL = 1_000;
/** Milliseconds that messages are gathered for a record, so that it is worth waiting for the disk. */
const GATHERING = 25;

/** How long a live batch waits for the database. */
interface Patience {
  readonly over: AbortController;
  failed: boolean;
}

/**
 * Stands between the queue and the sink: what the database does not take within `after` milliseconds of its sealing goes
 * to disk, and is acknowledged then (guarantee G1). From then on the database counts as away, and batches go straight to
 * the spool, until the drain has written one.
 */
export class Spooling {
  readonly #parts: SpoolingParts;
  readonly #after: number;
  readonly #claims = new Claims();
  readonly #waiting = new Set<Patience>();
  #away = false;
  #leaving = false;
  /** Batches that are on their way to the spool. */
  #arriving = 0;
  /** Records of earlier lives that are left, at most. */
  #before: number;
  #fault: string | null = null;
  /** Since the spool was last empty: when that was (monotonic milliseconds), and what went through it. */
  #begun: { readonly at: number; messages: number } | null = null;
  #lastWasSpooled = false;

  constructor(parts: SpoolingParts, after: number) {
    this.#parts = parts;
    this.#after = after;
    this.#before = parts.spool.state.batches;
  }

  get status(): SpoolStatus {
    const { state, damaged } = this.#parts.spool;
    return { ...state, damaged, fault: this.#fault };
  }

  /** Whether rows that earlier lives committed may still be asked for. */
  get holdsEarlier(): boolean {
    return this.#before > 0;
  }

  /** Milliseconds to gather messages for a batch. */
  get leastWait(): number {
    return this.#lastWasSpooled ? GATHERING : 0;
  }

  start(): void {
    const { batches, messages, bytes } = this.#parts.spool.state;
    if (batches > 0) {
      this.#claims.addAll();
      this.#begun = { at: performance.now(), messages: 0 };
      this.#parts.logger.info(
        { batches, messages, bytes },
        'The spool holds messages: they are written first',
      );
    }
    this.#parts.drain.start();
  }

  /** Resolves once the batch is durable, here or there. `since`: when it was sealed, monotonic milliseconds. */
  async write(batch: Batch, since: number): Promise<void> {
    if (this.#mustWait(batch)) {
      await this.#append(batch);
      return;
    }
    const left = await this.#attempt(batch, since + this.#after);
    if (left.length === 0) {
      this.#lastWasSpooled = false;
      return;
    }
    this.#away = true;
    for (const part of left) await this.#append(part);
  }

  /** The database has taken records. */
  written(): void {
    this.#away = false;
  }

  consumed(records: readonly SpooledBatch[]): void {
    for (const { messages } of records) if (this.#begun !== null) this.#begun.messages += messages.length;
    this.#before = Math.min(Math.max(this.#before - records.length, 0), this.#parts.spool.state.batches);
    this.#tidy();
  }

  failed(error: SpoolError): void {
    this.#fault = error.message;
    this.#parts.observer.spoolFailed(error);
  }

  /** The daemon leaves: what the database does not take at once goes to the spool. */
  leave(): void {
    this.#leaving = true;
    for (const patience of this.#waiting) this.#hurry(patience);
  }

  /** Ends the drain, what is written now included after a moment. What is left in the spool stays there. */
  async stop(): Promise<void> {
    await this.#parts.drain.stop(this.#away ? 0 : FAREWELL);
    const { batches, messages, bytes } = this.#parts.spool.state;
    if (batches > 0) {
      this.#parts.logger.info({ batches, messages, bytes }, 'The spool keeps messages until the next start');
    }
  }

  /** Whether the batch must go to the spool although the database may be there. */
  #mustWait(batch: Batch): boolean {
    return this.#away || this.#isBehind(batch);
  }

  /** Whether the spool may hold a key of the batch: then it came first. */
  #isBehind(batch: Batch): boolean {
    return this.#parts.spool.state.batches + this.#arriving > 0 && this.#claims.hold(batch);
  }

  async #attempt(batch: Batch, deadline: number): Promise<Batch[]> {
    const { live, abort } = this.#parts;
    const patience: Patience = { over: new AbortController(), failed: false };
    const wait = deadline - performance.now();
    if (wait <= 0) return [batch];
    const timer = setTimeout(() => this.#lose(patience), wait);
    this.#waiting.add(patience);
    if (this.#leaving) this.#hurry(patience);
    try {
      const left = await store(
        batch,
        {
          ...live,
          onFailure: (error, attempt, seconds) => {
            live.onFailure(error, attempt, seconds);
            if (error.action !== 'retry') return;
            patience.failed = true;
            if (this.#leaving) this.#hurry(patience);
          },
        },
        AbortSignal.any([abort, patience.over.signal]),
      );
      abort.throwIfAborted();
      return left;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(patience);
    }
  }

  #hurry(patience: Patience): void {
    if (patience.failed) this.#lose(patience);
    else setTimeout(() => this.#lose(patience), FAREWELL).unref();
  }

  #lose({ over }: Patience): void {
    over.abort(new WriteError('retry', null, 'no answer within spool.after'));
  }

  /** Resolves once the batch is in the spool or, where that does not take it, in the database after all. */
  async #append(batch: Batch): Promise<void> {
    const { spool, sheet, observer, drain, abort } = this.#parts;
    const isBehind = this.#isBehind(batch);
    this.#claims.add(batch);
    this.#arriving++;
    this.#lastWasSpooled = true;
    this.#begin();
    try {
      for (let attempt = 1; ; attempt++) {
        abort.throwIfAborted();
        const started = performance.now();
        try {
          const dropped = await spool.append(toRecord(batch));
          this.#fault = null;
          sheet.spooled(batch, dropped);
          for (const delivery of batch.deliveries) delivery.ack();
          observer.spooled(batch, (performance.now() - started) / 1000);
          if (dropped.messages > 0) observer.dropped('spool_overflow', dropped.messages);
          drain.wake();
          return;
        } catch (error) {
          if (!(error instanceof SpoolError)) throw error;
          this.failed(error);
        }
        if (!isBehind || spool.state.batches === 0) {
          const left = await this.#attempt(batch, performance.now() + FAREWELL);
          if (left.length === 0) {
            this.#away = false;
            return;
          }
          if (left.length > 1 || left[0] !== batch) {
            for (const part of left) await this.#append(part);
            return;
          }
        }
        await timers.setTimeout(backoffSeconds(attempt) * 1000, undefined, { signal: abort });
      }
    } finally {
      this.#arriving--;
      this.#tidy();
    }
  }

  #begin(): void {
    if (this.#begun !== null) return;
    this.#begun = { at: performance.now(), messages: 0 };
    this.#parts.logger.warn(
      { after_ms: this.#after },
      'The database does not take batches within spool.after: they go to the spool',
    );
  }

  #tidy(): void {
    if (this.#parts.spool.state.batches > 0 || this.#arriving > 0) return;
    this.#claims.clear();
    this.#before = 0;
    this.#away = false;
    if (this.#begun === null) return;
    const { at, messages } = this.#begun;
    this.#begun = null;
    const seconds = Math.round((performance.now() - at) / 1000);
    this.#parts.logger.info({ messages, seconds }, 'The spool is empty again');
  }
}
