/** Of the values that sums cover: finite, and small enough that no sum of squares overflows. */
export interface Statistics {
  readonly count: number;
  readonly sum: number;
  /** The squared deviations from the mean. */
  readonly m2: number;
  /** Null where nothing is covered. */
  readonly min: number | null;
  readonly max: number | null;
}

/** The largest magnitude that a sum covers. */
const LARGEST_COVERED = 1e140;

/** Of values [from, to). */
export function statisticsOf(values: Float64Array, from: number, to: number): Statistics {
  let count = 0;
  let sum = 0;
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (let index = from; index < to; index++) {
    const value = values[index] as number;
    if (!(Math.abs(value) <= LARGEST_COVERED)) continue;
    count++;
    sum += value;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  if (count === 0) return { count, sum: 0, m2: 0, min: null, max: null };
  if (min === max) return { count, sum, m2: 0, min, max };
  const mean = sum / count;
  let m2 = 0;
  for (let index = from; index < to; index++) {
    const deviation = (values[index] as number) - mean;
    if (Math.abs(values[index] as number) <= LARGEST_COVERED) m2 += deviation * deviation;
  }
  return { count, sum, m2, min, max };
}
