import type { Batch, Series } from './types.ts';

/** First and last time of each series in a batch, microseconds; a text series claims all time. */
export type KeyRanges = ReadonlyMap<Series, readonly [number, number]>;

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

/** Of one batch; by series only where all times together do not tell, as there may be as many series as points. */
class BatchKeys {
  readonly #batch: Batch;
  readonly #first: number;
  readonly #last: number;
  #ranges: KeyRanges | null = null;

  constructor(batch: Batch) {
    this.#batch = batch;
    const { points, texts } = batch;
    let first = texts.length > 0 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
    let last = -first;
    for (let row = 0; row < points.length; row++) {
      const timestamp = points.timestamp[row] as number;
      if (timestamp < first) first = timestamp;
      if (timestamp > last) last = timestamp;
    }
    this.#first = first;
    this.#last = last;
  }

  overlaps(later: BatchKeys): boolean {
    if (this.#first > later.#last || later.#first > this.#last) return false;
    this.#ranges ??= keyRanges(this.#batch);
    later.#ranges ??= keyRanges(later.#batch);
    return overlaps(this.#ranges, later.#ranges);
  }
}

export function keyRanges(batch: Batch): KeyRanges {
  const { points, texts, series } = batch;
  const first = new Float64Array(series.length).fill(Number.POSITIVE_INFINITY);
  const last = new Float64Array(series.length).fill(Number.NEGATIVE_INFINITY);
  for (let row = 0; row < points.length; row++) {
    const index = points.seriesIndex[row] as number;
    const timestamp = points.timestamp[row] as number;
    if (timestamp < (first[index] as number)) first[index] = timestamp;
    if (timestamp > (last[index] as number)) last[index] = timestamp;
  }
  for (const index of texts.seriesIndex) {
    first[index] = Number.NEGATIVE_INFINITY;
    last[index] = Number.POSITIVE_INFINITY;
  }
  return new Map(series.map((one, index) => [one, [first[index] as number, last[index] as number] as const]));
}

function overlaps(earlier: KeyRanges, later: KeyRanges): boolean {
  const [few, many] = earlier.size < later.size ? [earlier, later] : [later, earlier];
  for (const [series, [first, last]] of few) {
    const other = many.get(series);
    if (other !== undefined && first <= other[1] && other[0] <= last) return true;
  }
  return false;
}
