import { type Client, escapeIdentifier } from 'pg';
import { TidegateError } from '../errors.ts';
import { type SchemaNames, withNames } from './names.ts';
import { sqlstateOf } from './sqlstate.ts';

/** How chunks, aggregates, compression and retention are done; recorded at the first migration. */
export type EngineName = 'postgres' | 'timescaledb';
/** `auto`: the recorded one; before the first migration timescaledb where it is created in the database and fit. */
export type EngineSetting = EngineName | 'auto';

const INSUFFICIENT_PRIVILEGE = '42501';
/** TimescaleDB 2.18, the first with the columnstore's names. */
const OLDEST: readonly [number, number] = [2, 18];

/** The engine that the schema was migrated for; null before the first migration. */
async function recordedEngine(client: Client, names: SchemaNames): Promise<string | null> {
  try {
    const { rows: found } = await client.query<{ present: boolean }>(
      'SELECT to_regclass($1) IS NOT NULL AS present',
      [`${escapeIdentifier(names.internal)}.installation`],
    );
    if (found[0]?.present !== true) return null;
    const { rows } = await client.query<{ engine: string }>(
      withNames('SELECT engine FROM :"internal".installation', names),
    );
    return rows[0]?.engine ?? null;
  } catch (error) {
    throw refused(error);
  }
}

function refused(error: unknown): unknown {
  if (sqlstateOf(error) !== INSUFFICIENT_PRIVILEGE) return error;
  return new TidegateError('database_privilege', (error as Error).message, { cause: error });
}

/** Throws `engine_mismatch` where another one is recorded, `engine_unfit` where the database cannot be it. */
export async function engineOf(
  client: Client,
  names: SchemaNames,
  setting: EngineSetting,
): Promise<EngineName> {
  const recorded = await recordedEngine(client, names);
  if (recorded !== null && ((setting !== 'auto' && setting !== recorded) || !isEngine(recorded))) {
    throw new TidegateError(
      'engine_mismatch',
      `the schema in ${names.internal} is for the engine ${recorded}, database.engine is ${setting}`,
    );
  }
  const wanted = recorded ?? setting;
  if (wanted === 'postgres') return 'postgres';
  const unfit = await timescaleUnfit(client);
  if (unfit === null) return 'timescaledb';
  if (wanted === 'auto') return 'postgres';
  throw new TidegateError('engine_unfit', unfit);
}

function isEngine(name: string): name is EngineName {
  return name === 'postgres' || name === 'timescaledb';
}

/** Why the database cannot be used through TimescaleDB; null where it can. */
async function timescaleUnfit(client: Client): Promise<string | null> {
  const { rows } = await client.query<{ version: string; licence: string | null }>(
    `SELECT extversion AS version, current_setting('timescaledb.license', true) AS licence
     FROM pg_extension WHERE extname = 'timescaledb'`,
  );
  const [extension] = rows;
  if (extension === undefined) {
    return 'the extension timescaledb is not created in this database (CREATE EXTENSION timescaledb)';
  }
  const [major = 0, minor = 0] = extension.version.split('.').map(Number);
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
    return `timescaledb is ${extension.version}; ${OLDEST.join('.')} or newer is needed`;
  }
  if (extension.licence !== 'timescale') {
    return `timescaledb runs under the licence ${extension.licence}, without columnstore, continuous aggregates and policies (timescaledb.license = timescale)`;
  }
  return null;
}
