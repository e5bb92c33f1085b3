/** Points of one series that did not become rows because their keys were there: with the same value, and with another. */
export interface SeriesRepeat {
  readonly seriesId: number;
  readonly duplicate: number;
  readonly conflict: number;
}

/** Counts them, series by series. */
export class SeriesRepeats {
  readonly #counts = new Map<number, { duplicate: number; conflict: number }>();

  /** A count may be taken back by a negative one. */
  add(seriesId: number, duplicate: number, conflict: number): void {
    const counts = this.#counts.get(seriesId) ?? { duplicate: 0, conflict: 0 };
    counts.duplicate += duplicate;
    counts.conflict += conflict;
    this.#counts.set(seriesId, counts);
  }

  list(): SeriesRepeat[] {
    return Array.from(this.#counts, ([seriesId, counts]) => ({ seriesId, ...counts })).filter(
      ({ duplicate, conflict }) => duplicate + conflict > 0,
    );
  }
}
