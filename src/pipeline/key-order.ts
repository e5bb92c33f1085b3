import type { Batch, Series } from './types.ts';

/**
 * Keeps batches that may hold the same key in order of arrival, while the others are written side by side: which of
 * two values under one key wins is then decided by arrival, not by which connection was faster. Texts that are stored
 * only when they change depend on the one before, whatever its time.
 */
export class KeyOrder {
  readonly #entries = new Set<{ readonly keys: BatchKeys; readonly left: Promise<void> }>();

  /** Resolves once no earlier batch holds a key of this one; call `leave` of the result when it is written. */
  async enter(batch: Batch): Promise<() => void> {
    const keys = new BatchKeys(batch);
    const before = [...this.#entries].filter((entry) => entry.keys.overlaps(keys));
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

  overlaps(later: BatchKeys): boolean {
    const from = Math.max(this.#first, later.#first);
    const to = Math.min(this.#last, later.#last);
    const shared = from > to ? new Set<Series>() : this.#seriesWithin(from, to);
    return (
      (shared.size > 0 && intersect(shared, later.#seriesWithin(from, to))) ||
      intersect(this.#texts(), later.#texts())
    );
  }

  /** Series with points from `from` to `to`. */
  #seriesWithin(from: number, to: number): Set<Series> {
    const { points, series } = this.#batch;
    const found = new Set<Series>();
    // Columns bring one series row after row.
    let last = -1;
    for (let row = 0; row < points.length; row++) {
      const time = points.timestamp[row] as number;
      const index = points.seriesIndex[row] as number;
      if (index === last || !(time >= from && time <= to)) continue;
      found.add(series[index] as Series);
      last = index;
    }
    return found;
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
