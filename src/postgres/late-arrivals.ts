import type { Arrived } from './journal-arrivals.ts';

/**
 * Where points of a series lie that are no later than its latest one was. Times in microseconds since 1970, both included.
 * Where the range has no more points than these, they are all of it.
 */
export interface LateRange {
  readonly first: number;
  readonly last: number;
  readonly count: number;
}

/**
 * Of a series, from what batches brought of it. `seen`: the time of its latest point before them; `later`: how many of
 * theirs are after that.
 */
export function lateRanges(arrived: readonly Arrived[], seen: number, later: number): LateRange[] {
  const ranges = arrived
    .filter(({ last }) => last <= seen)
    .map(({ points, first, last }) => ({ first, last, count: points }));
  const across = arrived.filter(({ first, last }) => first <= seen && last > seen);
  const all = arrived.reduce((sum, { points }) => sum + points, 0);
  // Of batches with points on both sides it is known only together how many are late.
  const rest = all - later - ranges.reduce((sum, { count }) => sum + count, 0);
  if (rest > 0 && across.length > 0)
    ranges.push({ first: Math.min(...across.map(({ first }) => first)), last: seen, count: rest });
  return joined(ranges).map((range) => (range.count === 1 ? { ...range, last: range.first } : range));
}

/** Those that have times in common are one. */
function joined(ranges: readonly LateRange[]): LateRange[] {
  const apart: LateRange[] = [];
  for (const range of ranges.toSorted((left, right) => left.first - right.first)) {
    const before = apart.at(-1);
    if (before === undefined || range.first > before.last) apart.push(range);
    else {
      const [last, count] = [Math.max(before.last, range.last), before.count + range.count];
      apart[apart.length - 1] = { first: before.first, last, count };
    }
  }
  return apart;
}
