import { SeriesMarks } from './series-marks.ts';
import type { Batch, Series } from './types.ts';

/**
 * Keeps batches that may hold the same key in order of arrival, while the others are written side by side: which of
 * two values under one key wins is then decided by arrival, not by which connection was faster. Texts that are stored
 * only when they change depend on the one before, whatever its time.
 */
export class KeyOrder {
  readonly #marks = new SeriesMarks();
  readonly #entries = new Set<{ readonly keys: BatchKeys; readonly left: Promise<void> }>();

  /** Resolves once no earlier batch holds a key of this one; call `leave` of the result when it is written. */
  async enter(batch: Batch): Promise<() => void> {
    const keys = new BatchKeys(batch);
    const before = [...this.#entries].filter((entry) => entry.keys.overlaps(keys, this.#marks));
    const { promise, resolve } = Promise.withResolvers<void>();
    const entry = { keys, left: promise };
    this.#entries.add(entry);
    for (const earlier of before) await earlier.left;
    return () => {
      this.#entries.delete(entry);
      resolve();
    };
  }
}

/** Of one batch, without a look at each series, of which there may be as many as points, where times alone tell. */
class BatchKeys {
  readonly #batch: Batch;
  readonly #first: number;
  readonly #last: number;

  constructor(batch: Batch) {
    this.#batch = batch;
    let first = Number.POSITIVE_INFINITY;
    let last = Number.NEGATIVE_INFINITY;
    const { timestamp, length } = batch.points;
    for (let row = 0; row < length; row++) {
      const time = timestamp[row] as number;
      if (time < first) first = time;
      if (time > last) last = time;
    }
    this.#first = first;
    this.#last = last;
  }

  /** `marks`: nobody else's meanwhile. */
  overlaps(later: BatchKeys, marks: SeriesMarks): boolean {
    const from = Math.max(this.#first, later.#first);
    const to = Math.min(this.#last, later.#last);
    return (
      (from <= to && this.#sharesWithin(from, to, later, marks)) || intersect(this.#texts(), later.#texts())
    );
  }

  /** Whether a series has points of both from `from` to `to`. */
  #sharesWithin(from: number, to: number, later: BatchKeys, marks: SeriesMarks): boolean {
    marks.clear();
    this.#some(from, to, (series) => {
      marks.add(series);
      return false;
    });
    return later.#some(from, to, (series) => marks.has(series));
  }

  /** Whether it is so of a series with points from `from` to `to`. */
  #some(from: number, to: number, isSo: (series: Series) => boolean): boolean {
    const { series, points } = this.#batch;
    const { length, timestamp, seriesIndex } = points;
    // Columns bring one series row after row.
    let last = -1;
    for (let row = 0; row < length; row++) {
      const index = seriesIndex[row] as number;
      if (index === last) continue;
      const time = timestamp[row] as number;
      if (!(time >= from && time <= to)) continue;
      if (isSo(series[index] as Series)) return true;
      last = index;
    }
    return false;
  }

  #texts(): Set<Series> {
    const { texts, series } = this.#batch;
    return new Set(texts.seriesIndex.map((index) => series[index] as Series));
  }
}

function intersect(one: ReadonlySet<Series>, other: ReadonlySet<Series>): boolean {
  for (const series of one) if (other.has(series)) return true;
  return false;
}
