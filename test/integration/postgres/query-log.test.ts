import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QueryLog, type QueryLogOptions } from '../../../src/postgres/query-log.ts';
import { createDatabase, startTestPostgres, type TestDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';

const HOUR = 3_600_000;

function entry(count: number, type = 'metrics_raw') {
  return { type, durationMs: count / 4, count };
}

/** Stopped at the end, also where a test fails: it would try for ever. */
function openLog(options: Omit<QueryLogOptions, 'schema'>): QueryLog & AsyncDisposable {
  const log = new QueryLog({ ...options, schema: 'public' });
  return Object.assign(log, { [Symbol.asyncDispose]: () => log.stop() });
}

async function logged(database: TestDatabase): Promise<number[]> {
  const rows = await database.query<{ result_count: string }>(
    'SELECT result_count FROM iot_query_logs ORDER BY result_count',
  );
  return rows.map((row) => Number(row.result_count));
}

test('what waits is written at the end, with its time', async () => {
  await using database = await createDatabase({ template: true });
  await using log = openLog({ url: database.url, interval: HOUR });
  log.note(entry(3));
  log.note(entry(5, 'latest'));
  assert.deepEqual(await logged(database), []);
  await log.stop();
  const rows = await database.query(
    `SELECT query_type, duration_ms, result_count::int, created_at <= now() AND created_at > now() - interval '5 minutes' AS recent
     FROM iot_query_logs ORDER BY result_count`,
  );
  assert.deepEqual(rows, [
    { query_type: 'metrics_raw', duration_ms: 0.75, result_count: 3, recent: true },
    { query_type: 'latest', duration_ms: 1.25, result_count: 5, recent: true },
  ]);
  assert.equal(log.dropped, 0);
  log.note(entry(1));
  assert.equal(log.dropped, 1, 'after the end');
});

test('a hundred entries are written at once, fewer after the interval', async () => {
  await using database = await createDatabase({ template: true });
  await using full = openLog({ url: database.url, interval: HOUR });
  for (let index = 0; index < 100; index++) full.note(entry(index));
  await eventually('a hundred are written', async () => (await logged(database)).length === 100);
  await full.stop();
  await using few = openLog({ url: database.url, interval: 10 });
  for (const count of [1_000, 1_001]) {
    few.note(entry(count));
    await eventually('one is written', async () => (await logged(database)).at(-1) === count);
  }
  await few.stop();
});

test('without the database entries wait up to a bound, and are written when it is back', async () => {
  await using server = await startTestPostgres();
  const database = await createDatabase({ template: true, server: server.url });
  await using log = openLog({ url: database.url, interval: 10, capacity: 150 });
  log.note(entry(0));
  await eventually('one is written', async () => (await logged(database)).length === 1);
  // After a crash the last of it may be lost: it is committed without waiting for the disk.
  await server.stop('fast');
  for (let index = 1; index <= 170; index++) log.note(entry(index));
  assert.equal(log.dropped, 20);
  await server.start();
  await eventually('all are written', async () => (await logged(database).catch(() => [])).length === 151);
  assert.deepEqual(
    await logged(database),
    Array.from({ length: 151 }, (_, index) => index),
  );
  log.note(entry(171));
  assert.equal(log.dropped, 20);
  await log.stop();
  assert.equal((await logged(database)).at(-1), 171);
});

test('an end without the database drops what waits, and comes', async () => {
  await using log = openLog({ url: 'postgres://nobody@127.0.0.1:1/none', interval: HOUR });
  log.note(entry(1));
  await log.stop();
  assert.equal(log.dropped, 1);
});
