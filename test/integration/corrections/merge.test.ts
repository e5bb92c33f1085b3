import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import type { Corrections } from '../../../src/engines/corrections.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { change, SECOND } from '../../unit/pipeline/messages.ts';
import { openPostgres, runJob } from '../engines/engines.ts';
import { at, count, openSink, points, series } from '../postgres/sinks.ts';
import { correct, everything, refresh, rowsOf } from './corrections.ts';

let database: TestDatabase;
beforeEach(async () => {
  database = await createDatabase({ template: true });
});
afterEach(() => database.drop());

const COMPRESSED = at('2024-01-01T00:00:00Z');
const HOT = at('2024-02-01T00:00:00Z');
const OLD = at('2001-01-01T00:00:00Z');

/** Both devices in every place, with times that both have; `alone` chunks hold one of them only. */
async function fill(): Promise<void> {
  await using sink = openSink(database);
  await sink.put(
    series('from', COMPRESSED, 2_000, 1),
    series('into', COMPRESSED + 1_500 * SECOND, 2_000, 100_000),
  );
  await sink.put(series('from', at('2024-01-05T00:00:00Z'), 1_000));
  await sink.put(series('from', HOT, 1_000, 1), series('into', HOT + 900 * SECOND, 1_000, 100_000));
  await sink.put(
    points([
      { device: 'from', metric: 'x', time: OLD, value: 1 },
      { device: 'into', metric: 'x', time: OLD, value: 2 },
      { device: 'from', metric: 'x', time: OLD + 1, value: 3 },
      { device: 'from', metric: 'only', time: HOT, value: 4 },
    ]),
    change('from', 'state', HOT, 'on'),
    change('into', 'state', HOT, 'off'),
    change('into', 'state', HOT + 1, 'on'),
  );
  const engine = openPostgres(database);
  await engine.compress('points_20240101_000000');
  await engine.compress('points_20240105_000000');
  await sink.put(
    points([
      { device: 'from', metric: 'x', time: COMPRESSED + 1, value: -1 },
      { device: 'into', metric: 'x', time: COMPRESSED + 1, value: -2 },
    ]),
  );
}

for (const onDuplicate of ['keep_first', 'keep_last'] as const) {
  test(`points of one device become the other's, once each (${onDuplicate})`, async () => {
    await fill();
    await refresh(database);
    const rank = onDuplicate === 'keep_first' ? 'DESC' : 'ASC';
    const wanted = await database.query<{ row: string }>(
      `SELECT DISTINCT ON (metric_name, timestamp) ROW('into', metric_name, value, timestamp)::text AS row
       FROM iot_data ORDER BY metric_name, timestamp, device_id ${rank}`,
    );
    const state = await everything(database);
    const merge = (dryRun: boolean) =>
      correct(database, (corrections) => corrections.merge('from', 'into', dryRun), { onDuplicate });
    const planned = await merge(true);
    assert.deepEqual(await everything(database), state, 'a dry run changes nothing');
    const done = await merge(false);
    assert.deepEqual(done, { ...planned, dry_run: false });
    assert.deepEqual(done.counts, {
      series: 3,
      merged_series: 2,
      points: 2_000 + 1_000 + 1_000 + 4 - 500 - 100 - 3,
      dropped: 500 + 100 + 3,
      aliases: 1,
    });
    const right = wanted.map(({ row }) => row).toSorted();
    assert.deepEqual((await rowsOf(database, 'iot_data', 'into')).toSorted(), right);
    assert.deepEqual(await rowsOf(database, 'iot_data', 'from'), []);
    assert.deepEqual(
      await database.query(`SELECT value FROM iot_text WHERE device_id = 'into' ORDER BY timestamp`),
      [{ value: onDuplicate === 'keep_first' ? 'off' : 'on' }, { value: 'on' }],
    );
    await refresh(database);
    for (const level of ['1min', '1day']) {
      const [row] = await database.query<{ wrong: string }>(
        `SELECT count(*) AS wrong
         FROM (SELECT date_bin((SELECT width FROM tidegate.aggregates WHERE level = $1), timestamp, '2000-01-03 00:00Z') AS bucket,
             device_id, metric_name, count(*) AS count, max(value) AS max_value, min(value) AS min_value FROM iot_data GROUP BY 1, 2, 3) w
         FULL JOIN iot_data_${level} a USING (bucket, device_id, metric_name)
         WHERE (w.count, w.max_value, w.min_value) IS DISTINCT FROM (a.count, a.max_value, a.min_value)`,
        [level],
      );
      assert.equal(Number(row?.wrong), 0, level);
    }
    const [stats] = await database.query<{ points: string }>(
      `SELECT points FROM iot_series WHERE device_id = 'into' AND metric_name = 'x'`,
    );
    assert.equal(Number(stats?.points), right.length - 1);
    await runJob(openPostgres(database), 'compression');
    assert.deepEqual((await rowsOf(database, 'iot_data', 'into')).toSorted(), right, 'compressed again');
    const [chunk] = await database.query<{ points: string }>(
      `SELECT points FROM tidegate.chunks WHERE leaf = 'points_20240101_000000'`,
    );
    assert.equal(
      Number(chunk?.points),
      await count(database, `iot_data WHERE timestamp::date = '2024-01-01'`),
    );
  });
}

