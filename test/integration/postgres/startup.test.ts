import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { after, before, test } from 'node:test';
import { TidegateError } from '../../../src/errors.ts';
import { migrate } from '../../../src/postgres/migrate.ts';
import { type DatabaseOptions, prepareDatabase } from '../../../src/postgres/startup.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { SECOND } from '../../unit/pipeline/messages.ts';
import { silent } from '../../unit/pipeline/ports.ts';
import { type CommitProxy, startCommitProxy } from './commit-proxy.ts';
import { login, roleName, type TestRole } from './roles.ts';
import { count, fate, never, openSink, series } from './sinks.ts';

const roles: TestRole[] = [];
let database: TestDatabase;
before(async () => {
  database = await createDatabase();
  for (const what of ['owner', 'writer', 'reader', 'nobody'])
    roles.push(await login(database, roleName(what)));
});
after(async () => {
  for (const { name } of roles) await database.query(`DROP ROLE ${name}`);
  await database.drop();
});

function roleOf(index: number, where: TestDatabase): TestRole {
  const role = roles[index] as TestRole;
  const url = new URL(role.url);
  url.pathname = `/${where.name}`;
  return { ...role, url: url.href };
}
const [OWNER, WRITER, READER, NOBODY] = [0, 1, 2, 3] as const;

function options(url: string, more: Partial<DatabaseOptions> = {}): DatabaseOptions {
  return { url, migrateUrl: null, schema: 'public', readerRole: null, engine: 'auto', ...more };
}

async function prepare(wanted: DatabaseOptions): Promise<void> {
  await prepareDatabase(wanted, 1, never(), silent);
}

async function failure(work: Promise<unknown>): Promise<TidegateError> {
  try {
    await work;
  } catch (error) {
    assert.ok(error instanceof TidegateError, String(error));
    assert.ok(!error.message.includes('\n'), error.message);
    return error;
  }
  throw new Error('was expected to fail');
}

test('migrates what is pending and finds all privileges; again, there is nothing to do', async () => {
  await using own = await createDatabase();
  await prepare(options(own.url));
  await prepare(options(own.url, { engine: 'postgres' }));
  await using sink = openSink(own);
  assert.deepEqual(fate(await sink.put(series('a', Date.now() * 1000, 3))), [3, 0, 0]);
});

test('one role migrates, another writes, a third reads: each as far as it must', async () => {
  await using own = await createDatabase();
  const [owner, writer, reader] = [roleOf(OWNER, own), roleOf(WRITER, own), roleOf(READER, own)];
  await own.query(`GRANT CREATE ON DATABASE ${own.name} TO ${owner.name}`);
  await own.query(`GRANT CREATE ON SCHEMA public TO ${owner.name}`);
  await prepare(options(writer.url, { migrateUrl: owner.url, readerRole: reader.name }));
  await using sink = openSink(writer);
  const now = Math.floor(Date.now() / 1000) * SECOND;
  const old = now - 4_000 * 86_400 * SECOND;
  assert.deepEqual(fate(await sink.put(series('a', now, 2), series('a', old, 1_000))), [1_002, 0, 0]);
  await sink.maintain();
  await own.query(`SET ROLE ${reader.name}; SELECT * FROM iot_data; RESET ROLE`);
  assert.equal(await count(own, 'iot_data'), 1_002);
  await own.query(`DROP OWNED BY ${owner.name}, ${writer.name}, ${reader.name} CASCADE`);
});

test('a role that may not migrate says so', async () => {
  await using own = await createDatabase();
  const error = await failure(prepare(options(roleOf(NOBODY, own).url)));
  assert.equal(error.code, 'database_privilege');
  assert.match(error.message, /permission denied/);
});

test('a role that may do nothing in a migrated database says so', async () => {
  await using own = await createDatabase({ template: true });
  const error = await failure(prepare(options(roleOf(NOBODY, own).url)));
  assert.equal(error.code, 'database_privilege');
});

test('what a role lacks is named, table by table', async () => {
  await using own = await createDatabase({ template: true });
  const writer = roleOf(WRITER, own);
  await migrate({
    url: own.url,
    schema: 'public',
    readerRole: null,
    writerRole: writer.name,
    logger: silent,
  });
  await prepare(options(writer.url));
  await own.query(`REVOKE INSERT, DELETE ON tidegate.points FROM ${writer.name}`);
  await own.query(`REVOKE UPDATE ON tidegate.series FROM ${writer.name}`);
  const error = await failure(prepare(options(writer.url)));
  assert.equal(error.code, 'database_privilege');
  assert.match(error.message, /DELETE, INSERT on tidegate\.points; UPDATE on tidegate\.series/);
});

test('a function that the role may not call is named', async () => {
  await using own = await createDatabase({ template: true });
  const writer = roleOf(WRITER, own);
  await migrate({
    url: own.url,
    schema: 'public',
    readerRole: null,
    writerRole: writer.name,
    logger: silent,
  });
  await own.query(`REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA tidegate FROM ${writer.name}`);
  const error = await failure(prepare(options(writer.url)));
  assert.equal(error.code, 'database_privilege');
  assert.match(error.message, /EXECUTE on tidegate\.open_chunk/);
});

test('tables that are gone are named', async () => {
  await using own = await createDatabase({ template: true });
  await own.query('DROP TABLE tidegate.texts_late, tidegate.dead_letters CASCADE');
  const error = await failure(prepare(options(own.url)));
  assert.equal(error.code, 'schema_missing');
  assert.match(error.message, /tidegate\.dead_letters, tidegate\.texts_late/);
});

test('another engine than the recorded one is refused', async () => {
  await using own = await createDatabase({ template: true });
  assert.equal((await failure(prepare(options(own.url, { engine: 'timescaledb' })))).code, 'engine_mismatch');
  await own.query(`UPDATE tidegate.installation SET engine = 'timescaledb'`);
  assert.equal((await failure(prepare(options(own.url, { engine: 'postgres' })))).code, 'engine_mismatch');
  assert.equal((await failure(prepare(options(own.url)))).code, 'engine_unfit');
});

test('waits for a server that is not there yet', async () => {
  await using own = await createDatabase({ template: true });
  const port = await freePort();
  const url = new URL(own.url);
  url.port = String(port);
  const said: string[] = [];
  let proxy: Promise<CommitProxy> | null = null;
  const logger = {
    ...silent,
    warn: (_fields: object, text: string) => {
      said.push(text);
      proxy = startCommitProxy(own.url, port);
    },
  };
  await prepareDatabase(options(url.href), 0, never(), logger);
  assert.equal(said.length, 1);
  assert.match(said[0] as string, /^Waiting for PostgreSQL: 127\.0\.0\.1:\d+/);
  await (proxy as unknown as Promise<CommitProxy>).then((one) => one[Symbol.asyncDispose]());
});

test('gives up when it is told to, and at its time', async () => {
  const url = `postgres://user:secret@127.0.0.1:${await freePort()}/db`;
  const abort = new AbortController();
  const logger = { ...silent, warn: () => abort.abort() };
  await assert.rejects(prepareDatabase(options(url), 0, abort.signal, logger), { name: 'AbortError' });
  assert.equal(
    (await failure(prepareDatabase(options(url), 1, never(), silent))).code,
    'database_unreachable',
  );
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}
