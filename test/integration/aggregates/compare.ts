import assert from 'node:assert/strict';
import type { Client } from 'pg';
import type { LevelName } from '../../../src/engines/engine.ts';
import { bucketsOf, type Expected, expectedRow, type Point, type Policy } from './rules.ts';
import { LEVELS, WIDTHS } from './store.ts';

const ROUNDING = 2 ** -52;

interface Row {
  readonly series: string;
  readonly start: string;
  readonly count: string;
  readonly excluded: string;
  readonly min_value: number;
  readonly max_value: number;
  readonly first_value: number;
  readonly first: string;
  readonly last_value: number;
  readonly last: string;
  readonly sum: number;
  readonly sum_value: number | null;
  readonly avg_value: number | null;
  readonly m2: number;
  readonly stddev_value: number | null;
  readonly increase: number;
  readonly resets: string;
  readonly integral: number;
  readonly seconds: number;
  readonly time_weighted_avg: number | null;
}

const MICROSECONDS = (time: string): string => `(extract(epoch FROM ${time}) * 1000000)::bigint`;

/** Every row of every level against what is computed from `iot_data` here. */
export async function assertEqual(client: Client, policy: (series: number) => Policy): Promise<void> {
  const { rows } = await client.query<{ series: string; time: string; value: number }>(
    `SELECT s.series_id AS series, ${MICROSECONDS('"timestamp"')} AS time, value
     FROM iot_data d JOIN tidegate.series s USING (device_id, metric_name) WHERE s.aggregated`,
  );
  const points = Map.groupBy(rows, ({ series }) => Number(series));
  for (const level of LEVELS) {
    const found = await readLevel(client, level);
    for (const [series, of] of points) {
      const plain = of.map(({ time, value }) => ({ time: Number(time), value }));
      for (const [start, bucket] of bucketsOf(plain, WIDTHS[level])) {
        const key = `${series} ${start}`;
        const row = found.get(key);
        const where = `${level}, series ${series}, bucket ${new Date(start / 1000).toISOString()}`;
        assert.ok(row, `${where}: no row`);
        assertRow(row, expectedRow(bucket, policy(series)), bucket, where);
        found.delete(key);
      }
    }
    assert.deepEqual([...found.keys()], [], `${level}: rows without points`);
  }
}

async function readLevel(client: Client, level: LevelName): Promise<Map<string, Row>> {
  const { rows } = await client.query<Row>(
    `SELECT s.series_id AS series, ${MICROSECONDS('v.bucket')} AS start, v.*, r.excluded, r.sum, r.m2, r.resets, r.integral,
       r.seconds, ${MICROSECONDS('v.first_time')} AS first, ${MICROSECONDS('v.last_time')} AS last
     FROM iot_data_${level} v JOIN tidegate.series s USING (device_id, metric_name)
     JOIN tidegate.aggregates a ON a.level = '${level}'
     JOIN LATERAL tidegate.rollup_${level}(s.series_id, '-infinity', 'infinity', a.watermark,
       tidegate.edges(a.position - 1::smallint), s.counter_tolerance, s.counter_rollover,
       date_part('epoch', s.longest_hold)) r USING (bucket)`,
  );
  const found = new Map(rows.map((row) => [`${row.series} ${row.start}`, row]));
  assert.equal(found.size, rows.length, `${level}: a bucket twice`);
  return found;
}

function assertRow(row: Row, wanted: Expected, points: readonly Point[], where: string): void {
  const near = (found: number | null, expected: number, tolerance: number, what: string): void => {
    assert.ok(
      found !== null && Math.abs(found - expected) <= tolerance,
      `${where}: ${what} ${found}, not ${expected}`,
    );
  };
  const n = wanted.count;
  const covered = n - wanted.excluded;
  assert.deepEqual(
    [row.count, row.excluded, row.first_value, row.first, row.last_value, row.last, row.resets],
    [
      String(n),
      String(wanted.excluded),
      wanted.first.value,
      String(wanted.first.time),
      wanted.last.value,
      String(wanted.last.time),
      String(wanted.resets),
    ],
    where,
  );
  // 0 and -0 are equal: which of them is the least depends on the order.
  assert.deepEqual([row.min_value + 0, row.max_value + 0], [wanted.min + 0, wanted.max + 0], where);
  near(row.sum, wanted.sum, 2 * n * ROUNDING * wanted.sumOfSizes, 'sum');
  near(row.increase, wanted.increase, 2 * n * ROUNDING * wanted.sizesOfGains, 'increase');
  near(row.integral, wanted.integral, 1e-12 * wanted.sizesOfAreas + 1e-299, 'integral');
  near(row.seconds, wanted.seconds, 2 * n * ROUNDING * wanted.seconds, 'seconds');
  const greatest = Math.max(0, ...points.map(({ value }) => Math.abs(value)).filter((size) => size <= 1e140));
  const noise =
    1e-9 * wanted.m2 + 1e-13 * n * greatest * Math.sqrt(wanted.m2) + n * (1e-15 * n * greatest) ** 2 + 1e-298;
  near(row.m2, wanted.m2, noise, 'm2');
  if (covered === 0) {
    assert.deepEqual(
      [row.sum_value, row.avg_value, row.stddev_value, row.time_weighted_avg],
      [null, null, null, null],
      where,
    );
    return;
  }
  assert.equal(row.sum_value, row.sum, where);
  near(row.avg_value, row.sum / covered, Math.abs(row.sum / covered) * ROUNDING, 'avg_value');
  if (covered === 1) assert.equal(row.stddev_value, null, where);
  else
    near(
      row.stddev_value,
      Math.sqrt(row.m2 / (covered - 1)),
      1e-12 * Math.sqrt(row.m2 / (covered - 1)),
      'stddev_value',
    );
  const timed = row.seconds > 0 ? row.integral / row.seconds : row.sum / covered;
  near(row.time_weighted_avg, timed, Math.abs(timed) * ROUNDING, 'time_weighted_avg');
}
