import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestDatabase } from '../../support/database.ts';
import { change, SECOND } from '../../unit/pipeline/messages.ts';
import { correct } from '../corrections/corrections.ts';
import { at, count, openSink, series } from '../postgres/sinks.ts';
import { openEngine, runJob } from './engines.ts';
import { createHypertableDatabase, WITH_TIMESCALEDB } from './server.ts';

const FIRST = at('2024-01-01T00:00:00Z');
const SECOND_DAY = at('2024-01-02T00:00:00Z');

/** Devices with a compressed day and one that is not, aggregates computed. */
async function filled(): Promise<TestDatabase> {
  const database = await createHypertableDatabase();
  await using sink = openSink(database, { engine: 'timescaledb' });
  for (const [device, offset] of [
    ['gone', 0],
    ['kept', 500],
  ] as const) {
    await sink.put(
      series(device, FIRST + offset * SECOND, 1_000),
      series(device, SECOND_DAY + offset * SECOND, 1_000),
      change(device, 'state', FIRST, device),
    );
  }
  const engine = openEngine(database);
  const chunk = (await engine.chunks()).find(
    ({ source, range_start: start }) => source === 'points' && start.startsWith('2024-01-01'),
  );
  await engine.compress(chunk?.name ?? '');
  await runJob(engine, 'aggregates');
  return database;
}

async function assertRecomputed(database: TestDatabase): Promise<void> {
  await database.query(`UPDATE tidegate.aggregates SET refreshed_at = '-infinity'`);
  await runJob(openEngine(database), 'aggregates');
  for (const level of ['1min', '15min', '1hour', '1day']) {
    const wrong = await database.query(
      `SELECT bucket, w.count, a.count AS kept
       FROM (SELECT date_bin((SELECT width FROM tidegate.aggregates WHERE level = $1), timestamp, '2000-01-03 00:00Z') AS bucket,
           device_id, metric_name, count(*) AS count, max(value) AS max_value, min(value) AS min_value FROM iot_data GROUP BY 1, 2, 3) w
       FULL JOIN iot_data_${level} a USING (bucket, device_id, metric_name)
       WHERE (w.count, w.max_value, w.min_value) IS DISTINCT FROM (a.count, a.max_value, a.min_value)`,
      [level],
    );
    assert.deepEqual(wrong, [], level);
  }
  const stale = await database.query(
    `SELECT s.points, d.points AS found FROM iot_devices s
     FULL JOIN (SELECT device_id, count(*) AS points FROM
       (SELECT device_id FROM iot_data UNION ALL SELECT device_id FROM iot_text) p GROUP BY 1) d USING (device_id)
     WHERE s.points IS DISTINCT FROM d.points`,
  );
  assert.deepEqual(stale, []);
}

test('a device goes, compressed or not, and its aggregates with it', WITH_TIMESCALEDB, async () => {
  await using database = await filled();
  const whole = { device: 'gone', metric: null, from: null, to: null };
  const planned = await correct(database, (corrections) => corrections.delete(whole, true));
  const done = await correct(database, (corrections) => corrections.delete(whole, false));
  assert.deepEqual(done, { ...planned, dry_run: false });
  assert.deepEqual([done.counts['points'], done.counts['texts'], done.counts['series']], [2_000, 1, 2]);
  assert.ok((done.counts['buckets'] ?? 0) > 30);
  assert.deepEqual(await database.query('SELECT DISTINCT device_id FROM iot_data_1day'), [
    { device_id: 'kept' },
  ]);
  assert.equal(await count(database, 'iot_data'), 2_000);
  await assertRecomputed(database);
});

test(
  'a range goes out of compressed points, and its aggregates are computed anew',
  WITH_TIMESCALEDB,
  async () => {
    await using database = await filled();
    const range = { device: 'gone', metric: 'x', from: '2024-01-01T00:05:00Z', to: '2024-01-02T00:05:30Z' };
    const planned = await correct(database, (corrections) => corrections.delete(range, true));
    const done = await correct(database, (corrections) => corrections.delete(range, false));
    assert.deepEqual(done, { ...planned, dry_run: false });
    assert.equal(done.counts['points'], 700 + 330);
    await assertRecomputed(database);
  },
);

for (const onDuplicate of ['keep_first', 'keep_last'] as const) {
  test(`devices are renamed and merged (${onDuplicate})`, WITH_TIMESCALEDB, async () => {
    await using database = await filled();
    await using sink = openSink(database, { engine: 'timescaledb' });
    await correct(database, (corrections) => corrections.rename('gone', 'other', false));
    await sink.put(series('gone', SECOND_DAY + 5_000 * SECOND, 10));
    const merge = (dryRun: boolean) =>
      correct(database, (corrections) => corrections.merge('other', 'kept', dryRun), { onDuplicate });
    const planned = await merge(true);
    const done = await merge(false);
    assert.deepEqual(done, { ...planned, dry_run: false });
    assert.deepEqual(
      [done.counts['points'], done.counts['dropped']],
      [2_000 + 10 + 1 - 1_000 - 1, 1_000 + 1],
    );
    assert.equal(await count(database, `iot_data WHERE device_id = 'kept'`), 3_010);
    const [first] = await database.query(
      `SELECT value FROM iot_data WHERE timestamp = '2024-01-01T00:10:00Z' AND metric_name = 'x'`,
    );
    assert.equal(first?.['value'], onDuplicate === 'keep_first' ? 101 : 601);
    assert.deepEqual(await database.query('SELECT value FROM iot_text'), [
      { value: onDuplicate === 'keep_first' ? 'kept' : 'gone' },
    ]);
    await assertRecomputed(database);
  });
}

test(
  'aggregates whose points retention deleted are kept: those of both added up',
  WITH_TIMESCALEDB,
  async () => {
    await using database = await filled();
    const recomputed = await database.query(
      `SELECT date_trunc('minute', timestamp) AS bucket, count(*)::text AS count, max(value) AS max_value, min(value) AS min_value,
       round(stddev(value)::numeric, 6)::text AS stddev_value FROM iot_data WHERE timestamp < '2024-01-02' GROUP BY 1 ORDER BY 1`,
    );
    await database.query(`UPDATE tidegate.chunk_map SET raw_cut = '2024-01-02', version = version + 1`);
    await database.query(
      `SELECT public.drop_chunks('tidegate.points', older_than => '2024-01-02'::timestamptz)`,
    );
    await correct(database, (corrections) => corrections.merge('gone', 'kept', false));
    await runJob(openEngine(database), 'aggregates');
    const kept = `SELECT bucket, count::text, max_value, min_value, round(stddev_value::numeric, 6)::text AS stddev_value
     FROM iot_data_1min WHERE device_id = 'kept' AND bucket < '2024-01-02' ORDER BY bucket`;
    assert.deepEqual(await database.query(kept), recomputed);
    const range = { device: 'kept', metric: null, from: '2024-01-01T00:00:30Z', to: '2024-01-01T00:02:00Z' };
    const { counts } = await correct(database, (corrections) => corrections.delete(range, false));
    assert.deepEqual([counts['points'], counts['frozen_buckets']], [0, 2 + 1 + 1 + 1]);
    assert.deepEqual(await database.query(kept), recomputed, 'a range leaves them');
  },
);
