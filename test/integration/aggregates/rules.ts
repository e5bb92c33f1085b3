/** What an aggregate's row has to hold, computed from the points of its bucket in the plainest way. */

export interface Point {
  /** Microseconds since 1970. */
  readonly time: number;
  readonly value: number;
}

export interface Policy {
  readonly tolerance: number;
  readonly rollover: number | null;
  /** Seconds. */
  readonly hold: number;
}

export interface Expected {
  readonly count: number;
  readonly excluded: number;
  readonly min: number;
  readonly max: number;
  readonly first: Point;
  readonly last: Point;
  readonly sum: number;
  /** The sum of |value|, which bounds the error of `sum`. */
  readonly sumOfSizes: number;
  readonly m2: number;
  readonly increase: number;
  readonly sizesOfGains: number;
  readonly resets: number;
  readonly integral: number;
  readonly sizesOfAreas: number;
  readonly seconds: number;
}

const isCovered = (value: number): boolean => Math.abs(value) <= 1e140;

/** PostgreSQL's order of doubles: NaN is greater than all others. */
function compare(left: number, right: number): number {
  if (Number.isNaN(left)) return Number.isNaN(right) ? 0 : 1;
  if (Number.isNaN(right)) return -1;
  return left < right ? -1 : left > right ? 1 : 0;
}

function gain(
  before: number,
  after: number,
  { tolerance, rollover }: Policy,
): { gain: number; reset: boolean } {
  const delta = after - before;
  if (delta >= 0 || -delta <= tolerance) return { gain: delta, reset: false };
  if (rollover !== null && before <= rollover) {
    const rolled = rollover - before + after;
    if (rolled <= rollover / 2) return { gain: rolled, reset: true };
  }
  return { gain: Math.max(after, 0), reset: true };
}

/** `points`: of one bucket, one a time. */
export function expectedRow(points: readonly Point[], policy: Policy): Expected {
  const ordered = [...points].sort((left, right) => left.time - right.time);
  const values = ordered.map(({ value }) => value);
  const covered = values.filter(isCovered);
  const sum = covered.reduce((total, value) => total + value, 0);
  const mean = sum / covered.length;
  const row = {
    increase: 0,
    sizesOfGains: 0,
    resets: 0,
    integral: 0,
    sizesOfAreas: 0,
    seconds: 0,
  };
  for (const [index, point] of ordered.entries()) {
    const before = ordered[index - 1];
    if (before === undefined || !isCovered(before.value) || !isCovered(point.value)) continue;
    const step = gain(before.value, point.value, policy);
    row.increase += step.gain;
    row.sizesOfGains += Math.abs(step.gain);
    if (step.reset) row.resets++;
    const held = Math.min((point.time - before.time) / 1e6, policy.hold);
    row.integral += before.value * held;
    row.sizesOfAreas += Math.abs(before.value * held);
    row.seconds += held;
  }
  return {
    ...row,
    count: values.length,
    excluded: values.length - covered.length,
    min: values.reduce((least, value) => (compare(value, least) < 0 ? value : least)),
    max: values.reduce((most, value) => (compare(value, most) > 0 ? value : most)),
    first: ordered[0] as Point,
    last: ordered.at(-1) as Point,
    sum,
    sumOfSizes: covered.reduce((total, value) => total + Math.abs(value), 0),
    m2: covered.reduce((total, value) => total + (value - mean) ** 2, 0),
  };
}

/** The points of each bucket, by its start. */
export function bucketsOf(points: readonly Point[], width: number): Map<number, Point[]> {
  const buckets = new Map<number, Point[]>();
  for (const point of points) {
    const start = Math.floor(point.time / width) * width;
    const bucket = buckets.get(start);
    if (bucket === undefined) buckets.set(start, [point]);
    else bucket.push(point);
  }
  return buckets;
}
