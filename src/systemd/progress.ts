import type { PipelineObserver, PipelineState } from '../pipeline/types.ts';
import { UNMOVED } from '../pipeline/unmoved.ts';

export interface ProgressLimits {
  /** Milliseconds that a batch may gather messages. */
  readonly gathering: number;
  /** Milliseconds that one statement may take at the database. */
  readonly statement: number;
}

/** An attempt to write a batch is a few statements, and may wait for another one that writes the same series. */
const STATEMENTS = 3;
/** Milliseconds for a connection, a backoff, a busy machine. */
const MARGIN = 30_000;

/**
 * Whether what is in hand gets on. Waiting is no standstill: a database that is away is tried again and again, a full
 * spool too, and each attempt that ends, well or not, shows that somebody is at it. Hung is a batch of which nothing is
 * heard any more: neither stored, nor tried again, nor spooled.
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

  /** Seconds for which nothing was heard of a batch in hand, where that is too long; else null. */
  hungFor({ oldestWaits }: Pick<PipelineState, 'oldestWaits'>): number | null {
    const silent = Math.min(oldestWaits * 1000, this.#now() - this.#lastEnd);
    return silent > this.#limit ? silent / 1000 : null;
  }

  #ended(): void {
    this.#lastEnd = this.#now();
  }
}
