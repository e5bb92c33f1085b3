import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Client } from 'pg';
import type { SeriesPolicy } from '../../../src/engines/engine.ts';
import { dropSeriesRows, recomputeSeries } from '../../../src/engines/postgres/series-rows.ts';
import { applySeriesPolicies } from '../../../src/engines/series-policies.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { assertEqual } from './compare.ts';
import { addSeries, CONTEXT, DAY, HOUR, MINUTE, NAMES, refresh, TODAY, writeBatch } from './store.ts';

const NOON = TODAY + 12 * HOUR;
const POLICY = { tolerance: 0, rollover: null, hold: 86_400 };
const ANY: SeriesPolicy = {
  route: null,
  deviceId: '*',
  metricName: '*',
  aggregates: true,
  retention: null,
  counterTolerance: 0,
  counterRollover: null,
  longestHold: 86_400_000,
};

let database: TestDatabase;
let client: Client;
before(async () => {
  database = await createDatabase({ template: true });
  client = await database.connect();
  await addSeries(client, 3);
  await writeBatch(
    client,
    Array.from({ length: 300 }, (_, index) => ({
      series: 1 + (index % 3),
      time: NOON - index * 30 * MINUTE,
      value: index % 10,
    })),
  );
});
after(() => database.drop());

const apply = async (version: string, ...policies: SeriesPolicy[]) =>
  await applySeriesPolicies(client, NAMES, policies, version, CONTEXT, {
    recompute: recomputeSeries,
    drop: dropSeriesRows,
  });

async function rowsOf(series: number): Promise<number> {
  const { rows } = await client.query<{ count: number }>(
    `SELECT ((SELECT count(*) FROM tidegate.aggregate_1min WHERE series_id = $1) + (SELECT count(*) FROM tidegate.aggregate_1day WHERE series_id = $1))::int AS count`,
    [series],
  );
  return rows[0]?.count ?? 0;
}

test('the first policy that matches is written down, once a version', async () => {
  await client.query(`UPDATE tidegate.series SET route = 'meters' WHERE series_id = 2`);
  const looked = await apply(
    '1',
    {
      ...ANY,
      route: 'meters',
      counterRollover: 4096,
      counterTolerance: 0.5,
      retention: DAY / 1000,
      longestHold: 60_000,
    },
    { ...ANY, deviceId: 'dev*', metricName: '*3', longestHold: 5_000 },
    ANY,
  );
  assert.equal(looked, 3);
  const { rows } = await client.query(
    `SELECT series_id::int AS id, counter_rollover AS rollover, counter_tolerance AS tolerance,
       extract(epoch FROM raw_retention)::int AS retention, extract(epoch FROM longest_hold)::int AS hold, policy_version AS version
     FROM tidegate.series ORDER BY series_id`,
  );
  assert.deepEqual(rows, [
    { id: 1, rollover: null, tolerance: 0, retention: null, hold: 86_400, version: '1' },
    { id: 2, rollover: 4096, tolerance: 0.5, retention: 86_400, hold: 60, version: '1' },
    { id: 3, rollover: null, tolerance: 0, retention: null, hold: 5, version: '1' },
  ]);
  assert.equal(await apply('1', ANY), 0);
  assert.equal(await apply('2', ANY), 3);
});

test('a series without aggregates has none, and its late points go by', async () => {
  await apply('3', { ...ANY, metricName: 'm1', aggregates: false }, ANY);
  await refresh(client, { now: NOON });
  await writeBatch(
    client,
    [1, 2].map((series) => ({ series, time: NOON - DAY + 1, value: 9 })),
  );
  await refresh(client, { now: NOON });
  assert.equal(await rowsOf(1), 0);
  const { rows } = await client.query(`SELECT FROM iot_data_1hour WHERE metric_name = 'm1'`);
  assert.equal(rows.length, 0);
  await assertEqual(client, () => POLICY);
  const { rows: queue } = await client.query('SELECT FROM tidegate.dirty_buckets');
  assert.equal(queue.length, 0);
  // From the points, whatever level would fit.
  const { rows: days } = await client.query(
    `SELECT FROM iot_aggregate('device', 'm1', '-infinity', 'infinity', '1 day')`,
  );
  assert.ok(days.length > 5);
});

test('a series that gets aggregates again is computed from all of its points; one that loses them is forgotten', async () => {
  const untouched = await rowsOf(3);
  await apply('4', { ...ANY, metricName: 'm2', aggregates: false }, ANY);
  assert.ok((await rowsOf(1)) > 0);
  assert.equal(await rowsOf(2), 0);
  assert.equal(await rowsOf(3), untouched);
  await assertEqual(client, () => POLICY);
  await refresh(client, { now: NOON + 2 * HOUR });
  await assertEqual(client, () => POLICY);
});
