/** A database that takes long to fill, made once where a folder is named to keep it in. */

import { Client } from 'pg';
import { startPostgres } from '../../src/demo/embedded-postgres.ts';
import { type TestPostgres, startTestPostgres } from '../support/postgres.ts';
import { freshDatabase } from './database.ts';

/** A server in `folder`, whose data stays there; null: in a folder that goes with it. */
export async function startServer(
  folder: string | null,
  settings: Record<string, string>,
): Promise<TestPostgres> {
  if (folder === null) return await startTestPostgres(settings);
  const server = await startPostgres({ dataFolder: folder, settings, sync: false });
  return Object.assign(server, { [Symbol.asyncDispose]: () => server.stop('fast') });
}

/**
 * A copy of the database `name`, which `fill` fills where the server has none. What is done to the copy does not reach the
 * next run.
 */
export async function copyOf(
  server: string,
  name: string,
  fill: (url: string, client: Client) => Promise<void>,
): Promise<string> {
  const admin = new Client({ connectionString: server });
  await admin.connect();
  const { rowCount } = await admin.query('SELECT FROM pg_database WHERE datname = $1', [name]);
  if (rowCount === 0) {
    const { url, client } = await freshDatabase(server, `${name}_unfinished`);
    await fill(url, client);
    await client.end();
    await admin.query(`ALTER DATABASE "${name}_unfinished" RENAME TO "${name}"`);
  }
  const copy = new URL(server);
  copy.pathname = '/bench';
  await admin.query('DROP DATABASE IF EXISTS bench WITH (FORCE)');
  await admin.query(`CREATE DATABASE bench TEMPLATE "${name}" STRATEGY file_copy`);
  await admin.query('CHECKPOINT');
  await admin.end();
  return copy.href;
}
