import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RetentionPolicy } from '../../../src/engines/engine.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { DAY, message, SECOND } from '../../unit/pipeline/messages.ts';
import { at, count, openSink, points, series } from '../postgres/sinks.ts';
import { engineOptions, openPostgres, runJob } from './engines.ts';

const FIRST = at('2024-01-01T00:00:00Z');

/** The retention that keeps what came after a moment, milliseconds. */
function since(iso: string): number {
  return Date.now() - Date.parse(iso);
}

async function retain(database: TestDatabase, policy: Partial<RetentionPolicy>): Promise<string> {
  const { retention } = engineOptions(database);
  const engine = openPostgres(database, { retention: { ...retention, ...policy } });
  return (await runJob(engine, 'retention')).detail;
}

function keepLevels(level: '1min' | '15min' | '1hour' | '1day', keep: number): RetentionPolicy['levels'] {
  return { '1min': null, '15min': null, '1hour': null, '1day': null, [level]: keep };
}

/** As though the aggregates had taken in all before a moment. */
async function cover(database: TestDatabase, until: string): Promise<void> {
  await database.query('UPDATE tidegate.aggregates SET watermark = $1', [until]);
}

async function leaves(database: TestDatabase): Promise<string[]> {
  const rows = await database.query<{ leaf: string }>('SELECT leaf FROM tidegate.chunks ORDER BY leaf');
  return rows.map(({ leaf }) => leaf);
}

/** Ten days of a series, a thousand points each; the first and the third are compressed. */
async function tenDays(database: TestDatabase): Promise<void> {
  await using sink = openSink(database);
  for (let day = 0; day < 10; day++) await sink.put(series('a', FIRST + day * DAY, 1_000));
  const engine = openPostgres(database);
  await engine.compress('points_20240101_000000');
  await engine.compress('points_20240103_000000');
}

test('nothing is deleted by default, however old', async () => {
  await using database = await createDatabase({ template: true });
  await tenDays(database);
  await using sink = openSink(database);
  await sink.put(message((out) => out.text('a', 'note', FIRST, 'old', false)));
  await cover(database, '2024-02-01');
  await database.query(
    `INSERT INTO tidegate.dead_letters (received_at, client_id, topic, payload, qos, retained, code, detail, points)
     VALUES ('2001-01-01', 'test', 't', '', 1, false, 'no_route', '', 0);
     INSERT INTO tidegate.job_runs (job, epoch, started_at, outcome) VALUES ('chunks', 0, '2001-01-01', 'succeeded');
     INSERT INTO iot_query_logs VALUES ('raw', 1, 1, '2001-01-01')`,
  );
  assert.equal(await retain(database, {}), 'nothing was old enough');
  assert.equal(await count(database, 'iot_data'), 10_000);
  assert.equal(await count(database, 'iot_text'), 1);
  assert.equal(await count(database, 'iot_dead_letters'), 1);
  assert.equal(await count(database, 'iot_query_logs'), 1);
});

test('whole chunks go with segments and late points, from whole days on; writers leave out what is older', async () => {
  await using database = await createDatabase({ template: true });
  await tenDays(database);
  await using sink = openSink(database);
  await sink.put(
    points([
      { device: 'a', metric: 'x', time: FIRST + 1, value: 1 }, // late, of a compressed chunk
      { device: 'a', metric: 'x', time: at('2020-01-01T00:00:00Z'), value: 1 }, // late, of no chunk
      { device: 'a', metric: 'x', time: FIRST + 9 * DAY + 1, value: 1 },
    ]),
  );
  await cover(database, '2024-02-01');
  assert.match(
    await retain(database, { raw: since('2024-01-04T15:00:00Z') }),
    /^3 chunks of points; 1 late points$/,
  );
  assert.equal(await count(database, `iot_data WHERE timestamp < '2024-01-04'`), 0);
  assert.equal(await count(database, 'iot_data'), 7_001);
  assert.equal((await leaves(database)).filter((leaf) => leaf < 'points_20240104').length, 0);
  assert.equal(await count(database, 'tidegate.segments'), 0);
  assert.deepEqual(
    await database.query(`SELECT relname FROM pg_class WHERE relname LIKE 'segments\\_2%' AND relkind = 'r'`),
    [{ relname: 'segments_20240101' }],
    'it ends after the cut',
  );
  assert.deepEqual(await database.query('SELECT retired::text FROM tidegate.chunk_map'), [{ retired: '{}' }]);

  const report = await sink.put(series('a', FIRST + 3 * DAY - 5 * SECOND, 10, 50));
  assert.equal(report.expired, 5);
  assert.deepEqual([report.totals.points.dropped, report.totals.points.conflict], [5, 5]);
  assert.equal(await count(database, 'iot_data'), 7_001);
  assert.equal(await retain(database, { raw: since('2024-01-04T15:00:00Z') }), 'nothing was old enough');
  // It is not taken back where the policy is.
  assert.equal(await retain(database, { raw: since('2024-01-02T15:00:00Z') }), 'nothing was old enough');
  assert.equal((await sink.put(series('a', FIRST + 2 * DAY, 1))).expired, 1);

  await cover(database, '2024-03-01');
  await retain(database, { raw: since('2024-02-01T00:00:00Z') });
  assert.equal(await count(database, 'iot_data'), 0);
  assert.equal(await count(database, `pg_class WHERE relname LIKE 'segments\\_2%' AND relkind = 'r'`), 0);
});

