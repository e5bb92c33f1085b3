/** Lets a recurring event through to the log at once, then at most once in a while with how often it was. */
export class LogLimit {
  readonly #intervalMs: number;
  readonly #now: () => number;
  readonly #seen = new Map<string, { loggedAt: number; held: number }>();

  /** `now` in milliseconds, monotonic. */
  constructor(intervalMs: number, now: () => number) {
    this.#intervalMs = intervalMs;
    this.#now = now;
  }

  /** Counts `count` events of a kind; returns how many to report now, or 0 to keep quiet. Kinds must be few. */
  pass(kind: string, count: number): number {
    const now = this.#now();
    const seen = this.#seen.get(kind) ?? { loggedAt: Number.NEGATIVE_INFINITY, held: 0 };
    this.#seen.set(kind, seen);
    seen.held += count;
    if (now - seen.loggedAt < this.#intervalMs) return 0;
    const reported = seen.held;
    seen.loggedAt = now;
    seen.held = 0;
    return reported;
  }
}
