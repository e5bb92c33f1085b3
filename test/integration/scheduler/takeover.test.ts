import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { fenced } from '../../../src/postgres/fence.ts';
import { PostgresJobStore } from '../../../src/postgres/job-store.ts';
import { PostgresLeadership } from '../../../src/postgres/leader.ts';
import { schemaNames } from '../../../src/postgres/names.ts';
import { SYSTEM_CLOCK } from '../../../src/scheduler/clock.ts';
import { JobRunner } from '../../../src/scheduler/runner.ts';
import { Scheduler } from '../../../src/scheduler/scheduler.ts';
import type { Job, JobRun } from '../../../src/scheduler/types.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import { startProxy } from '../../support/proxy.ts';

/** A leader that is gone is replaced within this (milliseconds). */
const TAKE_OVER = 10_000;

let database: TestDatabase;
const running: { readonly scheduler: Scheduler; readonly store: PostgresJobStore }[] = [];
before(async () => {
  database = await createDatabase({ template: true });
  await database.query('CREATE TABLE work (epoch bigint, by text, at timestamptz DEFAULT clock_timestamp())');
});
afterEach(async () => {
  for (const { scheduler, store } of running.splice(0)) {
    await scheduler.stop();
    await store.close();
  }
});
after(() => database.drop());

function start(clientId: string, job: Job, url = database.url) {
  const ran: JobRun[] = [];
  const quiet = () => {};
  const observer = { led: quiet, followed: quiet, troubled: quiet, ran: (run: JobRun) => ran.push(run) };
  const store = new PostgresJobStore({ url, schema: 'public' });
  const leadership = new PostgresLeadership({ url, schema: 'public', clientId });
  const clock = SYSTEM_CLOCK;
  const runner = new JobRunner({ store, clock, observer, timeout: 60_000 });
  const scheduler = new Scheduler({ jobs: [job], leadership, store, runner, clock, observer });
  running.push({ scheduler, store });
  scheduler.start();
  return { scheduler, store, ran };
}

/** Writes a row a run, in a transaction that compares the leader's number. */
function writer(by: string): Job {
  return {
    name: 'chunks',
    every: 100,
    run: async ({ epoch }) => {
      const client = await database.connect();
      try {
        await fenced(client, schemaNames('public'), 'chunks', epoch, () =>
          client.query('INSERT INTO work (epoch, by) VALUES ($1, $2)', [epoch, by]),
        );
      } finally {
        await client.end();
      }
      return { rows: 1, detail: 'wrote' };
    },
  };
}

test('one of two runs the job; the other does within seconds once the first is cut off', async () => {
  const url = new URL(database.url);
  const proxy = await startProxy(Number(url.port));
  url.hostname = '127.0.0.1';
  url.port = `${proxy.port}`;
  const first = start('first', writer('first'), url.href);
  await eventually('the first leads', () => first.ran.length > 2);
  const second = start('second', writer('second'));
  await eventually('the second waits', () => second.scheduler.role === 'following');
  const { epoch } = await first.store.leader();
  const began = performance.now();
  await proxy[Symbol.asyncDispose]();
  await eventually('the second leads', () => second.ran.length > 0);
  assert.ok(performance.now() - began < TAKE_OVER);
  await eventually('the first knows', () => first.scheduler.role === 'disconnected');
  const rows = await database.query<{ by: string; epoch: string }>('SELECT by, epoch FROM work ORDER BY at');
  const turn = rows.findIndex(({ by }) => by === 'second');
  assert.ok(turn > 0);
  assert.ok(rows.slice(turn).every(({ by }) => by === 'second'));
  assert.ok(Number(rows[turn]?.epoch) > epoch);
});

test('a transaction of a leader that was replaced is refused', async () => {
  const client = await database.connect();
  const { epoch } = await start('only', writer('only')).store.leader();
  await database.query('UPDATE tidegate.scheduler SET epoch = epoch + 1');
  const late = fenced(client, schemaNames('public'), 'chunks', epoch, () => {
    throw new Error('must not be reached');
  });
  await assert.rejects(late, { name: 'LeaderReplaced' });
});
