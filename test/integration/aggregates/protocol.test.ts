import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type { Client } from 'pg';
import { packLevel, shrinkLevel } from '../../../src/engines/postgres/frame-packing.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import { assertEqual } from './compare.ts';
import {
  addSeries,
  CONTEXT,
  DAY,
  HOUR,
  levels,
  MINUTE,
  NAMES,
  openChunk,
  refresh,
  SECOND,
  TODAY,
  write,
  writeBatch,
} from './store.ts';

const NOON = TODAY + 12 * HOUR;
const POLICY = { tolerance: 0, rollover: null, hold: 86_400 };

let database: TestDatabase;
let job: Client;
let writer: Client;
before(async () => {
  database = await createDatabase({ template: true });
  job = await database.connect();
  writer = await database.connect();
  await addSeries(job, 3);
  await openChunk(job, NOON);
});
after(() => database.drop());
beforeEach(async () => {
  await job.query(`DELETE FROM tidegate.points; DELETE FROM tidegate.points_late; DELETE FROM tidegate.dirty_buckets;
    UPDATE tidegate.aggregates SET watermark = '-infinity', refreshed_at = '-infinity', cut = '-infinity', enabled = true;
    UPDATE tidegate.chunk_map SET dirty_before = '-infinity', raw_cut = '-infinity'`);
  for (const level of Object.keys(levels()))
    await job.query(`DELETE FROM tidegate.aggregate_${level}; DELETE FROM tidegate.frames_${level}`);
});

const point = (time: number, value: number, series = 1) => ({ series, time, value });
const equal = async () => await assertEqual(job, () => POLICY);

async function countOf(time: number, series = 1): Promise<number> {
  const { rows } = await writer.query<{ count: string }>(
    `SELECT coalesce(sum(count), 0) AS count FROM tidegate.aggregate_1min
     WHERE series_id = $1 AND bucket = date_bin('1 minute', to_timestamp($2::double precision / 1000000), '2000-01-03 00:00+00')`,
    [series, time],
  );
  return Number(rows[0]?.count);
}

/** A client that stops before the first statement that matches, until it is let go on. */
function stoppingAt(client: Client, pattern: RegExp) {
  const reached = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  let stopped = false;
  const stopping = new Proxy(client, {
    get(target, key) {
      if (key !== 'query') return Reflect.get(target, key, target);
      return async (sql: string, parameters: unknown[]) => {
        if (!stopped && pattern.test(sql)) {
          stopped = true;
          reached.resolve();
          await released.promise;
        }
        return await target.query(sql, parameters);
      };
    },
  });
  return { client: stopping, reached: reached.promise, release: released.resolve };
}

