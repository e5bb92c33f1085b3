import type { Logger } from '../pipeline/types.ts';
import { type Backoff, backoffDelay, RECONNECTING } from './backoff.ts';

export interface AttemptsOptions {
  /** Default 1 s to 60 s. */
  readonly backoff: Backoff | undefined;
  readonly logger: Logger;
  /** What an attempt waits for after its delay. */
  readonly prepare: () => Promise<void>;
  readonly connect: () => void;
}

/** When to connect again: one attempt at a time, later and later until a connection was sound. */
export class Attempts {
  readonly #options: AttemptsOptions;
  /** Since the last sound connection. */
  #count = 0;
  #next: { timer: NodeJS.Timeout } | null = null;

  constructor(options: AttemptsOptions) {
    this.#options = options;
  }

  plan(cause: string, url: string): void {
    const { backoff, logger, prepare, connect } = this.#options;
    this.cancel();
    const delay = backoffDelay(this.#count++, backoff ?? RECONNECTING);
    logger.warn(
      { url, attempt: this.#count, retry_in_ms: delay },
      `${cause}; connecting to ${url} in ${(delay / 1_000).toFixed(1)} s`,
    );
    const due = async (): Promise<void> => {
      await prepare();
      if (this.#next !== next) return;
      this.#next = null;
      connect();
    };
    const next = { timer: setTimeout(() => void due(), delay) };
    this.#next = next;
  }

  cancel(): void {
    clearTimeout(this.#next?.timer);
    this.#next = null;
  }

  /** A connection held: the next attempt waits the minimum again. */
  sound(): void {
    this.#count = 0;
  }
}
