import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { login, roleName, type TestRole } from '../integration/postgres/roles.ts';
import { startBroker, type TestBroker } from '../support/broker.ts';
import { assertBalanced, type Daemon, metric, settled, startDaemon } from '../support/daemon.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { createHost, type Host } from '../support/host.ts';
import { addresses } from '../support/program.ts';
import { startProxy, type Proxy, through } from '../support/proxy.ts';
import { startTraffic, type Traffic } from '../support/traffic.ts';

/** Each row is one of docs/faults.md. */
interface Fault {
  /** Null: PostgreSQL does not answer. */
  readonly sqlstate: string | null;
  readonly said: RegExp;
  readonly provoke: () => Promise<unknown>;
  readonly mend: () => Promise<unknown>;
}

suite('what operators do to the database while messages flow: it goes on by itself, nothing is lost', () => {
  let folder: string;
  let host: Host;
  let broker: TestBroker;
  let database: TestDatabase;
  let proxy: Proxy;
  let role: TestRole;
  let daemon: Daemon;
  let traffic: Traffic;

  /** The database by a name, through the proxy. */
  const url = (password: string): string => {
    const address = new URL(through(proxy, role.url));
    address.hostname = 'database.test';
    address.password = password;
    return address.href;
  };
  const hand = (password: string) => writeFile(join(folder, 'database_url'), url(password));
  const cut = () =>
    database.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1', [role.name]);

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tidegate-credentials-'));
    host = await createHost();
    broker = await startBroker();
    database = await createDatabase();
    proxy = await startProxy(Number(new URL(database.url).port));
    role = await login(database, roleName('operator'));
    await database.query(`ALTER DATABASE ${database.name} OWNER TO ${role.name}`);
    await hand(role.password);
    const { TIDEGATE_DATABASE_URL: _, ...env } = addresses(broker, '');
    daemon = await startDaemon({ env: { ...env, ...host.env, CREDENTIALS_DIRECTORY: folder } });
    traffic = startTraffic(broker.url);
  });
  after(async () => {
    await traffic[Symbol.asyncDispose]();
    await daemon[Symbol.asyncDispose]();
    await proxy[Symbol.asyncDispose]();
    const admin = await createDatabase();
    await database[Symbol.asyncDispose]();
    await admin.query(`DROP ROLE ${role.name}`);
    await admin[Symbol.asyncDispose]();
    await broker[Symbol.asyncDispose]();
    await host[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  const unresolved = (names: 'ENOTFOUND' | 'EAI_AGAIN'): Fault => ({
    sqlstate: null,
    said: new RegExp(`could not be written: .*${names} database.test.*name service`),
    provoke: async () => {
      await host.change(daemon, { names });
      proxy.reset();
    },
    mend: () => host.change(daemon, {}),
  });
  const faults: Readonly<Record<string, Fault>> = {
    'its disk is full': {
      sqlstate: '53100',
      said: /No space left on device\. Make room/,
      provoke: () =>
        database.query(
          `CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN RAISE 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$;
           CREATE TRIGGER full_disk BEFORE INSERT ON tidegate.batches EXECUTE FUNCTION full_disk()`,
        ),
      mend: () => database.query('DROP FUNCTION full_disk CASCADE'),
    },
    'it is read-only': {
      sqlstate: '25006',
      said: /read-only transaction\. The database is read-only/,
      provoke: async () => {
        await database.query(`ALTER DATABASE ${database.name} SET default_transaction_read_only = on`);
        await cut();
      },
      mend: () =>
        database.query(
          `BEGIN READ WRITE; ALTER DATABASE ${database.name} RESET default_transaction_read_only; COMMIT`,
        ),
    },
    'it has too many connections': {
      sqlstate: '53300',
      said: /too many connections.*\. Raise max_connections/,
      provoke: async () => {
        await database.query(`ALTER ROLE ${role.name} CONNECTION LIMIT 0`);
        await cut();
      },
      mend: () => database.query(`ALTER ROLE ${role.name} CONNECTION LIMIT -1`),
    },
    'the password is another': {
      sqlstate: '28P01',
      said: /password authentication failed.*\. Put the password that holds/,
      provoke: async () => {
        await database.query(`ALTER ROLE ${role.name} PASSWORD 'another'`);
        await cut();
      },
      mend: () => hand('another'),
    },
    'its name is unknown': unresolved('ENOTFOUND'),
    'the name service does not answer': unresolved('EAI_AGAIN'),
  };

  for (const [name, { sqlstate, said, provoke, mend }] of Object.entries(faults)) {
    test(`${name} (${sqlstate ?? 'no answer'})`, async () => {
      const failures = {
        name: 'write_errors_total',
        labels: { sqlstate: sqlstate ?? 'none', action: 'retry' },
      };
      const before = await metric(daemon, failures);
      const output = daemon.output().length;
      await provoke();
      await eventually('it is told', () => said.test(daemon.output().slice(output)));
      await eventually('not ready', async () => !(await daemon.ready()));
      assert.ok((await metric(daemon, failures)) > before);
      await traffic.more(200);
      await mend();
      await eventually('ready again', () => daemon.ready());
      const { count } = traffic;
      await eventually('all is stored', async () => {
        const { lost } = await traffic.findings(database);
        return lost.every((index) => index >= count);
      });
    });
  }

  test('at the end: nothing lost, nothing twice, all accounted for', async () => {
    await traffic.assertStored(database, daemon);
    assertBalanced(await settled(daemon));
    assert.equal(await daemon.stop(), 0);
  });
});
