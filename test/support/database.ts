/** A database of its own for each test file, on the server of the run (test/support/global-setup.ts). */

import { createHash, randomUUID } from 'node:crypto';
import { Client, Pool, type QueryResultRow } from 'pg';
import { migrate, migrations } from '../../src/postgres/migrate.ts';
import { startQuickPostgres } from './postgres.ts';

export { startQuickPostgres, startTestPostgres, type TestPostgres } from './postgres.ts';

/** Dropped when disposed: `await using database = await createDatabase()`. */
export interface TestDatabase extends AsyncDisposable {
  readonly name: string;
  readonly url: string;
  query<Row extends QueryResultRow>(sql: string, parameters?: readonly unknown[]): Promise<Row[]>;
  /** A connection of its own, closed with the database. */
  connect(): Promise<Client>;
  /** Ends every connection to it first, those of the code under test too. */
  drop(): Promise<void>;
}

export interface DatabaseOptions {
  /** Cloned from a database that was migrated (schema public) once for all test files, or from one that nobody is connected to. */
  readonly template?: boolean | string;
  /** A server of the test's own (`startTestPostgres().url`), which goes with all it has. Default: the server of the run. */
  readonly server?: string;
}

export async function createDatabase(options: DatabaseOptions = {}): Promise<TestDatabase> {
  const admin = options.server ?? (await serverUrl());
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  const template = options.template === true ? await migratedTemplate(admin) : options.template;
  // Copied by files it takes two thirds of the processor that it takes by the log of changes.
  await administer(admin, `CREATE DATABASE ${name} TEMPLATE ${template || 'template0'} STRATEGY file_copy`);
  const url = urlOf(admin, name);
  const pool = new Pool({ connectionString: url, max: 4 });
  pool.on('error', () => undefined);
  const clients: Client[] = [];
  const close = async () => {
    await Promise.all([pool, ...clients.splice(0)].map((connection) => connection.end()));
  };
  const drop = async () => {
    await close();
    await administer(admin, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  };
  return {
    name,
    url,
    query: async (sql, parameters = []) => (await pool.query(sql, [...parameters])).rows,
    connect: async () => {
      const client = await open(url);
      clients.push(client);
      return client;
    },
    drop,
    // A server of the test's own may be stopped by now.
    [Symbol.asyncDispose]: options.server === undefined ? drop : close,
  };
}

const templates = new Map<string, Promise<string>>();

/**
 * The name of a database that is migrated, by the URL of its server. The embedded servers of a run have it from their beginning;
 * another gets it from whichever test file comes first, anew for every change of a migration.
 */
export function migratedTemplate(admin: string): Promise<string> {
  const template = templates.get(admin) ?? findTemplate(admin);
  templates.set(admin, template);
  return template;
}

async function findTemplate(admin: string): Promise<string> {
  const checksums = migrations('postgres').map((migration) => migration.checksum);
  const name = `template_${createHash('sha256').update(checksums.join()).digest('hex').slice(0, 16)}`;
  const client = await open(admin);
  try {
    await client.query('SELECT pg_advisory_lock(hashtext($1))', [name]);
    const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [name]);
    if (rowCount === 1) return name;
    const unfinished = `${name}_unfinished`;
    await client.query(`DROP DATABASE IF EXISTS ${unfinished} WITH (FORCE)`);
    await client.query(`CREATE DATABASE ${unfinished} TEMPLATE template0`);
    const quiet = () => undefined;
    const logger = { debug: quiet, info: quiet, warn: quiet, error: quiet };
    const url = urlOf(admin, unfinished);
    await migrate({ url, schema: 'public', readerRole: null, writerRole: null, engine: 'postgres', logger });
    await client.query(`ALTER DATABASE ${unfinished} RENAME TO ${name}`);
    return name;
  } finally {
    await client.end();
  }
}

let own: Promise<string> | null = null;

/** A test file that is run by itself (`node --test FILE`) starts a server for its process. */
function serverUrl(): Promise<string> {
  const shared = process.env['TIDEGATE_TEST_POSTGRES_URL'];
  if (shared !== undefined) return Promise.resolve(shared);
  own ??= startQuickPostgres().then((server) => {
    process.once('beforeExit', () => void server[Symbol.asyncDispose]());
    return server.url;
  });
  return own;
}

function urlOf(admin: string, database: string): string {
  const url = new URL(admin);
  url.pathname = `/${database}`;
  return url.href;
}

const administrators = new Map<string, Pool>();

/** Over one connection a process, for each costs as much as the statement; it keeps no process from its end. */
async function administer(admin: string, sql: string): Promise<void> {
  let pool = administrators.get(admin);
  if (pool === undefined) {
    pool = new Pool({ connectionString: admin, max: 1, allowExitOnIdle: true });
    pool.on('error', () => undefined);
    administrators.set(admin, pool);
  }
  await pool.query(sql);
}

async function open(url: string): Promise<Client> {
  const client = new Client(url);
  // A server that is stopped under a test: the next query says so.
  client.on('error', () => undefined);
  await client.connect();
  return client;
}
