import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { Client } from 'pg';
import { addDemo } from '../../../src/commands/demo.ts';
import { addStatus } from '../../../src/commands/status.ts';
import { needsMosquitto, publish, startBroker } from '../../support/broker.ts';
import { createDatabase } from '../../support/database.ts';
import { type CommandRun, runCommand } from './command-run.ts';

interface Places {
  readonly broker: string;
  readonly database: string;
  readonly http: string;
}

async function placesOf(run: CommandRun): Promise<Places> {
  const [, broker = '', database = '', http = ''] = await run.printed(
    /broker {4}(\S+).*\n {2}database {2}(\S+)\n {2}HTTP {6}(\S+)\n[^]*Stop with Ctrl-C/,
  );
  return { broker, database, http };
}

async function count(url: string, device: string): Promise<number> {
  const client = new Client(url);
  client.on('error', () => undefined);
  await client.connect();
  try {
    const { rows } = await client.query<{ count: number }>(
      'SELECT count(*)::int FROM iot_data WHERE device_id LIKE $1',
      [device],
    );
    return rows[0]?.count ?? 0;
  } finally {
    await client.end();
  }
}

suite('tidegate demo', () => {
  let folder: string;
  const taken: Server[] = [];
  /** Ports that are taken, so that it has to look for others. */
  let ports: string[];

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tidegate-test-'));
    await chmod(folder, 0o711);
    for (let index = 0; index < 3; index++) taken.push(createServer().listen(0, '127.0.0.1'));
    await Promise.all(taken.map((server) => once(server, 'listening')));
    const [mqtt, database, http] = taken.map((server) => `${(server.address() as { port: number }).port}`);
    ports = ['--mqtt-port', mqtt ?? '', '--database-port', database ?? '', '--http-port', http ?? ''];
  });
  after(async () => {
    for (const server of taken) server.close();
    await rm(folder, { recursive: true, force: true });
  });

  test('stores what devices and users publish, answers queries, and goes on with its data', async () => {
    const data = ['--data', join(folder, 'data')];
    const first = runCommand(addDemo, ['demo', ...data, ...ports]);
    const { broker, http } = await placesOf(first);
    const status = runCommand(addStatus, ['status', '--url', http]);
    assert.equal(await status.ended, 0);
    const messages = Array.from({ length: 500 }, (_, index) => ({
      topic: 'devices/mine/number',
      payload: JSON.stringify({ value: index, timestamp: 1_769_860_800_000 + index }),
    }));
    await publish(broker, messages);
    // Stopped at once: what the broker took is stored all the same.
    first.stop();
    assert.equal(await first.ended, 0, first.stdout() + first.stderr());
    assert.match(first.stdout(), /\nmessages {2}([\d,]+) received = \1 settled\n/);
    assert.match(first.stdout(), /\nStopped: everything is written\.\n$/);
    assert.equal(first.stderr(), '');

    const second = runCommand(addDemo, ['demo', ...data, ...ports, '--rate', '0']);
    const { database } = await placesOf(second);
    assert.match(second.stdout(), /none simulated/);
    assert.equal(await count(database, 'mine'), 500);
    assert.ok((await count(database, 'sim-%')) > 0);
    const query = runCommand(addDemo, [
      'demo',
      'query',
      ...data,
      `SELECT max(value), 'x' AS y FROM iot_data WHERE device_id = 'mine'`,
    ]);
    assert.equal(await query.ended, 0);
    assert.equal(query.stdout(), 'max | y\n----+--\n499 | x\n(1 row)\n');
    const wrong = runCommand(addDemo, ['demo', 'query', ...data, 'SELECT nonsense']);
    assert.equal(await wrong.ended, 1);
    assert.match(wrong.stderr(), /^tidegate: query_failed: column "nonsense" does not exist\..*\n$/);
    second.stop();
    assert.equal(await second.ended, 0);
    assert.ok(!(await readdir(join(folder, 'data'))).includes('demo.json'));
    const late = runCommand(addDemo, ['demo', 'query', ...data, 'SELECT 1']);
    assert.equal(await late.ended, 1);
    assert.match(late.stderr(), /^tidegate: demo_not_running: /);
  });

  test('uses a broker and a database of the user, and stops by itself', needsMosquitto, async () => {
    await using broker = await startBroker();
    await using database = await createDatabase();
    const servers = ['--mqtt-url', broker.url, '--database-url', database.url];
    const env = { TIDEGATE_DATABASE_URL: 'postgres://127.0.0.1:1/', TIDEGATE_MQTT_URL: 'mqtt://127.0.0.1:1' };
    const args = ['demo', '--data', join(folder, 'notice'), ...ports, ...servers, '--duration', '1'];
    const run = runCommand(addDemo, args, { env });
    await placesOf(run);
    // Nothing is simulated on a broker of the user, unless it is asked for.
    assert.match(run.stdout(), /none simulated/);
    await publish(broker.url, [{ topic: 'devices/mine/number', payload: '1' }]);
    assert.equal(await run.ended, 0, run.stderr());
    assert.equal(await count(database.url, 'mine'), 1);
    assert.deepEqual(await readdir(join(folder, 'notice')), []);
  });

  test('ends with one clear line where a server of the user is not there', async () => {
    const args = ['demo', '--data', join(folder, 'none'), ...ports, '--rate', '0'];
    const wrong = ['--database-url', 'postgres://127.0.0.1:1/none', '--mqtt-url', 'mqtt://127.0.0.1:1'];
    const run = runCommand(addDemo, [...args, ...wrong]);
    run.stop();
    assert.equal(await run.ended, 0, 'stopped while starting');
    const invalid = runCommand(addDemo, [...args, '--database-url', 'mysql://127.0.0.1/']);
    assert.equal(await invalid.ended, 2);
    assert.match(invalid.stderr(), /config_invalid/);
  });
});
