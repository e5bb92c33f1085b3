import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from 'pg';
import { TidegateError } from '../errors.ts';
import type { Logger } from '../pipeline/types.ts';
import { connect } from './connection.ts';
import { type EngineName, engineOf, type EngineSetting } from './engine-choice.ts';
import { migrate, pendingMigrations } from './migrate.ts';
import { type SchemaNames, schemaNames, withNames } from './names.ts';

export interface DatabaseOptions {
  readonly url: string;
  readonly migrateUrl: string | null;
  readonly schema: string;
  readonly readerRole: string | null;
  readonly engine: EngineSetting;
}

/** Milliseconds between attempts while the server does not answer. */
const PAUSE = 500;

/**
 * Makes the database ready to write to: waits for the server (at most `timeout` milliseconds, 0 for ever), migrates
 * where migrations are pending, and checks the privileges of the writing role. Resolves to the engine that is recorded.
 * Rejects with a TidegateError.
 */
export async function prepareDatabase(
  options: DatabaseOptions,
  timeout: number,
  signal: AbortSignal,
  logger: Logger,
): Promise<EngineName> {
  const names = schemaNames(options.schema);
  const client = await waitForServer(options.url, timeout, signal, logger);
  try {
    if ((await pendingMigrations(client, names, options.engine)).length > 0) {
      const writerRole = await writingRole(client, options);
      await migrate({
        url: options.migrateUrl ?? options.url,
        schema: options.schema,
        readerRole: options.readerRole,
        writerRole,
        engine: options.engine,
        logger,
      });
    }
    await checkPrivileges(client, names);
    return await engineOf(client, names, options.engine);
  } finally {
    await client.end().catch(() => {});
  }
}

/** The role to grant to: that of `url`, where another one migrates. */
export async function writingRole(client: Client, options: DatabaseOptions): Promise<string | null> {
  if (options.migrateUrl === null) return null;
  const { rows } = await client.query<{ role: string }>('SELECT current_user AS role');
  return rows[0]?.role ?? null;
}

/** Throws `schema_missing` or `database_privilege`, naming all that is wrong. */
export async function checkPrivileges(client: Client, names: SchemaNames): Promise<void> {
  const { rows } = await client.query<{ name: string; missing: boolean; lacking: string | null }>(
    withNames(
      `SELECT t.name, c.oid IS NULL AS missing, string_agg(p.privilege, ', ' ORDER BY p.privilege) FILTER (WHERE
         CASE WHEN c.oid IS NOT NULL THEN NOT has_table_privilege(c.oid, p.privilege) END) AS lacking
       FROM unnest($1::text[]) AS t (name)
       CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS p (privilege)
       LEFT JOIN pg_namespace n ON n.nspname = :'internal'
       LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = t.name
       GROUP BY t.name, c.oid
       UNION ALL
       SELECT f.name, p.oid IS NULL, CASE WHEN NOT has_function_privilege(p.oid, 'EXECUTE') THEN 'EXECUTE' END
       FROM unnest($2::text[]) AS f (name)
       LEFT JOIN pg_namespace n ON n.nspname = :'internal'
       LEFT JOIN pg_proc p ON p.pronamespace = n.oid AND p.proname = f.name
       ORDER BY name`,
      names,
    ),
    [TABLES, FUNCTIONS],
  );
  const missing = rows.filter((row) => row.missing).map(({ name }) => `${names.internal}.${name}`);
  if (missing.length > 0)
    throw new TidegateError('schema_missing', `missing in the database: ${missing.join(', ')}`);
  const lacking = rows.filter((row) => row.lacking !== null);
  if (lacking.length > 0) {
    throw new TidegateError(
      'database_privilege',
      `the role of database.url lacks ${lacking.map((row) => `${row.lacking} on ${names.internal}.${row.name}`).join('; ')}`,
    );
  }
}

const TABLES = [
  'batches',
  'chunk_map',
  'chunks',
  'dead_letters',
  'device_names',
  'device_states',
  'ingest_totals',
  'installation',
  'job_runs',
  'jobs',
  'points',
  'points_late',
  'scheduler',
  'series',
  'series_changes',
  'series_stats',
  'texts',
  'texts_late',
];
const FUNCTIONS = ['chunk_map_lock', 'leader_lock', 'open_chunk'];

async function waitForServer(
  url: string,
  timeout: number,
  signal: AbortSignal,
  logger: Logger,
): Promise<Client> {
  const deadline = timeout === 0 ? Number.POSITIVE_INFINITY : performance.now() + timeout;
  for (let attempt = 1; ; attempt++) {
    try {
      return await connect({ url, statementTimeout: 60_000, applicationName: 'tidegate start' });
    } catch (error) {
      const unreachable = error instanceof TidegateError && error.code === 'database_unreachable';
      if (!unreachable || performance.now() + PAUSE > deadline) throw error;
      if (attempt === 1) logger.warn({}, `Waiting for PostgreSQL: ${error.message}`);
      await delay(PAUSE, undefined, { signal });
    }
  }
}
