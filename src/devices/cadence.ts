/** How often a device publishes, from the intervals between its latest messages. */

/** So many of the latest are kept. */
export const INTERVALS = 16;

/** So many are needed: eight messages. */
const ENOUGH = 7;

/** Up to so many medians an interval is one that came late, or one message that was lost. */
const REGULAR = 2.5;

/**
 * The interval to expect, or null where too little is known. The median, which a lost message or a night of silence does
 * not move. But two long intervals among the latest are a habit (a door, a node that wakes to send several messages): then
 * it is the second longest.
 */
export function cadenceOf(intervals: Float32Array): number | null {
  if (intervals.length < ENOUGH) return null;
  const sorted = intervals.toSorted();
  const median = middleOf(sorted);
  const habit = sorted.at(-2) ?? median;
  return habit > median * REGULAR ? habit : median;
}

/** Null of none. */
export function medianOf(values: Float32Array): number | null {
  return values.length === 0 ? null : middleOf(values.toSorted());
}

function middleOf(sorted: Float32Array): number {
  const upper = sorted.length >> 1;
  const lower = (sorted.length - 1) >> 1;
  return ((sorted[lower] as number) + (sorted[upper] as number)) / 2;
}
