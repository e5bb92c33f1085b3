import type { PipelineObserver, PipelineState } from '../pipeline/types.ts';
import { LONGEST_PATIENCE } from '../pipeline/patient-sink.ts';
import { UNMOVED } from '../pipeline/unmoved.ts';

export interface ProgressLimits {
  /** Milliseconds that a batch may gather messages. */
  readonly gathering: number;
  /** Milliseconds that one statement may take at the database. */
  readonly statement: number;
}

/** What gets on no more. */
export interface Standstill {
  readonly what: 'a batch in hand' | 'the drain of the spool' | 'a worker';
  /** Since something was heard of it. */
  readonly seconds: number;
}

/** An attempt to write a batch is a few statements, and may wait for another one that writes the same series. */
const STATEMENTS = 3;
/** Milliseconds for a connection, a backoff, a busy machine. */
const MARGIN = 30_000;

/**
 * Whether what is in hand gets on. Waiting is no standstill: a database that is away is tried again and again, a full
 * spool too, and each attempt that ends, well or not, shows that somebody is at it. Hung is a batch of which nothing is
 * heard any more: neither stored, nor tried again, nor spooled; and what the spool's drain has in hand, of which it hears
 * nothing, however live batches get on beside it.
 */
export class Progress {
  readonly #limit: number;
  readonly #now: () => number;
  #lastEnd: number;

  /** `now`: monotonic milliseconds. */
  constructor({ gathering, statement }: ProgressLimits, now: () => number) {
    this.#limit = gathering + STATEMENTS * statement + MARGIN;
    this.#now = now;
    this.#lastEnd = now();
  }

  /** Sealing alone gets nothing on: a batch more waits. */
  readonly observer: PipelineObserver = {
    ...UNMOVED,
    committed: () => this.#ended(),
    writeFailed: () => this.#ended(),
    spooled: () => this.#ended(),
    spoolFailed: () => this.#ended(),
  };

  /** Where nothing was heard for too long, and for how many seconds; else null. */
  hung({ oldestWaits, drainWaits }: Pick<PipelineState, 'oldestWaits' | 'drainWaits'>): Standstill | null {
    const silent = Math.min(oldestWaits * 1000, this.#now() - this.#lastEnd);
    if (silent > this.#limit) return { what: 'a batch in hand', seconds: silent / 1000 };
    // A write of the drain is given up, and then begun anew, when its patience ends.
    const drained = Math.max(this.#limit, LONGEST_PATIENCE + MARGIN);
    return drainWaits * 1000 > drained ? { what: 'the drain of the spool', seconds: drainWaits } : null;
  }

  #ended(): void {
    this.#lastEnd = this.#now();
  }
}
