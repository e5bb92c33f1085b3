import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client } from 'pg';
import { LatestPoints } from '../../../src/postgres/latest-points.ts';
import { QueryPool } from '../../../src/postgres/query-pool.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { message, SECOND } from '../../unit/pipeline/messages.ts';
import { correct } from '../corrections/corrections.ts';
import { openSink, type TestSink } from './sinks.ts';

const NOW = Math.floor(Date.now() / 1000) * SECOND;

let database: TestDatabase;
let sink: TestSink;
let pool: QueryPool;
let latest: LatestPoints;
/** Names of statements. */
const asked: string[] = [];
before(async () => {
  database = await createDatabase({ template: true });
  sink = openSink(database);
  pool = new QueryPool({ url: database.url, schema: 'public', statementTimeout: 30_000, connections: 1 });
  latest = new LatestPoints(pool);
  await pool.lend(async (client) => {
    const query = client.query.bind(client) as (...parameters: unknown[]) => unknown;
    Object.assign(client, {
      query: (...parameters: unknown[]) => {
        asked.push((parameters[0] as { name?: string }).name ?? 'other');
        return query(...parameters);
      },
    });
  });
});
after(async () => {
  await pool.close();
  await sink.close();
  await database.drop();
});

const put = (device: string, second: number) =>
  sink.put(message((out) => out.number(device, 'x', NOW + second * SECOND, second, 'gauge')));
const fold = () => sink.maintain(() => ({ records: new Set(), earlier: false }));

/** `device=value`, as the page of all has them, and whether more than the journal was asked for it. */
async function shown(): Promise<{ readonly points: string; readonly anew: boolean }> {
  asked.length = 0;
  const { series, values } = await latest.page({
    devices: null,
    metrics: null,
    match: '*',
    visible: null,
    after: null,
    limit: 100,
  });
  const points = series.map(({ device_id }, row) => `${device_id}=${String(values[row])}`).join(' ');
  return { points, anew: asked.length > 1 };
}

/** In a transaction that is under way until it is told to commit. */
async function begun(...statements: readonly string[]): Promise<() => Promise<void>> {
  const client = new Client({ connectionString: database.url });
  await client.connect();
  await client.query('BEGIN');
  for (const statement of statements) await client.query(statement);
  return async () => {
    await client.query('COMMIT');
    await client.end();
  };
}

test('a page is read once, and the journal alone until something else changes', async () => {
  await put('a', 1);
  await put('b', 1);
  assert.deepEqual(await shown(), { points: 'a=1 b=1', anew: true });
  assert.deepEqual(await shown(), { points: 'a=1 b=1', anew: false });
  await put('a', 2);
  assert.deepEqual(await shown(), { points: 'a=2 b=1', anew: false });
  await fold();
  assert.deepEqual(await shown(), { points: 'a=2 b=1', anew: true });
  assert.deepEqual(await shown(), { points: 'a=2 b=1', anew: false });
});

test('what is changed by hand is seen at once', async () => {
  await put('c', 3);
  assert.equal((await shown()).points, 'a=2 b=1 c=3');
  await correct(database, (corrections) => corrections.rename('c', 'aa', false));
  assert.equal((await shown()).points, 'a=2 aa=3 b=1');
  await correct(database, (corrections) =>
    corrections.delete({ device: 'aa', metric: null, from: null, to: null }, false),
  );
  assert.equal((await shown()).points, 'a=2 b=1');
});

test('what began before a page was read and is committed after it is not missed', async () => {
  const isOf = (device: string) => `(SELECT series_id FROM tidegate.series WHERE device_id = '${device}')`;
  const [folded, named, added] = [
    await begun(`UPDATE tidegate.series_stats SET last_value = 20 WHERE series_id = ${isOf('a')}`),
    await begun(`INSERT INTO tidegate.device_names VALUES ('b', 'B', now())`),
    await begun(
      `INSERT INTO tidegate.series (device_id, metric_name, is_text, kind) VALUES ('d', 'x', false, 'gauge')`,
      `INSERT INTO tidegate.series_stats VALUES (${isOf('d')}, 1, now(), now(), 4)`,
    ),
  ];
  await put('b', 2);
  await fold();
  assert.equal((await shown()).points, 'a=2 b=2');
  await folded();
  assert.equal((await shown()).points, 'a=20 b=2');
  await added();
  assert.equal((await shown()).points, 'a=20 b=2 d=4');
  await named();
  const { series } = await latest.page({
    devices: ['b'],
    metrics: null,
    match: '*',
    visible: null,
    after: null,
    limit: 100,
  });
  assert.equal(series[0]?.device_name, 'B');
});

test('a batch that began before another one and is committed after it is not missed', async () => {
  await shown();
  const later = await begun(
    `INSERT INTO tidegate.batches (batch_id, client_id, messages_settled, messages_ignored, messages_dead_lettered,
       messages_dropped, points_decoded, points_stored, points_duplicate, points_conflict, points_dead_lettered, points_dropped,
       series_ids, series_points, first_times, last_times, last_values)
     SELECT gen_random_uuid(), 'other', 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, ARRAY[series_id], ARRAY[1], ARRAY[t], ARRAY[t], ARRAY[9]
     FROM tidegate.series, (SELECT now() + interval '1 hour' AS t) WHERE device_id = 'd'`,
  );
  await put('a', 30);
  assert.deepEqual(await shown(), { points: 'a=30 b=2 d=4', anew: false });
  await later();
  assert.deepEqual(await shown(), { points: 'a=30 b=2 d=9', anew: false });
});
