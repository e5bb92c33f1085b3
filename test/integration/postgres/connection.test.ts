import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { after, before, test } from 'node:test';
import { TLSSocket } from 'node:tls';
import { TidegateError } from '../../../src/errors.ts';
import { addressOf, connect } from '../../../src/postgres/connection.ts';
import { makeCertificates, needsOpenssl } from '../../support/certificates.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { login, roleName, type TestRole } from './roles.ts';

let database: TestDatabase;
let role: TestRole;
before(async () => {
  database = await createDatabase();
  role = await login(database, roleName('login'));
});
after(async () => {
  await database.query(`DROP ROLE ${role.name}`);
  await database.drop();
});

const PASSWORD = 'p%40ss-w0rd';

/** The error of a connection that must fail: one line, with the address, without the password. */
async function failure(url: string): Promise<TidegateError> {
  try {
    const client = await connect({ url, statementTimeout: 0, applicationName: 'test' });
    await client.end();
  } catch (error) {
    assert.ok(error instanceof TidegateError);
    assert.ok(!error.message.includes('\n'), error.message);
    assert.ok(error.message.startsWith(addressOf(url)), error.message);
    for (const secret of [PASSWORD, decodeURIComponent(PASSWORD)]) assert.ok(!error.message.includes(secret));
    return error;
  }
  throw new Error('was expected to fail');
}

function urlWith(change: (url: URL) => void): string {
  const url = new URL(role.url);
  change(url);
  return url.href;
}

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

test('connects with the settings that guarantees rest on', async () => {
  const client = await connect({ url: role.url, statementTimeout: 12_345, applicationName: 'tidegate test' });
  const { rows } = await client.query(
    `SELECT current_setting('synchronous_commit') AS commit, current_setting('TimeZone') AS zone,
       current_setting('statement_timeout') AS timeout, current_setting('application_name') AS name`,
  );
  assert.deepEqual(rows, [{ commit: 'on', zone: 'UTC', timeout: '12345ms', name: 'tidegate test' }]);
  await client.end();
});

test('a wrong password', async () => {
  const error = await failure(
    urlWith((url) => {
      url.password = PASSWORD;
    }),
  );
  assert.equal(error.code, 'database_refused');
  assert.match(error.message, /password authentication failed/);
});

test('no password where one is asked for', async () => {
  const error = await failure(
    urlWith((url) => {
      url.password = '';
    }),
  );
  assert.equal(error.code, 'database_refused');
});

test('an unknown role, and an unknown database', async () => {
  const unknown = urlWith((url) => {
    url.username = 'nobody';
  });
  assert.equal((await failure(unknown)).code, 'database_refused');
  const nowhere = urlWith((url) => {
    url.pathname = '/nowhere';
  });
  const error = await failure(nowhere);
  assert.equal(error.code, 'database_refused');
  assert.match(error.message, /nowhere/);
});

test('nobody listens', async () => {
  const server = createServer();
  const port = await listening(server);
  server.close();
  await once(server, 'close');
  const error = await failure(`postgres://user:${PASSWORD}@127.0.0.1:${port}/db`);
  assert.equal(error.code, 'database_unreachable');
  const local = await failure(`postgres://user:${PASSWORD}@localhost:${port}/db`);
  assert.equal(local.code, 'database_unreachable');
  assert.match(local.message, /ECONNREFUSED/);
});

test('a host that does not exist, whatever it is called', async () => {
  for (const host of ['nowhere.invalid', 'ssl-password.invalid']) {
    const error = await failure(`postgres://user:${PASSWORD}@${host}/db`);
    assert.equal(error.code, 'database_unreachable', host);
  }
});

test('somebody listens who is no PostgreSQL and hangs up', async () => {
  const server = createServer((socket) => socket.end());
  const port = await listening(server);
  const error = await failure(`postgres://user:${PASSWORD}@127.0.0.1:${port}/db`);
  assert.equal(error.code, 'database_unreachable');
  server.close();
});

for (const mode of ['require', 'verify-full']) {
  test(`TLS where the server has none, sslmode=${mode}: said once, by us`, async (t) => {
    const warn = t.mock.method(process, 'emitWarning', () => {});
    const error = await failure(
      urlWith((url) => {
        url.searchParams.set('sslmode', mode);
      }),
    );
    assert.equal(error.code, 'database_tls');
    assert.equal(warn.mock.callCount(), 0);
  });
}

test('a certificate that nobody knows', needsOpenssl, async () => {
  await using certificates = await makeCertificates();
  const { cert, key } = certificates.server;
  // Answers the request for TLS and shakes hands, no further.
  const server = createServer((socket) => {
    socket.once('data', () => {
      socket.write('S');
      new TLSSocket(socket, { isServer: true, cert, key }).on('error', () => {});
    });
    socket.on('error', () => {});
  });
  const port = await listening(server);
  const error = await failure(`postgres://user:${PASSWORD}@localhost:${port}/db?sslmode=verify-full`);
  assert.equal(error.code, 'database_tls');
  server.close();
});

test('a URL that is none', async () => {
  for (const url of [`postgres://user:${PASSWORD}@host:port/db`, `postgres://user:${PASSWORD}@:1:2/db`]) {
    const error = await failure(url);
    assert.ok(['database_unreachable', 'database_refused'].includes(error.code), error.code);
  }
});

test('the address of a URL has no password, wherever the host stands', () => {
  assert.equal(addressOf('postgres://user:secret@db.example:6543/plant'), 'db.example:6543/plant');
  assert.equal(addressOf('postgres://user:secret@db.example/plant'), 'db.example:5432/plant');
  assert.equal(addressOf('postgres:///plant?host=/run/postgresql&port=5433'), '/run/postgresql:5433/plant');
  assert.equal(addressOf('no url: secret'), 'database.url');
});
