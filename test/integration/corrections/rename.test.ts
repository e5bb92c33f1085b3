import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { change, SECOND } from '../../unit/pipeline/messages.ts';
import { openPostgres } from '../engines/engines.ts';
import { at, count, openSink, points, series } from '../postgres/sinks.ts';
import { correct, everything, refresh } from './corrections.ts';

let database: TestDatabase;
beforeEach(async () => {
  database = await createDatabase({ template: true });
});
afterEach(() => database.drop());

const DAY_ONE = at('2024-01-01T00:00:00Z');

async function rename(device: string, name: string, dryRun = false) {
  return await correct(database, (corrections) => corrections.rename(device, name, dryRun));
}

async function aliases(): Promise<string[]> {
  const rows = await database.query<{ row: string }>(
    `SELECT alias || ' ' || device_id || CASE WHEN valid_to IS NULL THEN '' ELSE ' until' END AS row
     FROM iot_device_aliases ORDER BY valid_from, alias`,
  );
  return rows.map(({ row }) => row);
}

test('history moves to the new name, and what still comes under the old one follows, in a running daemon too', async () => {
  await using sink = openSink(database);
  await sink.put(series('old', DAY_ONE, 1_500), change('old', 'state', DAY_ONE, 'on'));
  await openPostgres(database).compress('points_20240101_000000');
  await refresh(database);
  const planned = await rename('old', 'new', true);
  const done = await rename('old', 'new');
  assert.deepEqual(done, { ...planned, dry_run: false });
  assert.deepEqual(done.counts, { series: 2, aliases: 1 });
  await sink.put(
    series('old', DAY_ONE + 2_000 * SECOND, 5),
    points([{ device: 'old', metric: 'more', time: DAY_ONE, value: 1 }]),
  );
  await sink.put(series('new', DAY_ONE + 3_000 * SECOND, 5), change('new', 'state', DAY_ONE + 1, 'off'));
  await using other = openSink(database, { clientId: 'other' });
  await other.put(series('old', DAY_ONE + 4_000 * SECOND, 5));
  assert.equal(await count(database, `iot_data WHERE device_id = 'old'`), 0);
  assert.equal(await count(database, `iot_data WHERE device_id = 'new'`), 1_516);
  assert.equal(await count(database, `iot_text WHERE device_id = 'new'`), 2);
  await refresh(database);
  assert.equal(await count(database, `iot_data_1min WHERE device_id = 'new' AND metric_name = 'x'`), 25 + 3);
  assert.deepEqual(await database.query('SELECT device_id, series, points FROM iot_devices'), [
    { device_id: 'new', series: '3', points: '1518' },
  ]);
  assert.deepEqual(await aliases(), ['old new']);
});

test('old names lead to the last one, and a device may take its old name back', async () => {
  await using sink = openSink(database);
  await sink.put(series('a', DAY_ONE, 3));
  await rename('a', 'b');
  await rename('b', 'c');
  assert.deepEqual(await aliases(), ['a b until', 'a c', 'b c']);
  await sink.put(series('a', DAY_ONE + 10 * SECOND, 3), series('b', DAY_ONE + 20 * SECOND, 3));
  assert.equal(await count(database, `iot_data WHERE device_id = 'c'`), 9);
  await rename('c', 'a');
  assert.deepEqual(await aliases(), ['a b until', 'a c until', 'b c until', 'b a', 'c a']);
  await sink.put(series('a', DAY_ONE + 30 * SECOND, 3), series('c', DAY_ONE + 40 * SECOND, 3));
  assert.equal(await count(database, `iot_data WHERE device_id = 'a'`), 15);
});

test('a deleted device loses its old names', async () => {
  await using sink = openSink(database);
  await sink.put(series('a', DAY_ONE, 3));
  await rename('a', 'b');
  const whole = { device: 'b', metric: null, from: null, to: null };
  const { counts } = await correct(database, (corrections) => corrections.delete(whole, false));
  assert.equal(counts['aliases'], 1);
  assert.deepEqual(await aliases(), ['a b until']);
  await sink.put(series('a', DAY_ONE, 3));
  assert.equal(await count(database, `iot_data WHERE device_id = 'a'`), 3);
});

test('a name that is taken, or no device, is refused and nothing changes', async () => {
  await using sink = openSink(database);
  await sink.put(series('a', DAY_ONE, 3), series('b', DAY_ONE, 3), series('c', DAY_ONE, 3));
  await rename('c', 'd');
  const state = await everything(database);
  await assert.rejects(rename('a', 'b'), { code: 'device_exists' });
  await assert.rejects(rename('a', 'c'), { code: 'device_exists', message: '"c" is a former name of "d"' });
  await assert.rejects(rename('a', 'a'), { code: 'device_exists' });
  await assert.rejects(rename('c', 'e'), { code: 'device_unknown', message: '"c"; it is "d" now' });
  await assert.rejects(rename('nobody', 'e', true), { code: 'device_unknown' });
  assert.deepEqual(await everything(database), state);
});

test('old and new name in one batch make one series: nothing is lost, twice or moved', async () => {
  await using sink = openSink(database);
  await sink.put(series('old', DAY_ONE, 3));
  await rename('old', 'new');
  const both = (from: number, step: number) =>
    ['old', 'new'].map((device, index) =>
      points(
        Array.from({ length: 50 }, (_, row) => ({
          device,
          metric: 'x',
          time: from + (2 * row + index * step) * SECOND,
          value: row,
        })),
      ),
    );
  await sink.put(...both(DAY_ONE + 100 * SECOND, 1));
  await sink.put(...both(DAY_ONE + 300 * SECOND, 0));
  assert.equal(await count(database, `iot_data WHERE device_id = 'new'`), 3 + 100 + 50);
  const [row] = await database.query<{ points: string }>('SELECT points FROM iot_series');
  assert.equal(row?.points, '153');
  const state = (device: string, time: number, value: string) => change(device, 'state', time, value);
  await sink.put(state('old', DAY_ONE + 1, 'on'));
  await sink.put(state('new', DAY_ONE + 2, 'off'));
  await sink.put(state('old', DAY_ONE + 3, 'on'));
  assert.equal(await count(database, `iot_text WHERE device_id = 'new'`), 3);
});

test('while writers write, every point is stored once, under one name', async () => {
  await using sink = openSink(database);
  await using other = openSink(database, { clientId: 'other' });
  const put = async (one: typeof sink, offset: number): Promise<void> => {
    for (let step = 0; step < 40; step++)
      await one.put(series('name-0', DAY_ONE + (offset + step * 10) * SECOND, 10));
  };
  await put(sink, -1_000);
  const writing = Promise.all([put(sink, 0), put(other, 400)]);
  for (let step = 0; step < 5; step++) await rename(`name-${step}`, `name-${step + 1}`);
  await writing;
  assert.deepEqual(await database.query('SELECT device_id, series, points FROM iot_devices'), [
    { device_id: 'name-5', series: '1', points: '1200' },
  ]);
  assert.equal(await count(database, 'iot_data'), 1_200);
});
