/**
 * A reading that is kept in proportion to what it took, so that however often it is asked for it takes the database a
 * bounded part of its time: what is read at once is read anew at once.
 */
export class KeptReading<T> {
  readonly #read: () => Promise<T>;
  readonly #factor: number;
  readonly #now: () => number;
  #kept: { readonly value: T; readonly until: number } | null = null;
  #running: Promise<T> | null = null;

  /** Kept for `factor` times as long as it took. `now`: milliseconds of a clock that never goes back. */
  constructor(read: () => Promise<T>, factor: number, now: () => number = () => performance.now()) {
    this.#read = read;
    this.#factor = factor;
    this.#now = now;
  }

  /** Who asks while it is read waits for the same. Rejects as the reading does, and asks anew then. */
  async ask(): Promise<T> {
    if (this.#kept !== null && this.#now() < this.#kept.until) return this.#kept.value;
    this.#running ??= this.#begin().finally(() => (this.#running = null));
    return await this.#running;
  }

  async #begin(): Promise<T> {
    const begun = this.#now();
    const value = await this.#read();
    const ended = this.#now();
    this.#kept = { value, until: ended + this.#factor * (ended - begun) };
    return value;
  }
}
