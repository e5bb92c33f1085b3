import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadConfig } from '../../src/config/load.ts';
import { Team } from '../../src/workers/team.ts';
import { needsMosquitto, publish, startBroker, type TestBroker } from '../support/broker.ts';
import { assertBalanced, type Daemon, metric, settled, startDaemon } from '../support/daemon.ts';
import { createDatabase, startTestPostgres, type TestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { createFolder } from '../support/folder.ts';
import { addresses, programFile } from '../support/program.ts';
import { ALL_KINDS, startTraffic } from '../support/traffic.ts';
import { silent } from '../unit/pipeline/ports.ts';

const ROUTE = '{topic: "devices/{device_id}/{metric_name}"}';
/** Slow: all of it is to be stored while other tests run beside. */
const FLOW = { kinds: ALL_KINDS, pauseMs: 300 };

function settings(broker: TestBroker, database: TestDatabase, workers: number): Record<string, string> {
  return {
    ...addresses(broker, database.url),
    TIDEGATE_MQTT_CLIENT_ID: 'gate',
    TIDEGATE_MQTT_SHARE_GROUP: 'group',
    TIDEGATE_INGEST_WORKERS: String(workers),
  };
}

async function messagesOf(database: TestDatabase): Promise<Record<string, number>> {
  const rows = await database.query<{ client_id: string; messages: number }>(
    `SELECT client_id, (t.messages_settled + t.messages_dead_lettered + coalesce(sum(b.messages_settled
       + b.messages_dead_lettered), 0))::int AS messages
     FROM tidegate.ingest_totals t LEFT JOIN tidegate.batches b USING (client_id) GROUP BY client_id`,
  );
  return Object.fromEntries(rows.map(({ client_id: id, messages }) => [id, messages]));
}

function workerOf(daemon: Daemon): number {
  const [, pid] = /"pids":\[(\d+)\]/.exec(daemon.output()) ?? [];
  return Number(pid);
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test('two workers divide the messages, and are one daemon to all who ask', needsMosquitto, async () => {
  await using broker = await startBroker();
  await using database = await createDatabase({ template: true });
  // The session of a daemon that was alone goes on, and is one of a group from now on; then of another one.
  for (const group of ['', 'former']) {
    const env = { ...settings(broker, database, 1), TIDEGATE_MQTT_SHARE_GROUP: group };
    assert.equal(await (await startDaemon({ env })).stop(), 0);
  }
  await using folder = await createFolder();
  const file = join(folder.path, 'tidegate.yaml');
  await writeFile(file, `routes: [${ROUTE}]`);
  await using daemon = await startDaemon({ env: settings(broker, database, 2), file });
  await using traffic = startTraffic(broker.url, FLOW);
  await traffic.more(300);
  await traffic.assertStored(database, daemon);
  const stats = await daemon.stats();
  assertBalanced(stats);
  assert.equal(stats.messages.received, traffic.count);
  const by = await messagesOf(database);
  assert.deepEqual(Object.keys(by).sort(), ['gate', 'gate-worker-2']);
  for (const [id, messages] of Object.entries(by)) assert.ok(messages > 50, `${id} ${messages}`);

  assert.equal(await metric(daemon, { name: 'messages_received_total' }), traffic.count);
  assert.equal(await metric(daemon, { name: 'balanced' }), 1);
  assert.equal(await metric(daemon, { name: 'ready', labels: { check: 'broker' } }), 1);
  const { checks } = (await (await fetch(`${daemon.url}/readyz`)).json()) as { checks: object };
  assert.deepEqual(Object.entries(checks).find(([name]) => name === 'worker_2')?.[1], {
    ok: true,
    detail: 'ready',
  });
  const detailed = await fetch(`${daemon.url}/api/stats/ingest?minutes=60`);
  const { minutes } = (await detailed.json()) as { minutes: { messages: { settled: number } }[] };
  const told = minutes.reduce((total, { messages }) => total + messages.settled, 0);
  assert.equal(told, stats.messages.settled);
  // Each device is heard by both, and is one all the same.
  const devices = await database.query<{ devices: number; rows: number }>(
    'SELECT count(DISTINCT device_id)::int AS devices, count(*)::int AS rows FROM iot_devices',
  );
  assert.equal(devices[0]?.devices, devices[0]?.rows);

  await writeFile(file, `routes: [${ROUTE}, {topic: "other/{device_id}", metric_name: other}]`);
  await daemon.reload();
  await eventually('both go by the new routes', () => {
    return daemon.output().match(/The configuration was read again; new are routes/g)?.length === 2;
  });
  const others = Array.from({ length: 60 }, (_, index) => ({ topic: 'other/one', payload: `${index}` }));
  await publish(broker.url, others);
  await eventually('the others are stored', async () => {
    const { messages } = await daemon.stats();
    return messages.settled === stats.messages.settled + others.length;
  });
  for (const [id, messages] of Object.entries(await messagesOf(database)))
    assert.ok(messages > (by[id] ?? 0), `${id} has none of the others`);

  const worker = workerOf(daemon);
  assert.equal(await daemon.stop(), 0, daemon.output());
  assert.equal(lives(worker), false);
});

test(
  'SIGKILL of a worker, then of the daemon itself: nothing lost, nothing twice',
  needsMosquitto,
  async () => {
    await using broker = await startBroker();
    await using database = await createDatabase({ template: true });
    const env = settings(broker, database, 2);
    let daemon = await startDaemon({ env });
    try {
      await using traffic = startTraffic(broker.url, FLOW);
      await traffic.more(100);
      process.kill(workerOf(daemon), 'SIGKILL');
      assert.equal(await daemon.exited(), 1, 'without one of its workers a daemon ends');
      assert.match(daemon.output(), /worker_failed: worker 2 ended: SIGKILL/);

      await traffic.more(100);
      daemon = await startDaemon({ env });
      await traffic.more(100);
      const worker = workerOf(daemon);
      await daemon.kill();
      await eventually('the worker sees that its daemon is gone', () => !lives(worker));

      await traffic.more(100);
      daemon = await startDaemon({ env });
      await traffic.assertStored(database, daemon);
      assert.equal(await daemon.stop(), 0, daemon.output());
    } finally {
      await daemon.kill();
    }
  },
);

test('a worker that hangs at a reload is seen, and follows once it goes on', needsMosquitto, async () => {
  await using broker = await startBroker();
  await using database = await createDatabase({ template: true });
  const env = settings(broker, database, 2);
  const children: ChildProcess[] = [];
  let skew = 0;
  const fatal: string[] = [];
  const team = new Team({
    config: loadConfig({ file: undefined, env }),
    spawn: () => {
      const stdio = ['ignore', 'ignore', 'inherit', 'ipc'] as const;
      const child = spawn(process.execPath, [programFile('main'), 'worker'], {
        env: { PATH: process.env['PATH'], ...env },
        stdio: [...stdio],
        serialization: 'advanced',
      });
      children.push(child);
      return child;
    },
    logger: silent,
    onHeard: () => {},
    onFatal: ({ message }) => fatal.push(message),
    now: () => performance.now() + skew,
  });
  try {
    await team.start();
    const hung = () => team.hung;
    await eventually('it has told how it does', () => team.checks['worker_2']?.ok === true);
    const [child] = children;
    child?.kill('SIGSTOP');
    let followed = false;
    const reload = team.reload().then(() => (followed = true));
    assert.equal(hung(), null, 'it may be slow');
    skew = 31_000;
    assert.equal(hung()?.what, 'a worker');
    assert.match(team.checks['worker_2']?.detail ?? '', /^was not heard of for 3\d s$/);
    assert.equal(followed, false);
    child?.kill('SIGCONT');
    await reload;
    await eventually('it is heard of again', () => hung() === null);

    child?.kill('SIGSTOP');
    const again = assert.rejects(team.reload(), /worker_failed|worker 2: it is gone/);
    child?.kill('SIGKILL');
    await again;
    assert.deepEqual(fatal, ['worker 2 ended: SIGKILL']);
  } finally {
    for (const child of children) child.kill('SIGKILL');
  }
});

test(
  'fewer workers: what the former one left in its session and its spool is stored',
  needsMosquitto,
  async () => {
    await using folder = await createFolder();
    const { path } = folder;
    await using postgres = await startTestPostgres();
    const types = ['error', 'warning', 'notice', 'information', 'unsubscribe'];
    await using broker = await startBroker({ config: types.map((type) => `log_type ${type}`) });
    await using database = await createDatabase({ server: postgres.url, template: true });
    const spool = { TIDEGATE_SPOOL_PATH: path, TIDEGATE_SPOOL_AFTER: '200ms' };
    const env = (workers: number) => ({ ...settings(broker, database, workers), ...spool });
    let daemon = await startDaemon({ env: env(2) });
    try {
      await using traffic = startTraffic(broker.url, FLOW);
      await traffic.more(100);
      await postgres.stop('fast');
      await traffic.more(100);
      await eventually('both spool', async () => {
        const spooled = daemon.output().match(/they go to the spool/g)?.length ?? 0;
        return spooled >= 2;
      });
      const worker = workerOf(daemon);
      assert.equal(await daemon.stop(), 0, 'what lies in the spool is as good as written');
      assert.equal(lives(worker), false);
      assert.ok(existsSync(join(path, 'worker-2')));
      // Half of it is dealt to a session that nobody serves.
      await traffic.more(100);
      await postgres.start();

      await assert.rejects(
        startDaemon({ env: { ...env(1), TIDEGATE_MQTT_SHARE_GROUP: '' } }),
        /worker_left.*worker 2.*mqtt\.share_group/s,
      );
      daemon = await startDaemon({ env: env(1) });
      await daemon.logged(/Nothing is left of a worker of before/);
      await traffic.more(100);
      await traffic.assertStored(database, daemon);
      assert.equal(existsSync(join(path, 'worker-2')), false);
      // Else the broker would deal messages to it to the end, and those of its last moment would go with its session.
      assert.match(broker.log(), /gate-worker-2 \$share\/group\/devices/);
      const { messages } = await settled(daemon);
      assert.equal(messages.settled + messages.dead_lettered, traffic.count, 'the account goes on');
      const before = await messagesOf(database);
      assert.equal(await daemon.stop(), 0, daemon.output());
      daemon = await startDaemon({ env: env(1) });
      assert.deepEqual(await messagesOf(database), before);
      assert.equal((await settled(daemon)).messages.settled, messages.settled);
      assert.doesNotMatch(daemon.output(), /worker of before/);
    } finally {
      await daemon.kill();
    }
  },
);
