import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Client } from 'pg';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { assertEqual } from './compare.ts';
import {
  addSeries,
  DAY,
  HOUR,
  LEVELS,
  levels,
  MINUTE,
  openChunk,
  refresh,
  SECOND,
  TODAY,
  writeBatch,
} from './store.ts';

const NOON = TODAY + 12 * HOUR;
const POLICY = { tolerance: 0, rollover: null, hold: 86_400 };
const point = (time: number, value: number, series = 1) => ({ series, time, value });

async function openStore(): Promise<{
  database: TestDatabase;
  client: Client;
  [Symbol.asyncDispose](): Promise<void>;
}> {
  const database = await createDatabase({ template: true });
  const client = await database.connect();
  await addSeries(client, 2);
  await openChunk(client, NOON);
  return { database, client, [Symbol.asyncDispose]: () => database.drop() };
}

async function rowsOf(client: Client, level: string): Promise<number> {
  const { rows } = await client.query<{ count: string }>(`SELECT count(*) FROM tidegate.aggregate_${level}`);
  return Number(rows[0]?.count);
}

async function watermarks(client: Client): Promise<Record<string, string>> {
  const { rows } = await client.query<{ level: string; watermark: string }>(
    `SELECT level, to_char(watermark AT TIME ZONE 'UTC', 'MM-DD HH24:MI') AS watermark FROM tidegate.aggregates`,
  );
  return Object.fromEntries(rows.map(({ level, watermark }) => [level, watermark]));
}

const week = (): { series: number; time: number; value: number }[] =>
  Array.from({ length: 500 }, (_, index) =>
    point(NOON - index * 20 * MINUTE, (index * 7) % 100, 1 + (index % 2)),
  );

test('every level keeps what its end_offset leaves, and is due once in its interval', async () => {
  await using store = await openStore();
  const { client } = store;
  await writeBatch(client, week());
  await refresh(client, { now: NOON + 20 * MINUTE, force: false });
  assert.deepEqual(await watermarks(client), {
    '1min': '03-02 12:19',
    '15min': '03-02 12:00',
    '1hour': '03-02 11:00',
    '1day': '03-01 00:00',
  });
  const { detail } = await refresh(client, { now: NOON + 21 * MINUTE, force: false });
  assert.match(detail, /^1min: \d+ buckets$/);
  await refresh(client, { now: NOON + 70 * MINUTE, force: false });
  const { '1hour': hour, '1day': day } = await watermarks(client);
  assert.deepEqual([hour, day], ['03-02 12:00', '03-01 00:00']);
  assert.equal((await refresh(client, { now: NOON + 70 * MINUTE, force: false })).detail, 'nothing was due');
  await assertEqual(client, () => POLICY);
});

test('a run that its budget ends goes on with the next one', async () => {
  await using store = await openStore();
  const { client } = store;
  await writeBatch(client, week().slice(0, 30));
  const details: string[] = [];
  for (let run = 0; run < 200; run++) {
    const { detail } = await refresh(client, { now: NOON, force: false, budget: -1 });
    details.push(detail);
    if (detail === 'nothing was due') break;
    await assertEqual(client, () => POLICY);
  }
  assert.ok(details.length > 3 && details.length < 200, `${details.length} runs`);
  assert.equal((await watermarks(client))['1hour'], '03-02 11:00');
});

test('levels above one that is switched off are computed from what is below it', async () => {
  for (const off of ['1min', '15min', '1hour'] as const) {
    await using store = await openStore();
    const { client } = store;
    const policy = levels({ [off]: false });
    await writeBatch(client, week().slice(0, 200));
    await refresh(client, { now: NOON, levels: policy });
    assert.equal(await rowsOf(client, off), 0);
    for (const level of LEVELS) if (level !== off) assert.ok((await rowsOf(client, level)) > 0, level);
    await assertEqual(client, () => POLICY);
    // Late points pass through the level that keeps nothing.
    await writeBatch(client, [point(NOON - 2 * DAY, 77), point(NOON - 20 * MINUTE + SECOND, 5)]);
    await refresh(client, { now: NOON + MINUTE, levels: policy });
    await assertEqual(client, () => POLICY);
  }
});

