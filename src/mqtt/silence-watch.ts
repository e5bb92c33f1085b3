/** The longest that setTimeout waits: 24.8 days in milliseconds. */
const LONGEST_WAIT = 2 ** 31 - 1;

/** Calls back once when it has been quiet for `limitMs`. No timer is touched for a message. */
export class SilenceWatch {
  readonly #limitMs: number;
  readonly #quietMs: () => number | null;
  readonly #onSilence: (quietMs: number) => void;
  #timer: NodeJS.Timeout | undefined;

  /** `quietMs` says how long it has been quiet, or null where silence means nothing right now. */
  constructor(limitMs: number, quietMs: () => number | null, onSilence: (quietMs: number) => void) {
    this.#limitMs = limitMs;
    this.#quietMs = quietMs;
    this.#onSilence = onSilence;
  }

  start(): void {
    this.stop();
    this.#wait(this.#limitMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #wait(milliseconds: number): void {
    const wait = Math.min(milliseconds, LONGEST_WAIT);
    this.#timer = setTimeout(() => this.#look(), wait);
  }

  #look(): void {
    const quiet = this.#quietMs();
    if (quiet !== null && quiet >= this.#limitMs) this.#onSilence(quiet);
    else this.#wait(quiet === null ? this.#limitMs : this.#limitMs - quiet);
  }
}
