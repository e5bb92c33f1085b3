/** Databases on the TimescaleDB server of TIDEGATE_TEST_TIMESCALEDB_URL, which must be a superuser's. */

import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { migrate } from '../../../src/postgres/migrate.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';

const server = process.env['TIDEGATE_TEST_TIMESCALEDB_URL'];

/** For `test(name, options, ...)`: without such a server the test is skipped, and says so. */
export const WITH_TIMESCALEDB = {
  skip:
    server === undefined ? 'TIDEGATE_TEST_TIMESCALEDB_URL is not set: no TimescaleDB to test with' : false,
};

const quiet = () => undefined;
export const silent = { debug: quiet, info: quiet, warn: quiet, error: quiet };

export interface HypertableOptions {
  readonly schema?: string;
  /** Where the extension's own objects go. Default: public. */
  readonly extensionSchema?: string;
  readonly writerRole?: string;
  readonly readerRole?: string;
}

/** With the extension and, unless `migrated` is false, the schema. */
export async function createHypertableDatabase(options: HypertableOptions = {}): Promise<TestDatabase> {
  const database = await createDatabase(server === undefined ? {} : { server });
  const { schema = 'public', extensionSchema = 'public' } = options;
  if (extensionSchema !== 'public') await database.query(`CREATE SCHEMA ${extensionSchema}`);
  await database.query(`CREATE EXTENSION timescaledb SCHEMA ${extensionSchema}`);
  await migrate({
    url: database.url,
    schema,
    readerRole: options.readerRole ?? null,
    writerRole: options.writerRole ?? null,
    engine: 'timescaledb',
    logger: silent,
  });
  // Disposing of a database on a server of the caller's own only closes it: this one stays, so drop it.
  return Object.assign(database, { [Symbol.asyncDispose]: () => database.drop() });
}

export function roleName(): string {
  return `role_${randomUUID().slice(0, 8)}`;
}

export interface Reader extends AsyncDisposable {
  count(from: string): Promise<number>;
}

export async function openReader(url: string): Promise<Reader> {
  const client = new Client(url);
  await client.connect();
  return {
    count: async (from) => {
      const { rows } = await client.query<{ count: string }>(`SELECT count(*) FROM ${from}`);
      return Number(rows[0]?.count);
    },
    [Symbol.asyncDispose]: () => client.end(),
  };
}
