import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeviceRecord } from '../../../src/devices/types.ts';
import { QueryPool } from '../../../src/postgres/query-pool.ts';
import { DeviceDirectory } from '../../../src/postgres/device-directory.ts';
import { PostgresDeviceStates } from '../../../src/postgres/device-states.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { NEW_YEAR, SECOND } from '../../unit/pipeline/messages.ts';
import { correct } from '../corrections/corrections.ts';
import { openSink, series, type TestSink } from './sinks.ts';

const states = (sink: TestSink, clientId = 'test') =>
  new PostgresDeviceStates({ schema: 'public', clientId }, (work) => sink.lend(work));

function record(deviceId: string, more: Partial<DeviceRecord> = {}): DeviceRecord {
  return {
    deviceId,
    state: 'ok',
    lastArrival: NEW_YEAR + 123_456,
    messages: 12,
    intervals: [60.5, 59.5],
    skews: [1.5],
    expectedInterval: 60,
    clockSkew: 1.5,
    ...more,
  };
}

const watched = (database: TestDatabase) =>
  database.query(
    `SELECT device_id, state, last_arrival, expected_interval, clock_skew FROM iot_devices ORDER BY device_id`,
  );

test('records are kept by client id, and come back as they were', async () => {
  await using database = await createDatabase({ template: true });
  await using sink = openSink(database);
  await sink.put(series('a', NEW_YEAR, 1), series('b/1 "ü"', NEW_YEAR, 1), series('c', NEW_YEAR, 1));
  const learning = record('b/1 "ü"', {
    state: 'learning',
    lastArrival: NEW_YEAR + SECOND,
    intervals: [],
    skews: [],
    expectedInterval: null,
    clockSkew: null,
  });
  const mine = states(sink);
  assert.deepEqual(await mine.save([record('a'), learning, record('nobody')]), new Set(['a', 'b/1 "ü"']));
  assert.deepEqual(await mine.load(10), [learning, record('a')], 'the latest heard first');
  assert.deepEqual(await mine.load(1), [learning]);
  await mine.save([record('a', { state: 'silent', messages: 13 })]);
  assert.deepEqual((await mine.load(10))[1], record('a', { state: 'silent', messages: 13 }));
  assert.deepEqual(await states(sink, 'other').load(10), []);
  assert.deepEqual(await mine.save([]), new Set());
  const first = { last_arrival: new Date(NEW_YEAR / 1000), expected_interval: 60, clock_skew: 1.5 };
  const none = { state: null, last_arrival: null, expected_interval: null, clock_skew: null };
  first.last_arrival = new Date(NEW_YEAR / 1000 + 123);
  assert.deepEqual(await watched(database), [
    { device_id: 'a', state: 'silent', ...first },
    {
      device_id: 'b/1 "ü"',
      state: 'learning',
      last_arrival: new Date(NEW_YEAR / 1000 + 1000),
      expected_interval: null,
      clock_skew: null,
    },
    { device_id: 'c', ...none },
  ]);
});

test('of several daemons the one that heard a device last is believed', async () => {
  await using database = await createDatabase({ template: true });
  await using sink = openSink(database);
  await sink.put(series('a', NEW_YEAR, 1));
  await states(sink, 'one').save([record('a', { state: 'silent' })]);
  await states(sink, 'two').save([
    record('a', { lastArrival: NEW_YEAR + 60 * SECOND, expectedInterval: 120 }),
  ]);
  const [row] = await watched(database);
  assert.deepEqual([row?.['state'], row?.['expected_interval']], ['ok', 120]);
});

test('the columns that were there stay first', async () => {
  await using database = await createDatabase({ template: true });
  const columns = await database.query<{ name: string }>(
    `SELECT attname AS name FROM pg_attribute WHERE attrelid = 'iot_devices'::regclass AND attnum > 0 ORDER BY attnum`,
  );
  assert.deepEqual(
    columns.map(({ name }) => name),
    [
      'device_id',
      'series',
      'first_seen',
      'last_seen',
      'points',
      'state',
      'last_arrival',
      'expected_interval',
      'clock_skew',
      'device_name',
    ],
  );
});

