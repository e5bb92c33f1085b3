/** Edge nodes that are asked at one look, so that a start does not have all of them publish at once. */
const AT_ONCE = 10;
/** One that does not mend is asked twice as late each time, up to so many times the interval. */
const LONGEST = 64;

interface Asked {
  at: number;
  /** Times the interval until it may be asked again. */
  factor: number;
}

/** Whom to ask for a birth, and when: an edge node that cannot mend what is wrong is asked ever more seldom. */
export class Rebirths {
  readonly #interval: number;
  readonly #asked = new Map<string, Asked>();

  /** `interval`: microseconds in which an edge node is asked once at most. */
  constructor(interval: number) {
    this.#interval = interval;
  }

  /** Those of the wanted ones whose turn it is; `now`: microseconds since 1970. */
  due(wanted: readonly string[], now: number): string[] {
    const still = new Set(wanted);
    for (const [edge, { at, factor }] of this.#asked) {
      if (now - at >= 2 * factor * this.#interval && !still.has(edge)) this.#asked.delete(edge);
    }
    const due = wanted.filter((edge) => {
      const asked = this.#asked.get(edge);
      return asked === undefined || now - asked.at >= asked.factor * this.#interval;
    });
    const chosen = due.slice(0, AT_ONCE);
    for (const edge of chosen) {
      const before = this.#asked.get(edge);
      const factor = before === undefined ? 1 : Math.min(before.factor * 2, LONGEST);
      this.#asked.set(edge, { at: now, factor });
    }
    return chosen;
  }
}
