import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import readline from 'node:readline';
import { after, before, suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { startPostgres } from '../../../src/demo/embedded-postgres.ts';
import { TidegateError } from '../../../src/errors.ts';
import { startTestPostgres, type TestPostgres } from '../../support/postgres.ts';

async function answer(url: string, sql: string): Promise<unknown> {
  const client = new Client(url);
  client.on('error', () => undefined);
  try {
    await client.connect();
    return Object.values((await client.query(sql)).rows[0] ?? {})[0];
  } finally {
    await client.end();
  }
}

suite('embedded PostgreSQL', () => {
  let server: TestPostgres;
  before(async () => {
    server = await startTestPostgres();
  });
  after(() => server[Symbol.asyncDispose]());

  test('is a PostgreSQL 18 in UTF-8 and UTC', async () => {
    assert.match(String(await answer(server.url, 'SELECT version()')), /^PostgreSQL 18\./);
    assert.equal(await answer(server.url, 'SHOW server_encoding'), 'UTF8');
    assert.equal(await answer(server.url, 'SHOW TimeZone'), 'UTC');
  });

  test('takes nobody without the password, and listens on loopback only', async () => {
    const guess = new URL(server.url);
    guess.password = 'guess';
    await assert.rejects(answer(guess.href, 'SELECT 1'), /password authentication failed/);
    assert.equal(await answer(server.url, 'SHOW listen_addresses'), '127.0.0.1');
    assert.equal(await answer(server.url, 'SHOW unix_socket_directories'), '');
  });

  test('keeps its password and data from other accounts', async () => {
    for (const name of ['password', 'postgres.log', 'postgres']) {
      assert.equal((await stat(join(server.dataFolder, name))).mode & 0o077, 0, name);
    }
  });

  test('keeps data, address and password when it is stopped and started', async () => {
    await answer(server.url, 'CREATE TABLE kept AS SELECT 42 AS value');
    const { url } = server;
    await server.stop('fast');
    assert.equal(server.pid, null);
    await assert.rejects(answer(url, 'SELECT 1'), /ECONNREFUSED/);
    await server.start();
    assert.equal(server.url, url);
    assert.equal(await answer(url, 'SELECT value FROM kept'), 42);
  });

  test('starts again after SIGKILL left its lock file behind', async () => {
    await answer(server.url, 'CREATE TABLE survived AS SELECT 43 AS value');
    process.kill(server.pid ?? Number.NaN, 'SIGKILL');
    await server.stop();
    assert.ok(existsSync(join(server.dataFolder, 'postgres', 'postmaster.pid')));
    await server.start();
    assert.equal(await answer(server.url, 'SELECT value FROM survived'), 43);
  });

  test('a port in use is refused with what the server says', async () => {
    const occupant = createServer().listen(0, '127.0.0.1');
    await once(occupant, 'listening');
    const { port } = occupant.address() as { port: number };
    await server.stop();
    await assert.rejects(startPostgres({ dataFolder: server.dataFolder, port }), (error) => {
      assert.ok(error instanceof TidegateError);
      assert.equal(error.code, 'demo_unavailable');
      assert.match(error.message, /could not bind .* Address already in use/);
      return true;
    });
    occupant.close();
    await server.start();
  });

  test('a setting that PostgreSQL does not know is refused', async () => {
    await server.stop();
    await assert.rejects(
      startPostgres({ dataFolder: server.dataFolder, settings: { no_such_setting: 'on' } }),
      /unrecognized configuration parameter "no_such_setting"/,
    );
    await server.start();
  });

  test('ends with the process that started it, even by SIGKILL', async () => {
    await server.stop();
    const module = fileURLToPath(new URL('../../../src/demo/embedded-postgres.ts', import.meta.url));
    const owner = spawn(process.execPath, [
      '--input-type=module',
      '--eval',
      `const { startPostgres } = await import(${JSON.stringify(module)});
       const server = await startPostgres({ dataFolder: ${JSON.stringify(server.dataFolder)} });
       console.log(server.pid);
       setInterval(() => {}, 1000);`,
    ]);
    const { value } = await readline.createInterface(owner.stdout)[Symbol.asyncIterator]().next();
    owner.kill('SIGKILL');
    // Waits for as long as the other one still holds the data.
    await server.start();
    assert.throws(() => process.kill(Number(value), 0), { code: 'ESRCH' });
  });
});

test('as root, a folder that other accounts cannot reach is replaced by one that they can', async (t) => {
  if (userInfo().uid !== 0) return t.skip('not root');
  await using outer = await startTestPostgres();
  const hidden = join(outer.dataFolder, 'hidden');
  await mkdir(hidden, { mode: 0o700 });
  const warnings: object[] = [];
  const quiet = () => undefined;
  const logger = {
    debug: quiet,
    info: quiet,
    error: quiet,
    warn: (fields: object) => void warnings.push(fields),
  };
  const server = await startPostgres({ dataFolder: join(hidden, 'data'), sync: false, logger });
  t.after(async () => {
    await server.stop();
    await rm(server.dataFolder, { recursive: true });
  });
  assert.match(server.dataFolder, /^\/var\/tmp\/tidegate-/);
  assert.deepEqual(warnings, [{ wanted: join(hidden, 'data'), dataFolder: server.dataFolder }]);
  assert.equal(await answer(server.url, 'SELECT 1'), 1);
});
