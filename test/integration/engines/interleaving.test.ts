import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import { SECOND } from '../../unit/pipeline/messages.ts';
import { at, count, fate, openSink, points, series } from '../postgres/sinks.ts';
import { openPostgres, runJob } from './engines.ts';

let database: TestDatabase;
before(async () => {
  database = await createDatabase({ template: true });
});
after(() => database.drop());

function nameAt(day: string): string {
  return `points_${day.replaceAll('-', '')}_000000`;
}

async function valueAt(device: string, time: number): Promise<number[]> {
  const rows = await database.query<{ value: number }>(
    `SELECT value FROM iot_data WHERE device_id = $1 AND timestamp = to_timestamp($2::float8 / 1000000)`,
    [device, time],
  );
  return rows.map(({ value }) => value);
}

/** How many sessions of sinks wait for a lock. */
async function waiting(application: string): Promise<number> {
  return await count(
    database,
    `pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND application_name = '${application}'`,
  );
}

test('two sinks that replace points of one segment at once both get theirs in', async () => {
  const day = at('2024-01-01T00:00:00Z');
  await using first = openSink(database, { onDuplicate: 'keep_last', clientId: 'first' });
  await using second = openSink(database, { onDuplicate: 'keep_last', clientId: 'second' });
  await first.put(series('shared', day, 1_500));
  await openPostgres(database).compress(nameAt('2024-01-01'));
  const replacement = (row: number, value: number) =>
    points([{ device: 'shared', metric: 'x', time: day + row * SECOND, value }]);
  // Both wait behind this one, the second behind the first.
  const holder = await database.connect();
  await holder.query('BEGIN; SELECT FROM tidegate.segments FOR UPDATE');
  const writes = [first.put(replacement(10, -10))];
  await eventually('the first waits', async () => (await waiting('tidegate first')) === 1);
  writes.push(second.put(replacement(20, -20)));
  await eventually('the second waits', async () => (await waiting('tidegate second')) === 1);
  await holder.query('COMMIT');
  assert.deepEqual((await Promise.all(writes)).map(fate), [
    [0, 0, 1],
    [0, 0, 1],
  ]);
  assert.deepEqual(await valueAt('shared', day + 10 * SECOND), [-10]);
  assert.deepEqual(await valueAt('shared', day + 20 * SECOND), [-20]);
});

test('a chunk that two processes compress at once is compressed once', async () => {
  const day = at('2024-02-01T00:00:00Z');
  await using sink = openSink(database);
  await sink.put(series('twice', day, 5_000));
  // Its snapshot keeps the leaf.
  const reader = await database.connect();
  await reader.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1');
  const engine = openPostgres(database);
  const both = await Promise.allSettled([
    engine.compress(nameAt('2024-02-01')),
    openPostgres(database).compress(nameAt('2024-02-01')),
  ]);
  assert.equal(await count(database, `iot_data WHERE device_id = 'twice'`), 5_000);
  const failed = both.filter((one) => one.status === 'rejected');
  assert.deepEqual(
    failed.map(({ reason }) => (reason as { code: string }).code),
    ['chunk_state'],
  );
  await reader.query('COMMIT');
  await runJob(engine, 'chunks');
  assert.equal(await count(database, `iot_data WHERE device_id = 'twice'`), 5_000);
  assert.equal(await count(database, `tidegate.chunks WHERE state = 'sealed' AND attached`), 0);
});

test('compressing says that the leaf is still there, and why', async () => {
  const day = at('2024-03-01T00:00:00Z');
  await using sink = openSink(database);
  await sink.put(series('kept', day, 1_000));
  const reader = await database.connect();
  await reader.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1');
  const engine = openPostgres(database);
  assert.match(
    (await engine.compress(nameAt('2024-03-01'))).detail,
    /its rows go when no reader needs them any more/,
  );
  await assert.rejects(engine.decompress(nameAt('2024-03-01')), { code: 'chunk_state' });
  assert.equal(
    Number((await reader.query(`SELECT count(*) FROM iot_data WHERE device_id = 'kept'`)).rows[0].count),
    1_000,
  );
  await reader.query('COMMIT');
  assert.equal((await engine.decompress(nameAt('2024-03-01'))).rows, 1_000);
});

test('a reader that holds the tables for long makes opening a chunk give up with a clear error', async () => {
  const day = at('2024-04-01T00:00:00Z');
  await using sink = openSink(database);
  await sink.put(series('held', day, 1_000));
  const engine = openPostgres(database);
  const reader = await database.connect();
  await reader.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1');
  await engine.compress(nameAt('2024-04-01'));
  // The leaf is still there, and nobody needs it; but it is locked.
  await reader.query('COMMIT; BEGIN; SELECT FROM iot_data LIMIT 1');
  await assert.rejects(engine.decompress(nameAt('2024-04-01')), { code: 'chunk_state' });
  await reader.query('COMMIT');
  assert.equal((await engine.decompress(nameAt('2024-04-01'))).rows, 1_000);
});

test('a chunk whose opening broke off is a compressed one again at the next run', async () => {
  const day = at('2024-05-01T00:00:00Z');
  await using sink = openSink(database, { onDuplicate: 'keep_last' });
  await sink.put(series('broken', day, 1_000));
  const engine = openPostgres(database);
  await engine.compress(nameAt('2024-05-01'));
  await database.query(
    `UPDATE tidegate.chunks SET state = 'opening' WHERE leaf = '${nameAt('2024-05-01')}'; UPDATE tidegate.chunk_map SET version = version + 1`,
  );
  await sink.put(
    points([
      { device: 'broken', metric: 'x', time: day + 3 * SECOND, value: -3 },
      { device: 'broken', metric: 'x', time: day + 1, value: 7 },
    ]),
  );
  assert.match((await runJob(engine, 'compression')).detail, /took 1 late points/);
  assert.deepEqual(
    await database.query(`SELECT state FROM tidegate.chunks WHERE leaf = '${nameAt('2024-05-01')}'`),
    [{ state: 'sealed' }],
  );
  assert.deepEqual(await valueAt('broken', day + 3 * SECOND), [-3]);
  assert.equal(await count(database, `iot_data WHERE device_id = 'broken'`), 1_001);
  assert.equal(await count(database, 'tidegate.closing_corrections'), 0);
  assert.equal((await engine.decompress(nameAt('2024-05-01'))).rows, 1_001);
});
