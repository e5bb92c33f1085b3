/** 28 days from 2000-01-03 00:00 UTC, a Monday: no segment crosses such a moment. Microseconds. */
const WIDTH = 28 * 86_400_000_000;
const ORIGIN = 946_857_600_000_000;

/** The start of the grid's cell that holds a moment. */
export function gridStart(moment: number): number {
  return ORIGIN + Math.floor((moment - ORIGIN) / WIDTH) * WIDTH;
}

/** The rows [from, to) of increasing times, cut where a cell of the grid ends. */
export function* cutAtGrid(
  times: Float64Array,
  from: number = 0,
  to: number = times.length,
): Generator<{ readonly from: number; readonly to: number }> {
  let start = from;
  while (start < to) {
    const end = firstFrom(times, gridStart(times[start] as number) + WIDTH, start, to);
    yield { from: start, to: end };
    start = end;
  }
}

/** The first row of [from, to) whose time is the moment or later, or to. */
export function firstFrom(
  times: Float64Array,
  moment: number,
  from: number = 0,
  to: number = times.length,
): number {
  let low = from;
  let high = to;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((times[middle] as number) < moment) low = middle + 1;
    else high = middle;
  }
  return low;
}
