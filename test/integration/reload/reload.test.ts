import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { needsMosquitto, publish, startBroker } from '../../support/broker.ts';
import { settled, startDaemon } from '../../support/daemon.ts';
import { createDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import { createFolder } from '../../support/folder.ts';
import { needsNotify, openEar } from '../../support/notices.ts';
import { addresses } from '../../support/program.ts';

const sha256 = (token: string): string => createHash('sha256').update(token).digest('hex');
const withToken = (token: string): string =>
  `{tokens: [{name: ${token}, sha256: ${sha256(token)}, scope: operator}]}`;

test('tokens, policies, the level of the log and routes of HTTP follow a reload; the rest is named', async () => {
  await using broker = await startBroker();
  await using database = await createDatabase({ template: true });
  await using folder = await createFolder();
  const file = join(folder.path, 'tidegate.yaml');
  await writeFile(file, `http: ${withToken('first')}\nlog: {level: info}\n`);
  await using daemon = await startDaemon({ env: addresses(broker, database.url), file });
  const asked = async (token: string, path: string, init: RequestInit = {}): Promise<Response> =>
    await fetch(`${daemon.url}${path}`, {
      ...init,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    });
  assert.equal((await asked('first', '/api/jobs')).status, 200);
  assert.equal((await asked('second', '/api/jobs')).status, 401);

  await writeFile(
    file,
    `
http: ${withToken('second')}
log: {level: debug}
policies: {compression: {schedule_interval: 17min}}
routes: [{topic: "plant/{device_id}", metric_name: level}]
ingest: {batch: {max_points: 17}}
`,
  );
  await daemon.reload();
  await daemon.logged(/Tidegate must be started anew for ingest\.batch\.max_points: until then/);
  assert.equal((await asked('first', '/api/jobs')).status, 401);
  const explained = await asked('second', '/api/explain', {
    method: 'POST',
    body: JSON.stringify({ topic: 'plant/a', payload: '1' }),
  });
  assert.match(await explained.text(), /"metric_name":"level"/);
  await eventually('the schedule is known', async () => {
    const rows = await database.query<{ minutes: number }>(
      `SELECT (extract(epoch FROM schedule_interval) / 60)::float8 AS minutes FROM tidegate.jobs WHERE name = 'compression'`,
    );
    return rows[0]?.minutes === 17;
  });
  await daemon.logged(/"level":"debug"/);
  await publish(broker.url, [{ topic: 'plant/a', payload: '17' }]);
  await eventually('what the new route takes', async () => {
    const rows = await database.query(`SELECT FROM iot_data WHERE device_id = 'a' AND metric_name = 'level'`);
    return rows.length === 1;
  });
});

test(
  'a file with mistakes changes nothing, and says what is wrong, to systemd too',
  needsNotify,
  async () => {
    await using ear = await openEar();
    await using broker = await startBroker();
    await using database = await createDatabase({ template: true });
    await using folder = await createFolder();
    const file = join(folder.path, 'tidegate.yaml');
    await writeFile(file, 'routes: [{topic: "plant/{device_id}", metric_name: level}]\n');
    const env = { ...addresses(broker, database.url), NOTIFY_SOCKET: ear.socket };
    await using daemon = await startDaemon({ env, file });
    await writeFile(file, 'routes: [{topic: "other/{device_id}", metric_name: level, qos: 7}]\n');
    await daemon.reload();
    assert.match(daemon.output(), /The configuration stays as it was: config_invalid: .*qos/);
    await publish(broker.url, [{ topic: 'plant/a', payload: '17' }]);
    await eventually(
      'the old route takes it',
      async () => (await database.query('SELECT FROM iot_data')).length === 1,
    );
    const last = () => ear.notices.findLast(({ STATUS }) => STATUS !== undefined);
    await eventually('systemd is told', () =>
      /not reloaded: config_invalid: .*qos/.test(last()?.['STATUS'] ?? ''),
    );
    await writeFile(file, 'routes: [{topic: "other/{device_id}", metric_name: level}]\n');
    await daemon.reload();
    await eventually('systemd is told', () => /^Ready;(?!.*not reloaded)/.test(last()?.['STATUS'] ?? ''));
    const order = ear.notices.flatMap((notice) =>
      Object.keys(notice).filter((name) => /^(READY|RELOADING)$/.test(name)),
    );
    assert.deepEqual(order, ['READY', 'RELOADING', 'READY', 'RELOADING', 'READY']);
    assert.ok(
      ear.notices.every(
        ({ RELOADING, MONOTONIC_USEC }) => (RELOADING === '1') === /^\d+$/.test(MONOTONIC_USEC ?? ''),
      ),
    );
    assert.equal(await daemon.stop(), 0);
  },
);

test(
  'routes that change while the broker is away are subscribed when it is back, and the old ones are not',
  needsMosquitto,
  async () => {
    await using broker = await startBroker({ persistence: true });
    await using database = await createDatabase({ template: true });
    await using folder = await createFolder();
    const file = join(folder.path, 'tidegate.yaml');
    await writeFile(file, 'routes: [{topic: "plant/{device_id}", metric_name: level}]\n');
    await using daemon = await startDaemon({ env: addresses(broker, database.url), file });
    await broker.stop();
    await eventually('not ready', async () => !(await daemon.ready()));
    await writeFile(file, 'routes: [{topic: "site/{device_id}", metric_name: level}]\n');
    await daemon.reload();
    await broker.restart();
    await daemon.logged(/unsubscribed what no route wants any more/);
    await publish(broker.url, [
      { topic: 'plant/a', payload: '17' },
      { topic: 'site/b', payload: '18' },
    ]);
    await eventually(
      'the new route takes it',
      async () => (await database.query('SELECT FROM iot_data')).length === 1,
    );
    const { messages } = await settled(daemon);
    assert.deepEqual([messages.received, messages.dead_lettered], [1, 0]);
  },
);
