import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { change, message, SECOND } from '../../unit/pipeline/messages.ts';
import { openPostgres, runJob } from '../engines/engines.ts';
import { at, count, openSink, points, series } from '../postgres/sinks.ts';
import { correct, everything, refresh, rowsOf } from './corrections.ts';

let database: TestDatabase;

const COMPRESSED = at('2024-01-01T00:00:00Z');
const HOT = at('2024-02-01T00:00:00Z');
const OLD = at('2001-01-01T00:00:00Z');

/** A device with points in every place, and a neighbour like it. */
beforeEach(async () => {
  database = await createDatabase({ template: true });
  await using sink = openSink(database);
  for (const device of ['gone', 'kept']) {
    await sink.put(series(device, COMPRESSED, 2_500), series(device, HOT, 1_200));
    await sink.put(
      points([
        { device, metric: 'x', time: OLD, value: 1 },
        { device, metric: 'y', time: HOT, value: 2 },
      ]),
      message((out) => {
        out.text(device, 'state', HOT, 'on', false);
        out.text(device, 'state', OLD, 'off', false);
      }),
    );
  }
  await openPostgres(database).compress('points_20240101_000000');
  await sink.put(points([{ device: 'gone', metric: 'x', time: COMPRESSED + 1, value: 9 }]));
});

afterEach(() => database.drop());

test('a device goes from every place, its neighbour stays, the audit says it', async () => {
  await runJob(openPostgres(database), 'aggregates');
  const views = ['iot_data', 'iot_text', 'iot_series', 'iot_latest', 'iot_data_1min', 'iot_data_1day'];
  const before = await Promise.all(views.map((view) => rowsOf(database, view, 'kept')));
  const whole = { device: 'gone', metric: null, from: null, to: null };
  const state = await everything(database);
  const planned = await correct(database, (corrections) => corrections.delete(whole, true));
  assert.deepEqual(await everything(database), state, 'a dry run changes nothing');
  const done = await correct(database, (corrections) => corrections.delete(whole, false));
  assert.deepEqual(done, { ...planned, dry_run: false });
  const { buckets, ...counts } = done.counts;
  assert.deepEqual(counts, {
    series: 3,
    points: 3_703,
    late_points: 2,
    compressed_points: 2_500,
    texts: 2,
    frozen_buckets: 0,
    dead_letters: 0,
    aliases: 0,
  });
  assert.ok((buckets ?? 0) > 60, `${buckets} buckets`);
  for (const view of views) assert.deepEqual(await rowsOf(database, view, 'gone'), [], view);
  assert.deepEqual(await Promise.all(views.map((view) => rowsOf(database, view, 'kept'))), before);
  for (const table of ['points', 'points_late', 'texts', 'texts_late', 'segments', 'aggregate_1hour']) {
    const left = await count(
      database,
      `tidegate.${table} WHERE series_id NOT IN (SELECT series_id FROM tidegate.series)`,
    );
    assert.equal(left, 0, table);
  }
  const [entry] = await database.query<{ actor: string; action: string; subject: unknown; counts: unknown }>(
    'SELECT actor, action, subject, counts FROM iot_audit',
  );
  assert.match(entry?.actor ?? '', /^somebody@here as \w+/);
  assert.deepEqual([entry?.action, entry?.subject, entry?.counts], ['delete', whole, done.counts]);
  const [chunk] = await database.query<{ points: string }>(
    `SELECT points FROM tidegate.chunks WHERE leaf = 'points_20240101_000000'`,
  );
  assert.equal(Number(chunk?.points), 2_500);
});

test('a range goes, to the microsecond, also out of the middle of compressed runs', async () => {
  const from = COMPRESSED + 1_000 * SECOND;
  const range = {
    device: 'gone',
    metric: 'x',
    from: new Date(from / 1000).toISOString(),
    to: new Date((from + 500 * SECOND) / 1000).toISOString(),
  };
  const planned = await correct(database, (corrections) => corrections.delete(range, true));
  const done = await correct(database, (corrections) => corrections.delete(range, false));
  assert.deepEqual(done, { ...planned, dry_run: false });
  assert.equal(done.counts['points'], 500);
  assert.equal(done.counts['compressed_points'], 500);
  const left = await database.query<{ time: string; value: number }>(
    `SELECT extract(epoch FROM timestamp) * 1000000 AS time, value FROM iot_data
     WHERE device_id = 'gone' AND metric_name = 'x' AND timestamp >= '2024-01-01' AND timestamp < '2024-01-02' ORDER BY timestamp`,
  );
  const wanted = Array.from({ length: 2_500 }, (_, index) => [COMPRESSED + index * SECOND, index + 1])
    .filter(([time]) => (time as number) < from || (time as number) >= from + 500 * SECOND)
    .toSpliced(1, 0, [COMPRESSED + 1, 9]);
  assert.deepEqual(
    left.map(({ time, value }) => [Number(time), value]),
    wanted,
  );
  const [stats] = await database.query<{ points: string }>(
    `SELECT points FROM iot_series WHERE device_id = 'gone' AND metric_name = 'x'`,
  );
  assert.equal(Number(stats?.points), 3_702 - 500);
  assert.equal(await count(database, `iot_data WHERE device_id = 'kept'`), 3_702);
});