test('a chunk goes once all of it is too old; its late points before', async () => {
  await using database = await createDatabase({ template: true });
  await using sink = openSink(database, { chunks: { interval: 7 * DAY } });
  await sink.put(series('a', FIRST, 1_000), series('a', FIRST + 6 * DAY, 1_000));
  await cover(database, '2024-02-01');
  assert.equal(await retain(database, { raw: since('2024-01-07T12:00:00Z') }), 'nothing was old enough');
  assert.equal(await count(database, 'iot_data'), 2_000);
  assert.equal((await sink.put(series('a', FIRST + 2_000 * SECOND, 1))).expired, 1);
  assert.match(await retain(database, { raw: since('2024-01-08T00:00:01Z') }), /1 chunks of points/);
  assert.equal(await count(database, 'iot_data'), 0);
});

test('texts have a retention of their own', async () => {
  await using database = await createDatabase({ template: true });
  await using sink = openSink(database);
  for (let day = 0; day < 4; day++) {
    await sink.put(
      message((out) => {
        for (let row = 0; row < 1_000; row++) out.text('a', 'note', FIRST + day * DAY + row, `${row}`, false);
      }),
    );
  }
  await sink.put(message((out) => out.text('a', 'note', at('2020-01-01T00:00:00Z'), 'late', false)));
  await sink.put(series('a', FIRST, 1_000));
  assert.equal(
    await retain(database, { text: since('2024-01-03T12:00:00Z') }),
    '2 chunks of texts; 1 late texts',
  );
  assert.equal(await count(database, 'iot_text'), 2_000);
  assert.equal(await count(database, 'iot_data'), 1_000);
  const report = await sink.put(message((out) => out.text('a', 'note', FIRST + 5, 'again', false)));
  assert.deepEqual([report.expired, report.totals.points.dropped], [1, 1]);
});

test('points stay until the aggregate above has them, and the report says which one is behind', async () => {
  await using database = await createDatabase({ template: true });
  await tenDays(database);
  const raw = since('2024-01-04T15:00:00Z');
  assert.match(
    await retain(database, { raw }),
    /raw before 2024-01-04 .* is kept: the aggregate 1min is at -infinity/,
  );
  await cover(database, '2024-01-03 23:59');
  assert.match(await retain(database, { raw }), /is kept: the aggregate 1min is at 2024-01-03 23:59/);
  await cover(database, '2024-01-04');
  await database.query(
    `INSERT INTO tidegate.dirty_buckets (series_ids, buckets) VALUES ('{1,1}', '{2024-01-09,2024-01-02}')`,
  );
  assert.match(await retain(database, { raw }), /the aggregate 1min has buckets to compute again/);
  assert.equal(await count(database, 'iot_data'), 10_000);
  // A level that is off is not waited for, the next one is; what lies below it hands on through it.
  await database.query(
    `UPDATE tidegate.aggregates SET enabled = false, watermark = '-infinity' WHERE level = '1min'`,
  );
  assert.match(await retain(database, { raw }), /the aggregate 15min has buckets to compute again/);
  await database.query(`UPDATE tidegate.dirty_buckets SET series_ids = '{1}', buckets = '{2024-01-09}'`);
  assert.match(await retain(database, { raw }), /^3 chunks of points/);
  await database.query('UPDATE tidegate.aggregates SET enabled = false');
  assert.match(await retain(database, { raw: since('2024-01-05T15:00:00Z') }), /^1 chunks of points/);
});