test('messages under the merged name follow, and the devices keep only one history', async () => {
  await using sink = openSink(database);
  await sink.put(series('from', HOT, 10), series('into', HOT + 5 * SECOND, 10));
  await correct(database, (corrections) => corrections.merge('from', 'into', false));
  await sink.put(series('from', HOT + 100 * SECOND, 10), series('into', HOT + 105 * SECOND, 10));
  assert.deepEqual(await database.query('SELECT device_id, series, points FROM iot_devices'), [
    { device_id: 'into', series: '1', points: '30' },
  ]);
  assert.equal(await count(database, 'iot_data'), 30);
  assert.deepEqual(await database.query('SELECT alias, device_id, valid_to FROM iot_device_aliases'), [
    { alias: 'from', device_id: 'into', valid_to: null },
  ]);
});

test('aggregates whose points retention deleted are kept: those of both added up', async () => {
  await using sink = openSink(database);
  const minute = 60 * SECOND;
  await sink.put(series('from', COMPRESSED, 60), series('into', COMPRESSED + 30 * SECOND, 90, 1_000));
  await sink.put(series('from', COMPRESSED + 10 * minute, 60), series('into', HOT, 3));
  await refresh(database);
  const recomputed = await database.query(
    `SELECT count(*)::text AS count, max(value) AS max_value, min(value) AS min_value, sum(value) AS sum_value,
       round(stddev(value)::numeric, 9)::text AS stddev_value FROM iot_data WHERE timestamp < '2024-01-02'
     GROUP BY date_trunc('minute', timestamp) ORDER BY date_trunc('minute', timestamp)`,
  );
  await database.query(`UPDATE tidegate.chunk_map SET raw_cut = '2024-01-02', version = version + 1`);
  await database.query(`DELETE FROM tidegate.points_late WHERE ts < '2024-01-02'`);
  await correct(database, (corrections) => corrections.merge('from', 'into', false));
  await refresh(database);
  const kept = `SELECT count::text, max_value, min_value, sum_value, round(stddev_value::numeric, 9)::text AS stddev_value
     FROM iot_data_1min WHERE device_id = 'into' AND bucket < '2024-01-02' ORDER BY bucket`;
  assert.deepEqual(await database.query(kept), recomputed);
  const range = { device: 'into', metric: null, from: '2024-01-01T00:00:30Z', to: '2024-01-02T00:00:00Z' };
  for (const dryRun of [true, false]) {
    const { counts } = await correct(database, (corrections) => corrections.delete(range, dryRun));
    assert.deepEqual([counts['points'], counts['buckets'], counts['frozen_buckets']], [0, 0, 3 + 1 + 1 + 1]);
  }
  assert.deepEqual(await database.query(kept), recomputed, 'a range leaves them');
});

test('what fails in the middle leaves everything as it was', async () => {
  await fill();
  await refresh(database);
  const state = await everything(database);
  await database.query(
    `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not now'; END $$;
     CREATE TRIGGER refuse BEFORE INSERT ON tidegate.device_aliases FOR EACH ROW EXECUTE FUNCTION refuse()`,
  );
  for (const action of [
    (corrections: Corrections) => corrections.merge('from', 'into', false),
    (corrections: Corrections) => corrections.rename('from', 'other', false),
  ]) {
    await assert.rejects(correct(database, action), /not now/);
    assert.deepEqual(await everything(database), state);
  }
  await using sink = openSink(database);
  await sink.put(series('from', HOT + 5_000 * SECOND, 1));
});

test('a device cannot be merged into itself or into none', async () => {
  await using sink = openSink(database);
  await sink.put(series('from', HOT, 10));
  const merge = (into: string) => correct(database, (corrections) => corrections.merge('from', into, false));
  await assert.rejects(merge('from'), { code: 'usage' });
  await assert.rejects(merge('nobody'), { code: 'device_unknown' });
});
