/** What the views and functions of aggregates say, against the model. */

import assert from 'node:assert/strict';
import { bucketsOf, expectedRow, type Point, type Policy } from '../integration/aggregates/rules.ts';
import type { TestDatabase } from '../support/database.ts';
import { bucketStart, bucketStarts, type Width } from './local-buckets.ts';
import { key, type Model } from './model.ts';
import type { Range } from './point-answers.ts';

export const WIDTHS = { '1min': 60e6, '15min': 900e6, '1hour': 3_600e6, '1day': 86_400e6 } as const;
export type Level = keyof typeof WIDTHS;
export const LEVELS = Object.keys(WIDTHS) as Level[];
/** The defaults of a series. */
const POLICY: Policy = { tolerance: 0, rollover: null, hold: 86_400 };
const ROUNDING = 2 ** -52;

interface Row {
  readonly device: string;
  readonly metric: string;
  readonly start: string;
  readonly count: number;
  readonly avg_value: number | null;
  readonly max_value: number | null;
  readonly min_value: number | null;
  readonly sum_value: number | null;
  readonly stddev_value: number | null;
  readonly first_value: number | null;
  readonly first: string | null;
  readonly last_value: number | null;
  readonly last: string | null;
  readonly increase: number | null;
  readonly time_weighted_avg: number | null;
}

const MICROSECONDS = (time: string): string => `(extract(epoch FROM ${time}) * 1000000)::bigint::text`;
const COLUMNS = `device_id AS device, metric_name AS metric, ${MICROSECONDS('bucket')} AS start, count::int, avg_value, max_value,
  min_value, sum_value, stddev_value, first_value, ${MICROSECONDS('first_time')} AS first, last_value,
  ${MICROSECONDS('last_time')} AS last, increase, time_weighted_avg`;

/** iot_data_1min to iot_data_1day, every column of every row. */
export async function assertLevels(
  database: TestDatabase,
  model: Model,
  when: string,
  levels: readonly Level[] = LEVELS,
): Promise<void> {
  for (const level of levels) {
    const rows = await database.query<Row>(`SELECT ${COLUMNS} FROM iot_data_${level}`);
    const found = new Map(rows.map((row) => [`${key(row)} ${row.start}`, row]));
    assert.equal(found.size, rows.length, `iot_data_${level} ${when}: a bucket twice`);
    for (const series of model.numbers()) {
      for (const [start, points] of bucketsOf(series.points, WIDTHS[level])) {
        const name = `${key(series)} ${start}`;
        const row = found.get(name);
        const where = `iot_data_${level} ${when}: ${key(series)} ${new Date(start / 1000).toISOString()}`;
        assert.ok(row, `${where}: no row`);
        assertRow(row, points, where);
        found.delete(name);
      }
    }
    assert.deepEqual([...found.keys()], [], `iot_data_${level} ${when}: rows without points`);
  }
}

export type Fill = 'none' | 'null' | 'locf' | 'linear';

export interface Question extends Range {
  readonly width: Width;
  readonly tz: string;
  readonly fill: Fill;
}

/** iot_aggregate of one series and of several. */
export async function assertAggregate(
  database: TestDatabase,
  model: Model,
  { from, to, width, tz, fill }: Question,
  when: string,
): Promise<void> {
  const ask = (devices: string, metrics: string, names: readonly unknown[]) =>
    database.query<Row>(
      `SELECT ${COLUMNS} FROM iot_aggregate(${devices}, ${metrics}, timestamptz 'epoch' + $3::bigint * interval '1 microsecond',
         timestamptz 'epoch' + $4::bigint * interval '1 microsecond', $5::interval, $6, $7) ORDER BY 1, 2, bucket`,
      [...names, from, to, width.interval, tz, fill],
    );
  const where = `iot_aggregate(${new Date(from / 1000).toISOString()}, ${new Date(to / 1000).toISOString()}, ${width.interval}, ${tz}, ${fill}) ${when}`;
  const all: Row[] = [];
  for (const series of model.numbers()) {
    const rows = await ask('$1::text', '$2::text', [series.device, series.metric]);
    assertSeries(rows, series.points, { from, to, width, tz, fill }, `${where}, ${key(series)}`);
    all.push(...rows);
  }
  const devices = [...new Set(model.series().map(({ device }) => device)), 'nobody'];
  const metrics = [...new Set(model.series().map(({ metric }) => metric)), 'nothing'];
  const several = await ask('$1::text[]', '$2::text[]', [devices, metrics]);
  const byName = (row: Row) => `${key(row)} ${row.start.padStart(17)}`;
  assert.deepEqual(
    several.toSorted((a, b) => (byName(a) < byName(b) ? -1 : 1)),
    all.toSorted((a, b) => (byName(a) < byName(b) ? -1 : 1)),
    `${where} of several`,
  );
}