test('a level that is switched on catches up from the beginning of data', async () => {
  await using store = await openStore();
  const { client } = store;
  await writeBatch(client, [...week().slice(0, 72), point(NOON - 400 * DAY, 3)]);
  await refresh(client, { now: NOON, levels: levels({ '1min': false, '1hour': false }) });
  await assertEqual(client, () => POLICY);
  for (let run = 0; ; run++) {
    const { detail } = await refresh(client, { now: NOON + MINUTE, force: false, budget: -1 });
    if (detail === 'nothing was due') break;
    assert.ok(run < 300, detail);
    if (run % 10 === 0) {
      // Late points meanwhile go their way through all levels.
      await writeBatch(client, [point(NOON - 3 * DAY + 1 + run, 8)]);
      await refresh(client, { now: NOON + MINUTE, budget: -1 });
      await assertEqual(client, () => POLICY);
    }
  }
  await assertEqual(client, () => POLICY);
  assert.deepEqual((await watermarks(client))['1hour'], '03-02 11:00');
  // The point of a year ago alone: the first of the others is of yesterday.
  const { rows } = await client.query(`SELECT FROM tidegate.aggregate_1hour WHERE bucket < '2026-02-01'`);
  assert.equal(rows.length, 1);
});

test('a level that is switched off keeps nothing, and its view goes on answering', async () => {
  await using store = await openStore();
  const { client } = store;
  await writeBatch(client, week());
  await refresh(client, { now: NOON });
  await refresh(client, { now: NOON, levels: levels({ '15min': false }) });
  assert.equal(await rowsOf(client, '15min'), 0);
  await assertEqual(client, () => POLICY);
  await writeBatch(client, [point(NOON - DAY + 1, 9)]);
  await refresh(client, { now: NOON + MINUTE });
  await assertEqual(client, () => POLICY);
});

test('all levels switched off: the queue does not grow', async () => {
  await using store = await openStore();
  const { client } = store;
  const off = levels({ '1min': false, '15min': false, '1hour': false, '1day': false });
  await writeBatch(client, week());
  await refresh(client, { now: NOON });
  await refresh(client, { now: NOON, levels: off });
  await writeBatch(client, [point(NOON - DAY + 1, 9)]);
  await refresh(client, { now: NOON, levels: off });
  const { rows } = await client.query('SELECT FROM tidegate.dirty_buckets');
  assert.equal(rows.length, 0);
  await assertEqual(client, () => POLICY);
});

test('an aggregate outlives its points: buckets before a cut are never computed again', async () => {
  await using store = await openStore();
  const { client } = store;
  await writeBatch(client, week());
  await refresh(client, { now: NOON });
  const before = await client.query('SELECT * FROM iot_data_1hour ORDER BY device_id, metric_name, bucket');
  await client.query(`UPDATE tidegate.chunk_map SET raw_cut = '2026-03-01'`);
  await client.query(`DELETE FROM tidegate.points_late WHERE ts < '2026-03-01'`);
  // As a policy of an older version may have let it in; writers drop it.
  await client.query(
    `INSERT INTO tidegate.dirty_buckets (series_ids, buckets) VALUES (ARRAY[1, 2], ARRAY['2026-02-28 10:00+00', '2026-02-28 10:20+00']::timestamptz[])`,
  );
  await refresh(client, { now: NOON });
  const after = await client.query('SELECT * FROM iot_data_1hour ORDER BY device_id, metric_name, bucket');
  assert.deepEqual(after.rows, before.rows);
  // The 1-minute level is cut as well: what is above it is frozen there too.
  await client.query(`UPDATE tidegate.aggregates SET cut = '2026-03-02' WHERE level = '1min'`);
  await client.query(`DELETE FROM tidegate.aggregate_1min WHERE bucket < '2026-03-02'`);
  await writeBatch(client, [point(NOON - DAY, 1000), point(NOON - HOUR + 1, 1000)]);
  await refresh(client, { now: NOON });
  const { rows } = await client.query<{ day: string; max: number }>(
    `SELECT to_char(bucket AT TIME ZONE 'UTC', 'DD') AS day, max(max_value) AS max FROM iot_data_1hour WHERE bucket >= '2026-03-01' GROUP BY day ORDER BY day`,
  );
  assert.deepEqual(
    rows.map(({ day, max }) => [day, max === 1000]),
    [
      ['01', false],
      ['02', true],
    ],
  );
});

test('a series whose points are cut earlier than others keeps its rows', async () => {
  await using store = await openStore();
  const { client } = store;
  await writeBatch(client, week());
  await refresh(client, { now: NOON });
  const before = await client.query(`SELECT * FROM iot_data_1min WHERE metric_name = 'm1' ORDER BY bucket`);
  await client.query(`UPDATE tidegate.series SET raw_cut = '2026-03-02' WHERE series_id = 1`);
  await client.query(`DELETE FROM tidegate.points_late WHERE series_id = 1 AND ts < '2026-03-02'`);
  await client.query(
    `INSERT INTO tidegate.dirty_buckets (series_ids, buckets)
     SELECT array_agg(series_id), array_agg(bucket) FROM tidegate.aggregate_1min`,
  );
  await refresh(client, { now: NOON });
  const after = await client.query(`SELECT * FROM iot_data_1min WHERE metric_name = 'm1' ORDER BY bucket`);
  assert.deepEqual(after.rows, before.rows);
});