test('aggregates of a range are computed anew, and are then as if its points had never come', async () => {
  const engine = openPostgres(database);
  await runJob(engine, 'aggregates');
  const range = { device: 'gone', metric: null, from: '2024-01-01T00:10:00Z', to: '2024-02-01T00:05:00Z' };
  await correct(database, (corrections) => corrections.delete(range, false));
  await refresh(database);
  for (const level of ['1min', '15min', '1hour', '1day']) {
    const [row] = await database.query<{ wrong: string; rows: string }>(
      `WITH wanted AS (
         SELECT date_bin((SELECT width FROM tidegate.aggregates WHERE level = $1), timestamp, '2000-01-03 00:00Z') AS bucket,
           metric_name, count(*) AS count, max(value) AS max_value, min(value) AS min_value
         FROM iot_data WHERE device_id = 'gone' GROUP BY 1, 2)
       SELECT count(*) AS rows, count(*) FILTER (WHERE (w.count, w.max_value, w.min_value) IS DISTINCT FROM
         (a.count, a.max_value, a.min_value)) AS wrong
       FROM wanted w FULL JOIN (SELECT * FROM iot_data_${level} WHERE device_id = 'gone') a USING (bucket, metric_name)`,
      [level],
    );
    assert.equal(Number(row?.wrong), 0, level);
    assert.ok(Number(row?.rows) > 2, level);
  }
});

test('the latest point and the statistics are right after the last ones go, journal or not', async () => {
  await using sink = openSink(database);
  await sink.maintain();
  const time = HOT + 5_000 * SECOND;
  await sink.put(points([{ device: 'gone', metric: 'x', time, value: 77 }]));
  const range = { device: 'gone', metric: 'x', from: '2024-02-01T00:00:10Z', to: null };
  await correct(database, (corrections) => corrections.delete(range, false));
  const latest = async () =>
    await database.query(
      `SELECT l.value, l.timestamp = '2024-02-01T00:00:09Z' AS right, s.points FROM iot_latest l
       JOIN iot_series s USING (device_id, metric_name) WHERE device_id = 'gone' AND metric_name = 'x'`,
    );
  assert.deepEqual(await latest(), [{ value: 10, right: true, points: '2512' }]);
  await sink.maintain();
  assert.deepEqual(await latest(), [{ value: 10, right: true, points: '2512' }]);
  assert.deepEqual(
    (await sink.totals()).totals.points.stored,
    (await sink.totals()).totals.points.decoded,
    'the balance sheet is what was received',
  );
});

test('metrics are chosen by a glob, and a device that is not there is told', async () => {
  const done = await correct(database, (corrections) =>
    corrections.delete({ device: 'gone', metric: 'st*', from: null, to: null }, false),
  );
  assert.deepEqual([done.counts['series'], done.counts['texts'], done.counts['points']], [1, 2, 0]);
  assert.equal(await count(database, `iot_text WHERE device_id = 'gone'`), 0);
  assert.equal(await count(database, `iot_data WHERE device_id = 'gone'`), 3_703);
  await assert.rejects(
    correct(database, (corrections) =>
      corrections.delete({ device: 'gone', metric: 'x_', from: null, to: null }, false),
    ),
    { code: 'device_unknown' },
  );
});

test('dead letters go where their route tells the device, and others stay', async () => {
  const insert = (route: string | null, topic: string) =>
    database.query(
      `INSERT INTO tidegate.dead_letters (received_at, client_id, topic, payload, qos, retained, route, code, detail, points)
       VALUES (now(), 'test', $2, '', 1, false, $1, 'json_invalid', '', 0)`,
      [route, topic],
    );
  await insert('test', 'devices/gone/x');
  await insert('test', 'devices/kept/gone');
  await insert('other', 'devices/gone/x');
  await insert(null, 'devices/gone/x');
  const done = await correct(database, (corrections) =>
    corrections.delete({ device: 'gone', metric: null, from: null, to: null }, false),
  );
  assert.equal(done.counts['dead_letters'], 1);
  assert.deepEqual(
    await database.query('SELECT route, topic FROM iot_dead_letters ORDER BY dead_letter_id'),
    [
      { route: 'test', topic: 'devices/kept/gone' },
      { route: 'other', topic: 'devices/gone/x' },
      { route: null, topic: 'devices/gone/x' },
    ],
  );
});

test('what fails in the middle leaves everything as it was', async () => {
  const state = await everything(database);
  await database.query(
    `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not now'; END $$;
     CREATE TRIGGER refuse BEFORE INSERT ON tidegate.audit FOR EACH ROW EXECUTE FUNCTION refuse()`,
  );
  await assert.rejects(
    correct(database, (corrections) =>
      corrections.delete({ device: 'gone', metric: null, from: null, to: null }, false),
    ),
    /not now/,
  );
  assert.deepEqual(await everything(database), state);
});

test('a daemon that has written the device before writes it anew', async () => {
  await using sink = openSink(database);
  const state = (time: number) => change('gone', 'state', time, 'on');
  await sink.put(series('gone', HOT + 2_000 * SECOND, 3), state(HOT + SECOND));
  await correct(database, (corrections) =>
    corrections.delete({ device: 'gone', metric: null, from: null, to: null }, false),
  );
  await sink.put(series('gone', HOT + 3_000 * SECOND, 3), state(HOT + 2 * SECOND));
  assert.equal(await count(database, `iot_data WHERE device_id = 'gone'`), 3);
  assert.equal(
    await count(database, `iot_text WHERE device_id = 'gone'`),
    1,
    'a text that repeats the deleted one',
  );
  assert.equal(await count(database, `iot_series WHERE device_id = 'gone'`), 2);
});
