import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { WatchedConnection } from '../../../src/postgres/watched-connection.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { startProxy } from '../../support/proxy.ts';

let database: TestDatabase;
before(async () => {
  database = await createDatabase();
});
after(() => database.drop());

function open(url = database.url): Promise<WatchedConnection> {
  return WatchedConnection.open({ url, applicationName: 'tidegate test' });
}

test('the server is told to notice within seconds that a host vanished', async () => {
  const connection = await open();
  const rows = await connection.query<{ name: string; setting: string }>(
    `SELECT name, setting FROM pg_settings WHERE name LIKE 'tcp_%' OR name = 'idle_session_timeout'`,
  );
  const settings = new Map(rows.map(({ name, setting }) => [name, Number(setting)]));
  const silence =
    Number(settings.get('tcp_keepalives_idle')) +
    Number(settings.get('tcp_keepalives_interval')) * Number(settings.get('tcp_keepalives_count'));
  assert.ok(silence > 0 && silence <= 6, `${silence} s`);
  assert.equal(settings.get('tcp_user_timeout'), 6_000);
  assert.equal(settings.get('idle_session_timeout'), 0);
  await connection.close();
});

test('a session that the server ends is lost', async () => {
  const connection = await open();
  const [row] = await connection.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  const lost = once(connection.lost, 'abort');
  await database.query('SELECT pg_terminate_backend($1)', [row?.pid]);
  await lost;
  await assert.rejects(connection.query('SELECT 1'));
  await connection.close();
});

test('a line that goes dead is cut in seconds', async () => {
  const target = new URL(database.url);
  await using proxy = await startProxy(Number(target.port));
  target.hostname = '127.0.0.1';
  target.port = `${proxy.port}`;
  const connection = await open(target.href);
  proxy.blackHole();
  const began = performance.now();
  await assert.rejects(connection.query('SELECT 1'));
  assert.ok(performance.now() - began < 8_000);
  assert.ok(connection.lost.aborted);
});

test('an answer that came while this process was busy is no silence', async () => {
  const connection = await open();
  const asked = connection.query<{ one: number }>('SELECT 1 AS one');
  await new Promise<void>((resolve) => setImmediate(resolve));
  const until = performance.now() + 5_500;
  while (performance.now() < until);
  assert.deepEqual(await asked, [{ one: 1 }]);
  await connection.close();
});