function assertSeries(
  rows: readonly Row[],
  points: readonly Point[],
  { from, to, width, tz, fill }: Question,
  where: string,
): void {
  const starts = new Set(bucketStarts(from, to, width, tz));
  const buckets = Map.groupBy(points, ({ time }) => bucketStart(time, width, tz));
  const wanted = [...starts].filter((start) => fill !== 'none' || buckets.has(start));
  assert.deepEqual(
    rows.map(({ start }) => Number(start)),
    wanted,
    `${where}: buckets`,
  );
  for (const [place, row] of rows.entries()) {
    const its = buckets.get(Number(row.start));
    if (its !== undefined)
      assertRow(row, its, `${where}, ${new Date(Number(row.start) / 1000).toISOString()}`);
    else assertFilled(rows, place, fill, where);
  }
}

/** An empty bucket: only avg_value may be there. */
function assertFilled(rows: readonly Row[], place: number, fill: Fill, where: string): void {
  const row = rows[place] as Row;
  const { device, metric, start, avg_value: average, count, ...rest } = row;
  assert.deepEqual(
    [count, new Set(Object.values(rest))],
    [0, new Set([null])],
    `${where}: ${device} ${metric} ${start}`,
  );
  const known = ({ avg_value: value, count: points }: Row) => points > 0 && value !== null;
  const before = rows.slice(0, place).findLast(known);
  const after = rows.slice(place).find(known);
  let wanted: number | null = null;
  if (fill === 'locf') wanted = before?.avg_value ?? null;
  if (fill === 'linear' && before !== undefined && after !== undefined) {
    const [left, right] = [before.avg_value as number, after.avg_value as number];
    const part = (Number(start) - Number(before.start)) / (Number(after.start) - Number(before.start));
    wanted = left + (right - left) * part;
    const noise = 1e-12 * Math.max(Math.abs(left), Math.abs(right)) + 1e-300;
    assert.ok(
      average !== null && Math.abs(average - wanted) <= noise,
      `${where}: ${start}: ${average}, not ${wanted}`,
    );
    return;
  }
  assert.equal(average, wanted, `${where}: ${start} filled`);
}

/** Counts and values exactly, what is summed up within rounding. */
function assertRow(row: Row, points: readonly Point[], where: string): void {
  const wanted = expectedRow(points, POLICY);
  const n = wanted.count;
  const covered = n - wanted.excluded;
  // 0 and -0 are equal: which of them is the least depends on the order.
  assert.deepEqual(
    [
      row.count,
      row.first_value,
      row.first,
      row.last_value,
      row.last,
      Number(row.min_value),
      Number(row.max_value),
    ].map(plain),
    [
      n,
      wanted.first.value,
      String(wanted.first.time),
      wanted.last.value,
      String(wanted.last.time),
      wanted.min,
      wanted.max,
    ].map(plain),
    where,
  );
  near(row.increase, wanted.increase, 2 * n * ROUNDING * wanted.sizesOfGains, `${where}: increase`);
  if (covered === 0) {
    const none = [row.sum_value, row.avg_value, row.stddev_value, row.time_weighted_avg];
    assert.deepEqual(none, [null, null, null, null], where);
    return;
  }
  const noiseOfSum = 2 * n * ROUNDING * wanted.sumOfSizes;
  const average = wanted.sum / covered;
  const noiseOfAverage = noiseOfSum / covered + Math.abs(average) * ROUNDING + 5e-324;
  near(row.sum_value, wanted.sum, noiseOfSum, `${where}: sum_value`);
  near(row.avg_value, average, noiseOfAverage, `${where}: avg_value`);
  if (covered === 1) assert.equal(row.stddev_value, null, `${where}: stddev_value`);
  else {
    const greatest = Math.max(...points.map(({ value }) => Math.abs(value)).filter((size) => size <= 1e140));
    const noise = 1e-9 * Math.sqrt(wanted.m2) + 1e-13 * n * greatest + 1e-149;
    near(row.stddev_value, Math.sqrt(wanted.m2 / (covered - 1)), noise, `${where}: stddev_value`);
  }
  const { seconds, integral, sizesOfAreas } = wanted;
  if (seconds === 0) near(row.time_weighted_avg, average, noiseOfAverage, `${where}: time_weighted_avg`);
  else {
    const noise = (1e-9 * sizesOfAreas) / seconds + 1e-299 / Math.min(seconds, 1);
    near(row.time_weighted_avg, integral / seconds, noise, `${where}: time_weighted_avg`);
  }
}

const plain = (value: number | string | null): number | string | null => (value === 0 ? 0 : value);

function near(found: number | null, wanted: number, noise: number, where: string): void {
  assert.ok(found !== null && Math.abs(found - wanted) <= noise, `${where} ${found}, not ${wanted}`);
}
