/** Any questions to /api/metrics, and what they must be answered with, computed from the points in the plainest way. */

import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { expectedRow, type Point } from '../integration/aggregates/rules.ts';
import { at, DAY, HOUR, MINUTE, SECOND } from './inputs.ts';
import { bucketStart, bucketStarts, months, type Width, width } from './local-buckets.ts';
import type { Series } from './model.ts';

const BUCKETS: Readonly<Record<string, Width>> = {
  'granularity=1min': width('1 minute', MINUTE),
  'granularity=15min': width('15 minutes', 15 * MINUTE),
  'granularity=1hour': width('1 hour', HOUR),
  'granularity=1day': width('1 day', DAY),
  'bucket=10s': width('10 seconds', 10 * SECOND),
  'bucket=5m': width('5 minutes', 5 * MINUTE),
  'bucket=6h': width('6 hours', 6 * HOUR),
  'bucket=1w': width('7 days', 7 * DAY),
  'bucket=1mo': months(1),
};
const AGGREGATES = ['avg', 'min', 'max', 'sum', 'count', 'first', 'last'] as const;
const FORMATS = ['json', 'ndjson', 'csv'] as const;
/** To the bit: 0 is not -0. */
const EXACT = -1;

export interface AnyQuestion {
  readonly devices: readonly string[];
  readonly metrics: readonly string[];
  readonly from: number;
  readonly to: number;
  readonly format: (typeof FORMATS)[number];
  readonly limit: number | null;
  /** Null: the points themselves. */
  readonly buckets: {
    readonly name: string;
    readonly tz: string;
    readonly agg: (typeof AGGREGATES)[number];
    readonly fill: 'none' | 'null' | 'previous';
  } | null;
}

const POINTS = { limit: fc.option(fc.integer({ min: 1, max: 400 })), buckets: fc.constant(null) };
const SUMMED = {
  limit: fc.constant(null),
  buckets: fc.record({
    name: fc.constantFrom(...Object.keys(BUCKETS)),
    tz: fc.constantFrom('UTC', 'Europe/Berlin', 'Asia/Kathmandu'),
    agg: fc.constantFrom(...AGGREGATES),
    fill: fc.constantFrom('none' as const, 'null' as const, 'previous' as const),
  }),
};

/** `now`: microseconds since 1970. */
export function anyQuestion(now: number): fc.Arbitrary<AnyQuestion> {
  const begins = ['2024-03-30T20:00:00Z', '2024-10-26T20:00:00Z'].map(at);
  begins.push(now - 12 * DAY, now - 11.5 * DAY, now - 3 * DAY, now - 400 * DAY, now - HOUR);
  const scope = {
    devices: fc.subarray(['a', 'b', 'ü/c'], { minLength: 1 }),
    from: fc
      .tuple(fc.constantFrom(...begins), fc.integer({ min: -2 * HOUR, max: 6 * HOUR }))
      .map(([begin, away]) => Math.floor(begin) + away),
    length: fc.constantFrom(0, 1, 1_000, 10 * MINUTE, 3 * HOUR, 2 * DAY + 1, 40 * DAY),
    format: fc.constantFrom(...FORMATS),
  };
  const numbers = fc.subarray(['plain', 'awkward', 'counter', 'nothing'], { minLength: 1 });
  const all = fc.subarray(['plain', 'awkward', 'note', 'nothing'], { minLength: 1 });
  return fc
    .oneof(
      fc.record({ ...scope, metrics: all, ...POINTS }),
      fc.record({ ...scope, metrics: numbers, ...SUMMED }),
    )
    .map(({ length, ...rest }) => ({ ...rest, to: rest.from + length }))
    .filter(
      ({ from, to, buckets }) =>
        buckets === null || to - from < 1_000 * (BUCKETS[buckets.name]?.microseconds || 28 * DAY),
    );
}

