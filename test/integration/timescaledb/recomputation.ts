/** Aggregates computed from the points once more, by another way than the views. */

import type { TestDatabase } from '../../support/database.ts';

export const WIDTHS = { '1min': 60, '15min': 900, '1hour': 3_600, '1day': 86_400 } as const;
export type Level = keyof typeof WIDTHS;

interface PointRow {
  readonly series: string;
  readonly time: number;
  readonly value: number;
}

/** A bucket; times in microseconds since 1970. */
export interface Bucket {
  readonly count: number;
  readonly sum: number | null;
  readonly min: number;
  readonly max: number;
  readonly first: number;
  readonly last: number;
  readonly stddev: number | null;
  readonly increase: number;
  readonly timeWeighted: number | null;
}

export interface CounterPolicy {
  readonly tolerance: number;
  readonly rollover: number | null;
  /** Seconds. */
  readonly hold: number;
}

/** By series and bucket, from the rows of iot_data. */
export async function recomputed(
  database: TestDatabase,
  level: Level,
  policy: CounterPolicy,
): Promise<Map<string, Bucket>> {
  const rows = await database.query<PointRow>(
    `SELECT device_id || ' ' || metric_name AS series, (extract(epoch FROM timestamp) * 1000000)::float8 AS time, value
     FROM iot_data ORDER BY 1, 2`,
  );
  const buckets = new Map<string, PointRow[]>();
  for (const row of rows) {
    const key = `${row.series} ${Math.floor(row.time / 1e6 / WIDTHS[level]) * WIDTHS[level]}`;
    const bucket = buckets.get(key);
    if (bucket === undefined) buckets.set(key, [row]);
    else bucket.push(row);
  }
  return new Map([...buckets].map(([key, points]) => [key, bucketOf(points, policy)]));
}

function bucketOf(points: readonly PointRow[], policy: CounterPolicy): Bucket {
  const values = points.map(({ value }) => value);
  const covered = values.filter(isCovered);
  const sum = covered.reduce((total, value) => total + value, 0);
  const mean = sum / covered.length;
  const ascending = values.toSorted(byPostgres);
  let increase = 0;
  let integral = 0;
  let seconds = 0;
  for (const [index, point] of points.entries()) {
    const before = points[index - 1];
    if (before === undefined || !isCovered(before.value) || !isCovered(point.value)) continue;
    const held = Math.min((point.time - before.time) / 1e6, policy.hold);
    increase += gain(before.value, point.value, policy);
    integral += before.value * held;
    seconds += held;
  }
  const average = covered.length === 0 ? null : mean;
  return {
    count: points.length,
    sum: covered.length === 0 ? null : sum,
    min: ascending[0] as number,
    max: ascending.at(-1) as number,
    first: values[0] as number,
    last: values.at(-1) as number,
    stddev:
      covered.length < 2
        ? null
        : Math.sqrt(covered.reduce((total, value) => total + (value - mean) ** 2, 0) / (covered.length - 1)),
    increase,
    timeWeighted: seconds > 0 ? integral / seconds : average,
  };
}

function isCovered(value: number): boolean {
  return Math.abs(value) <= 1e140;
}

/** NaN is the greatest. */
function byPostgres(left: number, right: number): number {
  if (Number.isNaN(left)) return Number.isNaN(right) ? 0 : 1;
  if (Number.isNaN(right)) return -1;
  return left < right ? -1 : Number(left > right);
}

function gain(before: number, after: number, { tolerance, rollover }: CounterPolicy): number {
  const delta = after - before;
  if (delta >= -tolerance) return delta;
  const rolled = rollover === null || before > rollover ? Number.NaN : rollover + delta;
  return rollover !== null && rolled <= rollover / 2 ? rolled : Math.max(after, 0);
}

/** The same from a view. */
export async function viewed(database: TestDatabase, level: Level): Promise<Map<string, Bucket>> {
  const rows = await database.query<Bucket & { key: string }>(
    `SELECT device_id || ' ' || metric_name || ' ' || extract(epoch FROM bucket)::bigint AS key, count::int, sum_value AS sum,
       min_value AS min, max_value AS max, first_value AS first, last_value AS last, stddev_value AS stddev, increase,
       time_weighted_avg AS "timeWeighted"
     FROM iot_data_${level}`,
  );
  return new Map(rows.map(({ key, ...bucket }) => [key, bucket]));
}

/** What is different between two, in words; empty where sums are within rounding and everything else is equal. */
export function differences(
  expected: ReadonlyMap<string, Bucket>,
  actual: ReadonlyMap<string, Bucket>,
): string[] {
  const found: string[] = [];
  for (const key of new Set([...expected.keys(), ...actual.keys()])) {
    const [left, right] = [expected.get(key), actual.get(key)];
    if (left === undefined || right === undefined) {
      found.push(`${key}: ${left === undefined ? 'too much' : 'missing'}`);
      continue;
    }
    for (const name of Object.keys(left) as (keyof Bucket)[]) {
      const exact = ['count', 'min', 'max', 'first', 'last'].includes(name);
      if (exact ? !Object.is(plain(left[name]), plain(right[name])) : !isNear(left[name], right[name]))
        found.push(`${key} ${name}: ${right[name]} for ${left[name]}`);
    }
  }
  return found;
}

/** Of -0 and 0 min() and max() may give either. */
function plain(value: number | null): number | null {
  return value === 0 ? 0 : value;
}

function isNear(left: number | null, right: number | null): boolean {
  if (left === null || right === null) return left === right;
  return left === right || Math.abs(left - right) <= 1e-7 * Math.max(Math.abs(left), Math.abs(right), 1e-9);
}
