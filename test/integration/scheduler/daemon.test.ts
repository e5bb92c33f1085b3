import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import type { JobsAnswer } from '../../../src/scheduler/answer.ts';
import { type Daemon, startDaemon } from '../../support/daemon.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import { tidegate } from '../../support/program.ts';

/** A leader that is gone is replaced within this (milliseconds). */
const TAKE_OVER = 10_000;

let database: TestDatabase;
before(async () => {
  database = await createDatabase({ template: true });
});
after(() => database.drop());

/** Without a broker: nothing that it does needs one. */
function start(clientId: string): Promise<Daemon> {
  return startDaemon({
    env: {
      TIDEGATE_DATABASE_URL: database.url,
      TIDEGATE_COMPONENTS: 'scheduler,api',
      TIDEGATE_MQTT_CLIENT_ID: clientId,
      TIDEGATE_HTTP_PORT: '0',
      TIDEGATE_LOG_FORMAT: 'json',
    },
  });
}

async function jobs(daemon: Daemon): Promise<JobsAnswer> {
  return (await (await fetch(`${daemon.url}/api/jobs`)).json()) as JobsAnswer;
}

async function checks(daemon: Daemon): Promise<unknown> {
  const { checks } = (await (await fetch(`${daemon.url}/readyz`)).json()) as { checks: unknown };
  return checks;
}

function checked(role: string): object {
  return { scheduler: { ok: true, detail: role }, database: { ok: true, detail: 'migrated' } };
}

test('the scheduler runs alone, and another process takes over within seconds of a SIGKILL', async () => {
  await using first = await start('first');
  await using second = await start('second');
  await eventually('the first leads', async () => isDeepStrictEqual(await checks(first), checked('leading')));
  assert.deepEqual(await checks(second), checked('following'));
  const { leader } = await jobs(second);
  assert.match(String(leader.name), /^first@/);
  const metrics = await (await fetch(`${second.url}/metrics`)).text();
  assert.match(metrics, /^tidegate_scheduler_leader 0$/m);

  const began = performance.now();
  await first.kill();
  const next = await eventually('the second leads', async () => {
    const { leader } = await jobs(second);
    return String(leader.name).startsWith('second@') && leader;
  });
  assert.ok(performance.now() - began < TAKE_OVER);
  assert.equal(next.epoch, leader.epoch + 1);
  assert.deepEqual(await checks(second), checked('leading'));

  assert.equal(await second.stop(), 0);
  const [row] = await database.query<{ leader: string | null }>('SELECT leader FROM tidegate.scheduler');
  assert.equal(row?.leader, null, 'who stops in good order gives the lead up');
});

test('a process without a scheduler answers too, and leads nothing', async () => {
  const env = {
    TIDEGATE_DATABASE_URL: database.url,
    TIDEGATE_COMPONENTS: 'api',
    TIDEGATE_HTTP_PORT: '0',
    TIDEGATE_LOG_FORMAT: 'json',
  };
  await using daemon = await startDaemon({ env });
  assert.equal((await jobs(daemon)).leader.name, null);
  const run = await fetch(`${daemon.url}/api/jobs/nothing/run`, { method: 'POST' });
  assert.equal(run.status, 404);
  assert.doesNotMatch(await (await fetch(`${daemon.url}/metrics`)).text(), /^tidegate_scheduler_leader /m);
  const { code, stdout, stderr } = await tidegate(['jobs', 'list'], env);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /\nno process leads\n$/);
  assert.equal(await daemon.stop(), 0);
});