export function urlOf({ devices, metrics, from, to, format, limit, buckets }: AnyQuestion): string {
  const parameters = new URLSearchParams({ start_time: String(from), end_time: String(to), format });
  for (const device of devices) parameters.append('device_id', device);
  for (const metric of metrics) parameters.append('metric_name', metric);
  if (limit !== null) parameters.append('limit', String(limit));
  if (buckets === null) return `/api/metrics?granularity=raw&${parameters.toString()}`;
  const { name, ...rest } = buckets;
  return `/api/metrics?${name}&${parameters.toString()}&${new URLSearchParams(rest).toString()}`;
}

export interface Row {
  readonly device: string;
  readonly metric: string;
  /** Microseconds since 1970. */
  readonly time: number;
  readonly value: number | string | null;
  /** How far the value may be off. */
  readonly noise: number;
}

/** `all`: by device and metric, in the order of answers. */
export function wantedRows(all: readonly Series[], question: AnyQuestion): Row[] {
  const { devices, metrics, from, to, buckets } = question;
  const its = all.filter(({ device, metric }) => devices.includes(device) && metrics.includes(metric));
  return its.flatMap(({ device, metric, points }) => {
    if (buckets !== null) {
      return summed(points as readonly Point[], question, buckets).map((row) => ({ device, metric, ...row }));
    }
    return points
      .filter(({ time }) => time >= from && time < to)
      .map((point) => ({ device, metric, ...point, noise: EXACT }));
  });
}

function summed(
  points: readonly Point[],
  { from, to }: AnyQuestion,
  { name, tz, agg, fill }: NonNullable<AnyQuestion['buckets']>,
): Omit<Row, 'device' | 'metric'>[] {
  if (from === to) return [];
  const length = BUCKETS[name] as Width;
  const byStart = Map.groupBy(
    points.filter(({ time }) => time >= from && time < to + 32 * DAY),
    ({ time }) => bucketStart(time, length, tz),
  );
  let before: { value: number | null; noise: number } = { value: null, noise: 0 };
  return bucketStarts(from, to, length, tz)
    .filter((start) => start >= from && start < to && (fill !== 'none' || byStart.has(start)))
    .map((time) => {
      const found = byStart.get(time);
      const own = found === undefined ? { value: null, noise: 0 } : aggregate(found, agg);
      if (own.value !== null) before = own;
      if (found === undefined && agg === 'count') return { time, value: 0, noise: 0 };
      return { time, ...(own.value === null && fill === 'previous' ? before : own) };
    });
}

function aggregate(
  points: readonly Point[],
  agg: (typeof AGGREGATES)[number],
): { value: number | null; noise: number } {
  const row = expectedRow(points, { tolerance: 0, rollover: null, hold: 86_400 });
  const covered = row.count - row.excluded;
  const none = covered === 0 && (agg === 'avg' || agg === 'sum');
  if (none) return { value: null, noise: 0 };
  const average = row.sum / covered;
  const noise = 2 * row.count * 2 ** -52 * row.sumOfSizes;
  if (agg === 'avg')
    return { value: average, noise: noise / covered + Math.abs(average) * 2 ** -52 + 5e-324 };
  const { sum, count, min, max, first, last } = row;
  const values = { sum, count, min, max, first: first.value, last: last.value };
  return { value: values[agg], noise: agg === 'sum' ? noise : 0 };
}

export function assertRows(found: readonly Row[], wanted: readonly Row[], where: string): void {
  const key = ({ device, metric, time }: Row) => `${device} ${metric} ${time}`;
  assert.deepEqual(found.map(key), wanted.map(key), where);
  for (const [place, row] of wanted.entries()) {
    const value = found[place]?.value;
    const isNear =
      typeof value === 'number' && typeof row.value === 'number' && Math.abs(value - row.value) <= row.noise;
    assert.ok(isNear || Object.is(value, row.value), `${where}: ${key(row)}: ${value}, not ${row.value}`);
  }
}