test('an aggregate is cut at whole days, rows and frames, once the one above has taken them in', async () => {
  await using database = await createDatabase({ template: true });
  await tenDays(database);
  const engine = openPostgres(database);
  await runJob(engine, 'aggregates');
  const hours = async () => await count(database, 'iot_data_1hour');
  assert.equal(await hours(), 10);
  const minutes = await count(database, 'iot_data_1min');
  await runJob(engine, 'compression');
  assert.equal(await count(database, 'tidegate.aggregate_1min'), 0, 'all is in frames');
  const levels = keepLevels('1min', since('2024-01-04T15:00:00Z'));
  await database.query(`UPDATE tidegate.aggregates SET watermark = '2024-01-03' WHERE level = '15min'`);
  assert.match(await retain(database, { levels }), /1min before 2024-01-04 .* is kept: the aggregate 15min/);
  await database.query(`UPDATE tidegate.aggregates SET watermark = '2024-02-01' WHERE level = '15min'`);
  assert.match(await retain(database, { levels }), /3 compressed runs of 1min/);
  assert.equal(await count(database, 'iot_data_1min'), (minutes * 7) / 10);
  assert.equal(await hours(), 10);
  assert.equal(await count(database, 'iot_data'), 10_000);
});

test('a series may keep its points for less than the others', async () => {
  await using database = await createDatabase({ template: true });
  await using sink = openSink(database);
  const late = at('2020-01-01T00:00:00Z');
  for (const device of ['a', 'b']) {
    for (let day = 0; day < 4; day++) await sink.put(series(device, FIRST + day * DAY, 1_000));
    await sink.put(series(device, late, 3));
  }
  await openPostgres(database).compress('points_20240101_000000');
  await openPostgres(database).compress('points_20240103_000000');
  await cover(database, '2024-02-01');
  const own = async (iso: string) => {
    await database.query(
      `UPDATE tidegate.series SET raw_retention = make_interval(secs => $1) WHERE device_id = 'a'`,
      [Math.round(since(iso) / 1000)],
    );
  };
  const held = async (device: string) => await count(database, 'iot_data WHERE device_id = $1', device);
  await own('2024-01-03T12:00:00Z');
  await retain(database, {});
  assert.deepEqual([await held('a'), await held('b')], [2_000, 4_003]);
  const cut = `SELECT raw_cut::text FROM tidegate.series WHERE device_id = 'a'`;
  assert.deepEqual(await database.query(cut), [{ raw_cut: '2024-01-03 00:00:00+00' }]);
  // What was cut stays so: buckets before it have lost their points and must not be computed again.
  await own('2024-01-01T12:00:00Z');
  await retain(database, {});
  assert.deepEqual(await database.query(cut), [{ raw_cut: '2024-01-03 00:00:00+00' }]);
});

test('dead letters, the query log and the history of jobs have their times', async () => {
  await using database = await createDatabase({ template: true });
  await database.query(
    `INSERT INTO tidegate.dead_letters (received_at, client_id, topic, payload, qos, retained, code, detail, points)
     SELECT now() - day * interval '1 day', 'test', 't', '', 1, false, 'no_route', '', 0 FROM generate_series(0, 9) day;
     INSERT INTO tidegate.job_runs (job, epoch, started_at, outcome)
     SELECT 'chunks', 0, now() - day * interval '1 day', 'succeeded' FROM generate_series(0, 9) day;
     INSERT INTO tidegate.job_runs (job, epoch, started_at) VALUES ('retention', 0, now() - interval '9 days');
     INSERT INTO iot_query_logs SELECT 'raw', 1, 1, now() - day * interval '1 day' FROM generate_series(0, 9) day`,
  );
  const days = (count: number) => count * 86_400_000 + 3_600_000;
  assert.equal(
    await retain(database, { deadLetters: days(3), queryLog: days(4), jobHistory: days(5) }),
    '6 dead letters; 5 query log; 4 job runs',
  );
  assert.equal(await count(database, 'iot_dead_letters'), 4);
  assert.equal(await count(database, 'iot_query_logs'), 5);
  assert.equal(await count(database, 'tidegate.job_runs WHERE outcome IS NULL'), 1, 'it is under way');
});

test('a reader that holds a chunk makes it wait for the next run', async () => {
  await using database = await createDatabase({ template: true });
  await using sink = openSink(database);
  for (let day = 0; day < 3; day++) await sink.put(series('a', FIRST + day * DAY, 1_000));
  await cover(database, '2024-02-01');
  const reader = await database.connect();
  await reader.query('BEGIN');
  const seen = `SELECT count(*) FROM iot_data`;
  assert.equal(Number((await reader.query(seen)).rows[0].count), 3_000);
  const raw = since('2024-01-02T12:00:00Z');
  assert.match(await retain(database, { raw }), /1 chunks of points wait for readers/);
  assert.equal(Number((await reader.query(seen)).rows[0].count), 3_000);
  await sink.put(series('a', FIRST + 2 * DAY + 5_000 * SECOND, 10));
  await reader.query('COMMIT');
  assert.match(await retain(database, { raw }), /^1 chunks of points/);
  assert.equal(await count(database, 'iot_data'), 2_010);
});
