import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Client } from 'pg';
import { connect, type ConnectionOptions } from '../../../src/postgres/connection.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import { change, message, point, SECOND } from '../../unit/pipeline/messages.ts';
import { correct } from '../corrections/corrections.ts';
import { count, fate, openSink, points, series, type TestSink } from './sinks.ts';

let database: TestDatabase;
before(async () => {
  database = await createDatabase({ template: true });
});
after(() => database.drop());

const NOW = Math.floor(Date.now() / 60_000) * 60 * SECOND;

interface WatchedSink extends TestSink {
  /** The statements since it was last asked. */
  asked(): string[];
}

/** Has written to `device`, so that it knows the map, the series and the watermark. */
async function openWarmSink(device: string): Promise<WatchedSink> {
  const statements: string[] = [];
  const watched = async (options: ConnectionOptions): Promise<Client> => {
    const client = await connect(options);
    const query = client.query.bind(client) as (...given: unknown[]) => unknown;
    client.query = ((...given: unknown[]) => {
      const [first] = given as [string | { readonly text: string; readonly name?: string }];
      statements.push(typeof first === 'string' ? first : (first.name ?? first.text));
      return query(...given);
    }) as typeof client.query;
    return client;
  };
  const sink = openSink(database, { clientId: device, connect: watched });
  await sink.put(point(device, 'x', NOW - SECOND, 0));
  statements.length = 0;
  return Object.assign(sink, { asked: () => statements.splice(0) });
}

async function valuesOf(device: string): Promise<string[]> {
  const rows = await database.query<{ value: string }>(
    `SELECT value::text FROM iot_data WHERE device_id = $1 ORDER BY timestamp`,
    [device],
  );
  return rows.map(({ value }) => value);
}

test('points, journal and ledger take one statement; every bit of a value is kept', async () => {
  await using sink = await openWarmSink('plain');
  const all = [-0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 5e-324, 0.1];
  const sent = all.map((value, index) => ({ device: 'plain', metric: 'x', time: NOW + index, value }));
  const report = await sink.put(points(sent));
  assert.deepEqual(sink.asked(), ['tidegate-batch']);
  assert.deepEqual(fate(report), [all.length, 0, 0]);
  assert.deepEqual(await valuesOf('plain'), ['0', '-0', 'NaN', 'Infinity', '-Infinity', '5e-324', '0.1']);
  await sink.maintain();
  const [row] = await database.query(
    `SELECT points::int, last_seen FROM iot_series WHERE device_id = 'plain'`,
  );
  assert.deepEqual(row, { points: 7, last_seen: new Date((NOW + 5) / 1000) });
  assert.deepEqual((await sink.totals()).totals.points.stored, 7);
});

test('what arrives again, late, as text, for the dead letters or in bulk goes the general way', async () => {
  await using sink = await openWarmSink('general');
  assert.deepEqual(fate(await sink.put(point('general', 'x', NOW - SECOND, 0))), [0, 1, 0]);
  assert.deepEqual(fate(await sink.put(point('general', 'x', NOW - SECOND, 1))), [0, 0, 1]);
  assert.deepEqual(fate(await sink.put(point('general', 'x', NOW, 1))), [1, 0, 0]);
  sink.asked();
  for (const messages of [
    [series('general', NOW - 4_000 * 86_400 * SECOND, 3)],
    [point('general', 'x', NOW + SECOND, 1), change('general', 'state', NOW, 'on')],
    [point('general', 'x', NOW + 2 * SECOND, 1), message((out) => out.reject('value_missing', 'none'))],
    [series('general', NOW + 3 * SECOND, 501)],
  ]) {
    const { stored } = (await sink.put(...messages)).totals.points;
    assert.ok(stored > 0);
    assert.ok(sink.asked().includes('COMMIT'));
  }
  assert.equal(await count(database, `iot_data WHERE device_id = 'general'`), 508);
});

test('a map, a watermark or a name that changed meanwhile: nothing is stored by what was known before', async () => {
  await using sink = await openWarmSink('stale');
  await database.query('UPDATE tidegate.chunk_map SET version = version + 1');
  assert.deepEqual(fate(await sink.put(point('stale', 'x', NOW, 1))), [1, 0, 0]);
  assert.deepEqual(sink.asked().slice(-1), ['COMMIT']);
  await sink.put(point('stale', 'x', NOW + 1, 1));
  assert.deepEqual(sink.asked(), ['tidegate-batch'], 'the new map is known');

  await database.query(`UPDATE tidegate.chunk_map SET dirty_before = to_timestamp(${NOW / 1e6 + 60})`);
  await sink.put(point('stale', 'x', NOW + 2, 1));
  assert.equal(await count(database, 'tidegate.dirty_buckets'), 1, 'below the watermark');
  sink.asked();
  await sink.put(point('stale', 'x', NOW + 3, 1));
  assert.ok(!sink.asked().includes('tidegate-batch'), 'tried in vain once, not again and again');
  await database.query(`UPDATE tidegate.chunk_map SET dirty_before = '-infinity'`);

  await correct(database, (corrections) => corrections.rename('stale', 'renamed', false));
  assert.deepEqual(fate(await sink.put(point('stale', 'x', NOW + 4, 1))), [1, 0, 0]);
  assert.equal(await count(database, `iot_data WHERE device_id = 'renamed'`), 6);
});

test('it waits for whoever changes the map, and reads the map after that', async () => {
  await using sink = await openWarmSink('waiting');
  const other = await database.connect();
  await other.query('BEGIN; SELECT pg_advisory_xact_lock(tidegate.chunk_map_lock())');
  const writing = sink.put(point('waiting', 'x', NOW, 1));
  await eventually('the writer waits', async () => {
    const waits = `pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'`;
    return (await count(database, waits)) === 1;
  });
  await other.query(`UPDATE tidegate.chunk_map SET dirty_before = to_timestamp(${NOW / 1e6 + 60}); COMMIT`);
  assert.deepEqual(fate(await writing), [1, 0, 0]);
  const recorded = `tidegate.dirty_buckets b JOIN tidegate.series s ON s.series_id = ANY (b.series_ids)
    WHERE s.device_id = 'waiting'`;
  assert.equal(await count(database, recorded), 1);
  await database.query(`UPDATE tidegate.chunk_map SET dirty_before = '-infinity'`);
});

test('the default isolation of the role or the database does not matter', async () => {
  await database.query(
    `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = serializable', current_database()); END $$`,
  );
  await using sink = await openWarmSink('isolated');
  const level = await sink.lend(async (client) => (await client.query('SHOW transaction_isolation')).rows);
  assert.deepEqual(level, [{ transaction_isolation: 'read committed' }]);
});
