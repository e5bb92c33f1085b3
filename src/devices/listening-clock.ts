/**
 * Milliseconds that a stall may count: one of this process (or of its host, asleep) is no time in which a device could
 * have been heard.
 */
const LONGEST_STEP = 5_000;

/** Milliseconds from one look to the next, at the most that a receipt may be after a look. */
const LONGEST_LOOK = 2_000;

/**
 * Counts the milliseconds in which messages could arrive: not those without a broker, nor those in which the intake
 * stood still. Silence is measured by it, so that no outage of ours is a device's. It has nothing to do with the time of
 * day, which may jump.
 */
export class ListeningClock {
  readonly #now: () => number;
  readonly #wallClock: () => number;
  readonly #listening: () => number | null;
  #total = 0;
  /** Up to when the total counts, by `now`; null while nothing can be heard. */
  #mark: number | null = null;
  /** What the clock on the wall said then, in microseconds since 1970. */
  #wallMark = 0;
  #line: number | null = null;
  #since = 0;

  /**
   * `now`: monotonic, in milliseconds. `wallClock`: in microseconds since 1970. `listening`: another number for each connection that messages come by, or null.
   */
  constructor(now: () => number, wallClock: () => number, listening: () => number | null) {
    this.#now = now;
    this.#wallClock = wallClock;
    this.#listening = listening;
  }

  get time(): number {
    return this.#mark === null ? this.#total : this.#total + this.#now() - this.#mark;
  }

  /**
   * The time of a receipt a moment ago, told by the clock on the wall since the latest look: no clock is asked for it, and
   * where that one was set meanwhile it is wrong by two seconds at most.
   */
  timeOf(receivedAt: number): number {
    if (this.#mark === null) return this.#total;
    return this.#total + Math.min(Math.max(0, (receivedAt - this.#wallMark) / 1_000), LONGEST_LOOK);
  }

  /** The time at which the present stretch of listening began. */
  get since(): number {
    return this.#since;
  }

  get running(): boolean {
    return this.#mark !== null;
  }

  /** To be called every second. */
  look(): void {
    const now = this.#now();
    const line = this.#listening();
    if (this.#mark !== null) this.#total += Math.min(now - this.#mark, LONGEST_STEP);
    if (line !== null && line !== this.#line) this.#since = this.#total;
    this.#line = line;
    this.#mark = line === null ? null : now;
    this.#wallMark = this.#wallClock();
  }
}