test('corrections by hand are followed: by the rows at once, by a daemon when it asks', async () => {
  await using database = await createDatabase({ template: true });
  await using sink = openSink(database);
  for (const device of ['gone', 'part', 'old', 'from', 'into']) await sink.put(series(device, NEW_YEAR, 3));
  const mine = states(sink);
  assert.deepEqual(await mine.corrections(), { aliases: new Map(), deleted: [] });
  assert.deepEqual(await mine.corrections(), { aliases: null, deleted: [] });
  await mine.save(['gone', 'part', 'old', 'from', 'into'].map((device) => record(device)));
  await states(sink, 'other').save([record('from')]);
  await correct(database, async (corrections) => {
    const part = { metric: null, from: '2026-01-01T00:00:01Z', to: null };
    await corrections.delete({ device: 'part', ...part }, false);
    await corrections.delete({ device: 'gone', metric: null, from: null, to: null }, true);
    await corrections.delete({ device: 'gone', metric: null, from: null, to: null }, false);
    await corrections.rename('old', 'new', false);
    await corrections.merge('from', 'into', false);
  });
  assert.deepEqual(
    await database.query('SELECT device_id, client_id FROM tidegate.device_states ORDER BY 1, 2'),
    [
      { device_id: 'into', client_id: 'other' },
      { device_id: 'into', client_id: 'test' },
      { device_id: 'new', client_id: 'test' },
      { device_id: 'part', client_id: 'test' },
    ],
  );
  assert.deepEqual(await mine.corrections(), {
    aliases: new Map([
      ['old', 'new'],
      ['from', 'into'],
    ]),
    deleted: ['gone'],
  });
  assert.deepEqual(await mine.corrections(), { aliases: null, deleted: [] });
  assert.deepEqual(await mine.save([record('gone'), record('old')]), new Set(), 'what is gone stays gone');
  await database.query(`UPDATE tidegate.device_states SET device_id = 'old' WHERE device_id = 'new'`);
  const loaded = await mine.load(10);
  assert.deepEqual(
    loaded.map(({ deviceId }) => deviceId).toSorted(),
    ['into', 'part'],
    'of devices that are there',
  );
});

test('the directory lists by the bytes of names, in pages, and finds one', async () => {
  await using database = await createDatabase({ template: true });
  await using sink = openSink(database);
  const names = ['A', 'Z/1', 'a', 'b%', 'b_', 'ä'];
  for (const name of names) await sink.put(series(name, NEW_YEAR, 2));
  await states(sink).save([record('a', { state: 'silent' }), record('ä')]);
  const directory = new DeviceDirectory(
    new QueryPool({ url: database.url, schema: 'public', statementTimeout: 10_000, connections: 1 }),
  );
  const page = async (more: Partial<Parameters<typeof directory.list>[0]> = {}) =>
    (await directory.list({ match: '*', state: null, after: null, limit: 10, visible: null, ...more })).map(
      ({ device_id }) => device_id,
    );
  assert.deepEqual(await page(), names);
  assert.deepEqual(await page({ after: 'Z/1', limit: 2 }), ['a', 'b%']);
  assert.deepEqual(await page({ state: 'silent' }), ['a']);
  assert.deepEqual(await page({ match: 'b%*' }), ['b%']);
  assert.deepEqual(await page({ visible: ['b%', 'Z/', 'ä'] }), ['Z/1', 'b%', 'ä']);
  assert.deepEqual(await page({ visible: ['b', 'Z/'], after: 'Z/1', limit: 1 }), ['b%']);
  assert.deepEqual(await directory.find('a', null), {
    device_id: 'a',
    device_name: null,
    series: 1,
    points: 2,
    first_seen: '2026-01-01T00:00:00.000000Z',
    last_seen: '2026-01-01T00:00:01.000000Z',
    state: 'silent',
    last_arrival: '2026-01-01T00:00:00.123456Z',
    expected_interval: 60,
    clock_skew: 1.5,
    metrics: [
      {
        metric_name: 'x',
        kind: 'gauge',
        unit: null,
        tags: {},
        value: 2,
        timestamp: '2026-01-01T00:00:01.000000Z',
        points: 2,
        first_seen: '2026-01-01T00:00:00.000000Z',
        last_seen: '2026-01-01T00:00:01.000000Z',
      },
    ],
  });
  await assert.rejects(directory.find('nobody', null), { code: 'device_unknown' });
  await assert.rejects(directory.find('\0', null), { code: 'device_unknown' });
  await correct(database, (corrections) => corrections.rename('a', 'renamed', false));
  await assert.rejects(directory.find('a', null), { message: /it is "renamed" now/ });
  assert.equal((await directory.find('renamed', ['ren'])).state, 'silent');
  await assert.rejects(directory.find('renamed', ['a', 'b']), { message: 'there is no device "renamed"' });
  await assert.rejects(directory.find('a', ['a']), { message: 'there is no device "a"' });
});
