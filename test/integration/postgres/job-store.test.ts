import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, afterEach, before, test } from 'node:test';
import { Client } from 'pg';
import { PostgresJobStore } from '../../../src/postgres/job-store.ts';
import type { RunResult } from '../../../src/scheduler/types.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';

let database: TestDatabase;
const stores: PostgresJobStore[] = [];
before(async () => {
  database = await createDatabase({ template: true });
});
afterEach(async () => {
  await Promise.all(stores.splice(0).map((store) => store.close()));
  await database.query('TRUNCATE tidegate.job_runs; DELETE FROM tidegate.jobs');
});
after(() => database.drop());

function open(): PostgresJobStore {
  const store = new PostgresJobStore({ url: database.url, schema: 'public' });
  stores.push(store);
  return store;
}

const DONE: RunResult = {
  outcome: 'succeeded',
  rows: 5_000_000_000,
  detail: 'done',
  error: null,
  failures: 0,
  wait: 60_000,
};
const FAILED: RunResult = { ...DONE, outcome: 'failed', rows: null, detail: null, error: 'why', failures: 3 };

test('a job that is new is due; its interval can change, a shorter one brings the next run forward', async () => {
  const store = open();
  await store.register([{ name: 'chunks', every: 3_600_000 }]);
  assert.equal((await store.waits()).get('chunks'), Number.NEGATIVE_INFINITY);
  const run = await store.begin('chunks', null);
  assert.ok(run);
  await store.finish(run, { ...DONE, wait: 3_600_000 });
  const wait = Number((await store.waits()).get('chunks'));
  assert.ok(wait > 3_590_000 && wait <= 3_600_000, String(wait));
  await store.register([{ name: 'chunks', every: 1_500 }]);
  assert.ok(Number((await store.waits()).get('chunks')) <= 1_500);
  const [state] = await store.list(['chunks'], 0);
  assert.equal(state?.every, 1_500);
});

test('a job whose row somebody holds counts as running, and is known without waiting for it', async () => {
  const store = open();
  const jobs = [{ name: 'aggregates', every: 60_000 }];
  await store.register(jobs);
  const holder = new Client({ connectionString: database.url });
  await holder.connect();
  await holder.query(`BEGIN; SELECT FROM tidegate.jobs WHERE name = 'aggregates' FOR UPDATE`);
  await store.register(jobs);
  assert.equal(await store.begin('aggregates', null), null);
  await holder.query('COMMIT');
  await holder.end();
  const run = await store.begin('aggregates', null);
  assert.ok(run);
  await store.finish(run, DONE);
});

test('a run is recorded from its start to its end', async () => {
  const store = open();
  await store.register([{ name: 'aggregates', every: 60_000 }]);
  const began = Date.now();
  const started = await store.begin('aggregates', null);
  assert.ok(started);
  const [before] = await store.list(['aggregates'], 5);
  assert.deepEqual(
    before?.runs.map(({ outcome, finishedAt }) => [outcome, finishedAt]),
    [[null, null]],
  );
  const run = await store.finish(started, DONE);
  assert.ok(Math.abs(run.startedAt - began) < 10_000);
  assert.ok(Number(run.finishedAt) >= run.startedAt);
  assert.equal(run.rows, 5_000_000_000);
  const [state] = await store.list(['aggregates'], 5);
  assert.deepEqual(state?.runs, [run]);
  assert.equal(state.lastSuccess, run.finishedAt);
  assert.equal(state.failures, 0);
});

test('failures are counted for the next run', async () => {
  const store = open();
  await store.register([{ name: 'chunks', every: 1_000 }]);
  const first = await store.begin('chunks', null);
  assert.equal(first?.failures, 0);
  await store.finish(first, FAILED);
  const second = await store.begin('chunks', null);
  assert.equal(second?.failures, 3);
  await store.finish(second, DONE);
  const [state] = await store.list(['chunks'], 1);
  assert.deepEqual(
    state?.runs.map(({ outcome }) => outcome),
    ['succeeded'],
    'the latest only',
  );
  assert.equal((await store.list(['chunks'], 5))[0]?.runs[1]?.error, 'why');
});

test('jobs come in the order that was asked for, unknown ones not at all', async () => {
  const store = open();
  await store.register(['a', 'b', 'c'].map((name) => ({ name, every: 1_000 })));
  const states = await store.list(['c', 'nothing', 'a'], 3);
  assert.deepEqual(
    states.map(({ name }) => name),
    ['c', 'a'],
  );
});

test('one process at a time does a job; others may do other jobs', async () => {
  const [one, other] = [open(), open()];
  const run = await one.begin('chunks', null);
  assert.ok(run);
  assert.equal(await other.begin('chunks', null), null);
  const different = await other.begin('retention', null);
  assert.ok(different);
  await one.finish(run, DONE);
  const next = await other.begin('chunks', null);
  assert.ok(next);
  await other.finish(next, DONE);
  await other.finish(different, DONE);
});

test('a run whose process vanished is lost once the job begins again', async () => {
  const [one, other] = [open(), open()];
  const run = await one.begin('chunks', null);
  assert.ok(run);
  const lost = once(run.lost, 'abort');
  await database.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE application_name = 'tidegate jobs' AND datname = current_database()`,
  );
  await lost;
  const next = await eventually('the job is free', () => other.begin('chunks', null));
  await other.finish(next, DONE);
  await other.register([{ name: 'chunks', every: 1_000 }]);
  const [state] = await other.list(['chunks'], 5);
  assert.deepEqual(
    state?.runs.map(({ outcome, error }) => [outcome, error]),
    [
      ['succeeded', null],
      ['lost', 'its process vanished'],
    ],
  );
});

test('under an outdated number nothing begins, and the job stays free', async () => {
  const store = open();
  await database.query('UPDATE tidegate.scheduler SET epoch = 9');
  await assert.rejects(store.begin('chunks', 8), { name: 'LeaderReplaced' });
  const run = await store.begin('chunks', 9);
  assert.equal(run?.epoch, 9);
  await store.finish(run, DONE);
});

test('calls at the same time share one session, and a broken one is replaced', async () => {
  const store = open();
  const sessions = () =>
    database.query<{ pid: number }>(
      `SELECT pid FROM pg_stat_activity WHERE application_name = 'tidegate jobs' AND datname = current_database()`,
    );
  await Promise.all([store.waits(), store.leader(), store.list([], 0)]);
  const before = await sessions();
  assert.equal(before.length, 1);
  await database.query('SELECT pg_terminate_backend($1)', [before[0]?.pid]);
  await eventually('it answers again', () => store.waits().catch(() => null));
  const after = await sessions();
  assert.equal(after.length, 1);
  assert.notEqual(after[0]?.pid, before[0]?.pid);
});

test('who leads', async () => {
  const store = open();
  await database.query(`UPDATE tidegate.scheduler SET epoch = 3, leader = 'a@b', since = '2026-01-01Z'`);
  assert.deepEqual(await store.leader(), {
    epoch: 3,
    name: 'a@b',
    since: Date.parse('2026-01-01T00:00:00Z'),
  });
});