test('a writer that began before the announcement and commits after it is waited for', async () => {
  await writeBatch(writer, [point(NOON, 1)]);
  await writer.query('BEGIN');
  // It recorded nothing as dirty: nothing was announced yet.
  await write(writer, [point(NOON + SECOND, 2)]);
  const run = refresh(job, { now: NOON + 10 * MINUTE });
  await eventually('the wait for the writer', async () => {
    const rows = await database.query(
      `SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    );
    return rows.length === 1;
  });
  await writer.query('COMMIT');
  await run;
  assert.equal(await countOf(NOON), 2);
  await equal();
});

test('where a writer does not end, the run fails and nothing was passed', async () => {
  await writer.query('BEGIN');
  await write(writer, [point(NOON, 1)]);
  await assert.rejects(refresh(job, { now: NOON + 10 * MINUTE }), { code: '55P03' });
  await writer.query('COMMIT');
  await refresh(job, { now: NOON + 10 * MINUTE });
  assert.equal(await countOf(NOON), 1);
});

test('a writer that commits between the taking of dirty rows and the reading is not lost', async () => {
  await writeBatch(writer, [point(NOON, 1)]);
  await refresh(job, { now: NOON + 10 * MINUTE });
  await writeBatch(writer, [point(NOON + SECOND, 2)]);
  const paused = stoppingAt(job, /INSERT INTO "tidegate".aggregate_1min/);
  const run = refresh(paused.client, { now: NOON + 11 * MINUTE });
  await paused.reached;
  await writeBatch(writer, [point(NOON + 2 * SECOND, 3), point(NOON + 5 * MINUTE, 4)]);
  paused.release();
  await run;
  await refresh(job, { now: NOON + 11 * MINUTE });
  assert.equal(await countOf(NOON), 3);
  await equal();
});

test('a writer that has not committed when dirty rows are taken leaves its own for the next run', async () => {
  await writeBatch(writer, [point(NOON, 1)]);
  await refresh(job, { now: NOON + 10 * MINUTE });
  await writer.query('BEGIN');
  await write(writer, [point(NOON + SECOND, 2)]);
  await refresh(job, { now: NOON + 10 * MINUTE });
  assert.equal(await countOf(NOON), 1);
  await writer.query('COMMIT');
  await refresh(job, { now: NOON + 10 * MINUTE });
  assert.equal(await countOf(NOON), 2);
  await equal();
});

test('two refreshes at once: one waits for the other or gives up, and both leave what is right', async () => {
  await writeBatch(
    writer,
    Array.from({ length: 300 }, (_, index) => point(NOON - index * MINUTE, index, 1 + (index % 3))),
  );
  const other = await database.connect();
  await refresh(job, { now: NOON });
  await writeBatch(
    writer,
    Array.from({ length: 300 }, (_, index) => point(NOON - index * MINUTE + 1, index)),
  );
  const outcomes = await Promise.allSettled([
    refresh(job, { now: NOON + 5 * MINUTE }),
    refresh(other, { now: NOON + 6 * MINUTE }),
  ]);
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') assert.equal(outcome.reason.code, '55P03');
  }
  await refresh(job, { now: NOON + 6 * MINUTE });
  await equal();
});

test('a refresh that dies in the middle loses nothing', async () => {
  await writeBatch(writer, [point(NOON, 1)]);
  await refresh(job, { now: NOON + 10 * MINUTE });
  await writeBatch(writer, [point(NOON + SECOND, 2)]);
  for (const pattern of [/INSERT INTO "tidegate".aggregate_1min/, /INSERT INTO "tidegate".dirty_buckets/]) {
    const victim = await database.connect();
    const { rows } = await victim.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    const paused = stoppingAt(victim, pattern);
    const run = refresh(paused.client, { now: NOON + 10 * MINUTE });
    await paused.reached;
    await writer.query('SELECT pg_terminate_backend($1, 5000)', [rows[0]?.pid]);
    paused.release();
    await assert.rejects(run);
    assert.equal(await countOf(NOON), 1);
  }
  await refresh(job, { now: NOON + 10 * MINUTE });
  assert.equal(await countOf(NOON), 2);
  await equal();
});

test('a leader that was replaced writes nothing', async () => {
  await writeBatch(writer, [point(NOON, 1)]);
  await job.query('UPDATE tidegate.scheduler SET epoch = 1');
  await assert.rejects(refresh(job, { now: NOON + 10 * MINUTE }), { name: 'LeaderReplaced' });
  await job.query('UPDATE tidegate.scheduler SET epoch = 0');
  const { rows } = await job.query('SELECT FROM tidegate.aggregate_1min');
  assert.equal(rows.length, 0);
});

test('late data older than start_offset comes after what is recent, a part a run', async () => {
  await writeBatch(writer, [point(NOON, 1)]);
  await refresh(job, { now: NOON + 10 * MINUTE });
  await writeBatch(writer, [point(NOON - 30 * DAY, 5), point(NOON + SECOND, 2)]);
  const report = await refresh(job, { now: NOON + 10 * MINUTE, budget: -1 });
  assert.equal(await countOf(NOON), 2);
  assert.match(report.detail, /more to do/);
  for (let run = 0; run < 5; run++) await refresh(job, { now: NOON + 10 * MINUTE, budget: -1, force: false });
  assert.equal(await countOf(NOON - 30 * DAY), 1);
  await equal();
});

test('a bucket that lost its points loses its row', async () => {
  await writeBatch(writer, [point(NOON, 1), point(NOON + MINUTE, 1)]);
  await refresh(job, { now: NOON + 3 * HOUR });
  await job.query('DELETE FROM tidegate.points WHERE ts = to_timestamp($1)', [NOON / 1e6]);
  await job.query(
    `INSERT INTO tidegate.dirty_buckets (series_ids, buckets) VALUES (ARRAY[1], ARRAY[to_timestamp($1)])`,
    [NOON / 1e6],
  );
  await refresh(job, { now: NOON + 3 * HOUR });
  assert.equal(await countOf(NOON), 0);
  assert.equal(await countOf(NOON + MINUTE), 1);
  await equal();
});

test('what packing leaves of the index is given back, though not before vacuum was there', async () => {
  const size = async () =>
    Number(
      (await job.query(`SELECT pg_relation_size('tidegate.aggregate_1min_pkey') AS size`)).rows[0]?.size,
    );
  await job.query(
    `INSERT INTO tidegate.aggregate_1min
     SELECT n, '2024-01-01', 1, 0, 1, 0, 1, 1, 1, '2024-01-01', 1, '2024-01-01', 0, 0, 0, 0 FROM generate_series(1, 50000) n`,
  );
  const before = await size();
  await job.query('DELETE FROM tidegate.aggregate_1min');
  const { rows } = await job.query(`SELECT tidegate.shrink_aggregate('1min', 1000000) AS shrunk`);
  assert.deepEqual(rows, [{ shrunk: false }]);
  await job.query('VACUUM tidegate.aggregate_1min');
  await shrinkLevel(job, NAMES, '1min', CONTEXT);
  assert.ok((await size()) < before / 100, `${before} bytes before`);
});

test('a dirty bucket in a compressed run makes it rows again', async () => {
  await writeBatch(writer, [point(NOON, 1), point(NOON + MINUTE, 3)]);
  await refresh(job, { now: NOON + 3 * HOUR });
  await packLevel(job, NAMES, '1min', 0, CONTEXT);
  assert.equal((await job.query('SELECT FROM tidegate.aggregate_1min')).rows.length, 0);
  await equal();
  await writeBatch(writer, [point(NOON + SECOND, 2)]);
  await refresh(job, { now: NOON + 3 * HOUR });
  const { rows } = await job.query('SELECT FROM tidegate.frames_1min');
  assert.equal(rows.length, 0);
  assert.equal(await countOf(NOON), 2);
  assert.equal(await countOf(NOON + MINUTE), 1);
  await equal();
});
