/** Buckets of a local clock as Intl knows it, in the plainest way. Times are microseconds since 1970. */

const SECOND = 1_000_000;
const MINUTE = 60 * SECOND;
const DAY = 86_400 * SECOND;
const QUARTER = 15 * MINUTE;
/** A Monday. */
const ORIGIN = Date.UTC(2000, 0, 3) * 1000;

export interface Width {
  /** As PostgreSQL reads it. */
  readonly interval: string;
  readonly microseconds: number;
  readonly months: number;
}

export const width = (interval: string, microseconds: number): Width => ({
  interval,
  microseconds,
  months: 0,
});
export const months = (count: number): Width => ({
  interval: `${count} months`,
  microseconds: 0,
  months: count,
});

const clocks = new Map<string, Intl.DateTimeFormat>();

function clockOf(tz: string): Intl.DateTimeFormat {
  const known = clocks.get(tz);
  if (known !== undefined) return known;
  // Sweden writes times as ISO 8601 does.
  const clock = new Intl.DateTimeFormat('sv-SE', { timeZone: tz, dateStyle: 'short', timeStyle: 'medium' });
  clocks.set(tz, clock);
  return clock;
}

/** By time zone and quarter of an hour: no clock is changed within one. */
const offsets = new Map<string, Map<number, number>>();

/** How far the local clock is ahead of UTC. */
function offsetAt(time: number, tz: string): number {
  const quarter = Math.floor(time / QUARTER) * QUARTER;
  const known = offsets.get(tz) ?? new Map<number, number>();
  offsets.set(tz, known);
  const found = known.get(quarter);
  if (found !== undefined) return found;
  const wall = clockOf(tz).format(quarter / 1000);
  const offset = Date.parse(`${wall.replace(' ', 'T')}Z`) * 1000 - quarter;
  known.set(quarter, offset);
  return offset;
}

const floor = (value: number, unit: number, origin = 0): number =>
  Math.floor((value - origin) / unit) * unit + origin;

/** Up to an hour buckets divide the clock's hours as they elapse; longer ones follow its face. */
export function bucketStart(time: number, { microseconds, months: count }: Width, tz: string): number {
  const local = time + offsetAt(time, tz);
  if (count === 0 && microseconds <= 60 * MINUTE) return time - (local - floor(local, microseconds, ORIGIN));
  const face = count === 0 ? floor(local, microseconds, ORIGIN) : monthStart(local, count);
  // The first moment at which the clock shows it.
  const candidates = [-DAY, DAY].map((away) => face - offsetAt(face + away, tz));
  const shown = candidates.filter((moment) => moment + offsetAt(moment, tz) === face);
  return Math.min(...(shown.length > 0 ? shown : candidates));
}

function monthStart(local: number, count: number): number {
  const date = new Date(local / 1000);
  const month = floor(date.getUTCFullYear() * 12 + date.getUTCMonth(), count);
  return Date.UTC(Math.floor(month / 12), month % 12) * 1000;
}

const known = new Map<string, readonly number[]>();

/** Every bucket that from <= time < to touches. */
export function bucketStarts(from: number, to: number, width: Width, tz: string): readonly number[] {
  const question = `${from} ${to} ${width.interval} ${tz}`;
  const found = known.get(question);
  if (found !== undefined) return found;
  const isLong = width.months > 0 || width.microseconds >= DAY;
  const step = isLong ? 6 * 60 * MINUTE : Math.min(width.microseconds, QUARTER);
  const starts = new Set<number>();
  for (let time = from; time < to; time += step) starts.add(bucketStart(time, width, tz));
  starts.add(bucketStart(to - 1, width, tz));
  const all = [...starts].sort((a, b) => a - b);
  known.set(question, all);
  return all;
}
