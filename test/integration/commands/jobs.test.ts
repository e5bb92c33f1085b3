import assert from 'node:assert/strict';
import { after, afterEach, before, suite, test } from 'node:test';
import { addJobs } from '../../../src/commands/jobs.ts';
import { PostgresJobStore } from '../../../src/postgres/job-store.ts';
import type { Job } from '../../../src/scheduler/types.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { type CommandRun, runCommand } from './command-run.ts';

suite('tidegate jobs', () => {
  let database: TestDatabase;
  before(async () => {
    database = await createDatabase({ template: true });
  });
  afterEach(async () => {
    await database.query(
      'TRUNCATE tidegate.job_runs; UPDATE tidegate.jobs SET next_run = DEFAULT, failures = 0',
    );
  });
  after(() => database.drop());

  const chunks: Job = {
    name: 'chunks',
    every: 60_000,
    run: async ({ epoch }) => ({ rows: 3, detail: `opened 3 chunks under ${epoch}` }),
  };
  const broken: Job = {
    name: 'compression',
    every: 3_600_000,
    run: () => Promise.reject(new Error('no space')),
  };
  const patient: Job = {
    name: 'retention',
    every: 3_600_000,
    run: ({ signal }) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(new Error('told to end')), { once: true });
      }),
  };

  function jobs(args: readonly string[], url = database.url): CommandRun {
    return runCommand(
      (program, terminal, exit) => addJobs(program, terminal, exit, () => [chunks, broken, patient]),
      ['jobs', ...args],
      { env: { TIDEGATE_DATABASE_URL: url } },
    );
  }

  test('run says what the job did, and list how it ran', async () => {
    await database.query(
      `UPDATE tidegate.scheduler SET epoch = 5, leader = 'tidegate@shed', since = '2026-01-31Z'`,
    );
    const run = jobs(['run', 'chunks']);
    assert.equal(await run.ended, 0, run.stderr());
    assert.match(run.stdout(), /^chunks: opened 3 chunks under 5 \(3 rows, \d+\.\d s\)\n$/);
    const list = jobs(['list']);
    assert.equal(await list.ended, 0, list.stderr());
    const time = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`;
    assert.match(
      list.stdout(),
      new RegExp(
        String.raw`^job +\| every +\| next run .*\n-.*\nchunks +\| 60 s +\| ${time} \| 0 +\| ${time} \| succeeded \| 3 +\| opened 3.*\n` +
          String.raw`compression \| .* at once .*\nretention .*\n\(3 rows\)\nled by tidegate@shed since 2026-01-31T00:00:00Z \(epoch 5\)\n$`,
      ),
    );
    const json = jobs(['list', '--json']);
    assert.equal(await json.ended, 0);
    const answer = JSON.parse(json.stdout()) as { jobs: { name: string; history: unknown[] }[] };
    assert.deepEqual(
      answer.jobs.map(({ name, history }) => [name, history.length]),
      [
        ['chunks', 1],
        ['compression', 0],
        ['retention', 0],
      ],
    );
  });

  test('a failed run is exit code 1 with the reason, and recorded', async () => {
    const run = jobs(['run', 'compression']);
    assert.equal(await run.ended, 1);
    assert.match(run.stderr(), /^tidegate: job_failed: compression: no space\. .*\n$/);
    const list = jobs(['list']);
    assert.equal(await list.ended, 0);
    assert.match(list.stdout(), /\ncompression \|.*\| 1 +\|.*\| failed +\|.*\| no space\n/);
  });

  test('SIGTERM ends a run', async () => {
    const run = jobs(['run', 'retention']);
    run.stop();
    assert.equal(await run.ended, 1);
    assert.match(run.stderr(), /^tidegate: job_failed: retention: interrupted: /);
  });

  test('a job that runs elsewhere is left to it', async () => {
    const store = new PostgresJobStore({ url: database.url, schema: 'public' });
    const held = await store.begin('chunks', null);
    assert.ok(held);
    const run = jobs(['run', 'chunks']);
    assert.equal(await run.ended, 1);
    assert.match(run.stderr(), /^tidegate: job_running: chunks runs already/);
    const list = jobs(['list']);
    assert.equal(await list.ended, 0);
    assert.match(list.stdout(), /\nchunks .*\| running/);
    await store.close();
  });

  test('an unknown name is a mistake that names the jobs', async () => {
    const run = jobs(['run', 'chnks']);
    assert.equal(await run.ended, 2);
    assert.match(
      run.stderr(),
      /^tidegate: usage: no job is named "chnks"; there are: chunks, compression, retention\. /,
    );
  });

  test('a database that is not migrated is one clear line', async () => {
    await using empty = await createDatabase();
    const list = jobs(['list'], empty.url);
    assert.equal(await list.ended, 1);
    assert.match(list.stderr(), /^tidegate: schema_missing: .*tidegate\.jobs.*\n$/);
  });
});
