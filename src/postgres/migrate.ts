import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { type Client, DatabaseError, escapeIdentifier } from 'pg';
import { TidegateError } from '../errors.ts';
import type { Logger } from '../pipeline/types.ts';
import { connect } from './connection.ts';
import { type EngineName, engineOf, type EngineSetting } from './engine-choice.ts';
import { bootstrapSql, grantSql } from './grants.ts';
import { type SchemaNames, schemaNames, withNames } from './names.ts';
import { checkUsable, MIGRATIONS, ownVersion, schemaVersion, type VersionClaim } from './schema-version.ts';

export interface Migration {
  readonly version: number;
  readonly name: string;
  readonly sql: string;
  /** The oldest schema version whose daemon still runs on this schema. */
  readonly compatibleFrom: number;
  /** Whether no earlier one ruled out the daemons that this one does. */
  readonly excludes: boolean;
  readonly checksum: string;
}

export interface MigrateOptions {
  readonly url: string;
  readonly schema: string;
  /** Gets SELECT on all that readers need. */
  readonly readerRole: string | null;
  /** Gets what the daemon needs, where it is not the owner itself. */
  readonly writerRole: string | null;
  /** Chosen at the first migration and recorded. Default: auto. */
  readonly engine?: EngineSetting;
  readonly logger: Logger;
}

/** The migrations that this version carries for an engine, in order: `0001-name.sql`, `0005-name.ENGINE.sql`. */
export function migrations(engine: EngineName): Migration[] {
  let ruledOut = 1;
  return readdirSync(MIGRATIONS)
    .map((file) => /^(\d+-[a-z0-9-]+)(?:\.([a-z]+))?\.sql$/.exec(file))
    .filter((found) => found !== null && (found[2] === undefined || found[2] === engine))
    .map((found) => {
      const [file, name] = found as unknown as [string, string];
      const sql = readFileSync(MIGRATIONS + file, 'utf8').replaceAll('\r\n', '\n');
      const compatible = /^-- compatible_from: (\d+)$/m.exec(sql);
      return {
        version: Number.parseInt(file, 10),
        name,
        sql,
        compatibleFrom: Number(compatible?.[1] ?? Number.NaN),
        checksum: createHash('sha256').update(sql).digest('hex'),
      };
    })
    .sort((left, right) => left.version - right.version)
    .map((migration) => {
      const excludes = migration.compatibleFrom > ruledOut;
      ruledOut = Math.max(ruledOut, migration.compatibleFrom);
      return { ...migration, excludes };
    });
}

/**
 * Brings the schema to this version, one transaction a migration, alone under a lock, and grants the roles. Safe to
 * call from several daemons at once. Returns the names that were applied.
 */
export async function migrate(options: MigrateOptions): Promise<string[]> {
  const names = schemaNames(options.schema);
  const client = await connect({
    url: options.url,
    statementTimeout: 0,
    applicationName: 'tidegate migrate',
  });
  try {
    await client.query('SELECT pg_advisory_lock(hashtextextended($1, 0))', [`tidegate ${names.internal}`]);
    const engine = await engineOf(client, names, options.engine ?? 'auto');
    const applied: string[] = [];
    for (const migration of await pendingMigrations(client, names, engine)) {
      await applyMigration(client, migration, names, engine);
      options.logger.info({ migration: migration.name }, `Applied migration ${migration.name}`);
      applied.push(migration.name);
    }
    const grants = grantSql(names, options, engine);
    if (grants !== '') await client.query(grants);
    return applied;
  } catch (error) {
    throw describeMigrationError(error, options.schema);
  } finally {
    await client.end().catch(() => {});
  }
}

/**
 * The migrations that the database lacks, for the engine that is recorded or, before the first one, chosen. Throws `schema_newer` where a newer Tidegate left a schema that this one
 * cannot run with, `schema_changed` where an applied migration differs from ours.
 */
export async function pendingMigrations(
  client: Client,
  names: SchemaNames,
  engine: EngineSetting = 'auto',
): Promise<Migration[]> {
  const ours = migrations(await engineOf(client, names, engine));
  const rows = await appliedMigrations(client, names);
  checkUsable(schemaVersion(rows), ownVersion());
  const applied = new Map(rows.map((row) => [row.version, row.checksum]));
  for (const migration of ours) {
    const checksum = applied.get(migration.version);
    if (checksum !== undefined && checksum !== migration.checksum) {
      throw new TidegateError(
        'schema_changed',
        `migration ${migration.name} is not the one that was applied`,
      );
    }
  }
  return ours.filter((migration) => !applied.has(migration.version));
}

interface AppliedMigration extends VersionClaim {
  readonly checksum: string;
}

/** In order; none where the schema is not there. */
async function appliedMigrations(client: Client, names: SchemaNames): Promise<AppliedMigration[]> {
  try {
    const { rows: found } = await client.query<{ present: boolean }>(
      'SELECT to_regclass($1) IS NOT NULL AS present',
      [`${escapeIdentifier(names.internal)}.schema_versions`],
    );
    if (found[0]?.present !== true) return [];
    const { rows } = await client.query<AppliedMigration>(
      withNames(
        'SELECT version, checksum, compatible_from FROM :"internal".schema_versions ORDER BY version',
        names,
      ),
    );
    return rows;
  } catch (error) {
    throw describeMigrationError(error, names.schema);
  }
}

/**
 * Everything that `migrate` would run, roles included, as one script for an administrator. A role that is not named
 * gets a name here: the script is what separates them.
 */
export function migrationScript(
  options: Pick<MigrateOptions, 'schema' | 'readerRole' | 'writerRole'>,
  engine: EngineName = 'postgres',
): string {
  const names = schemaNames(options.schema);
  const roles = {
    writerRole: options.writerRole ?? 'tidegate_writer',
    readerRole: options.readerRole ?? 'tidegate_reader',
  };
  const steps = migrations(engine).map(
    (migration) =>
      `\n-- ${migration.name}\nBEGIN;\n${withNames(turnOutSql(migration) + migration.sql, names)}\n${recordSql(migration, names, engine)};\nCOMMIT;\n`,
  );
  return [bootstrapSql(names, roles), versionTableSql(names), ...steps, grantSql(names, roles, engine)].join(
    '\n',
  );
}

/** In a transaction of its own. */
export async function applyMigration(
  client: Client,
  migration: Migration,
  names: SchemaNames,
  engine: EngineName,
): Promise<void> {
  await client.query('BEGIN');
  try {
    await client.query(versionTableSql(names));
    await client.query(withNames(turnOutSql(migration), names));
    await client.query(withNames(migration.sql, names));
    await client.query(recordSql(migration, names, engine));
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
}

/** The first schema with a map of chunks, a lock on it, and a scheduler. */
const FIRST_WATCHED = 4;

/**
 * Before a migration that rules out daemons which may be running: they look at the map anew, and at the schema's version
 * with it (schema-version.ts), and whoever leads the scheduler leads no more. Under the map's lock, so that no transaction
 * of theirs is under way when it commits.
 */
function turnOutSql({ version, excludes }: Migration): string {
  if (!excludes || version <= FIRST_WATCHED) return '';
  return `SELECT pg_advisory_xact_lock(:"internal".chunk_map_lock());
UPDATE :"internal".chunk_map SET version = version + 1;
UPDATE :"internal".scheduler SET epoch = epoch + 1 WHERE leader IS NOT NULL;
`;
}

function versionTableSql(names: SchemaNames): string {
  // CREATE SCHEMA IF NOT EXISTS asks for the privilege even where the schema is there.
  return withNames(
    `DO $$ BEGIN
  IF to_regnamespace(quote_ident(:'schema')) IS NULL THEN CREATE SCHEMA :"schema"; END IF;
  IF to_regnamespace(quote_ident(:'internal')) IS NULL THEN CREATE SCHEMA :"internal"; END IF;
END $$;
CREATE TABLE IF NOT EXISTS :"internal".schema_versions (
  version integer PRIMARY KEY,
  name text NOT NULL,
  checksum text NOT NULL,
  compatible_from integer NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT now()
);`,
    names,
  );
}

/** The first one records the engine too, so that a later start goes on with it. */
function recordSql(migration: Migration, names: SchemaNames, engine: EngineName): string {
  return withNames(
    `INSERT INTO :"internal".schema_versions (version, name, checksum, compatible_from)
VALUES (${migration.version}, '${migration.name}', '${migration.checksum}', ${migration.compatibleFrom})${
      migration.version === 1 ? `;\nUPDATE :"internal".installation SET engine = '${engine}'` : ''
    }`,
    names,
  );
}

function describeMigrationError(error: unknown, schema: string): unknown {
  if (!(error instanceof DatabaseError)) return error;
  if (error.code === '42501') {
    return new TidegateError('database_privilege', `schema ${schema}: ${error.message}`, {
      cause: error,
    });
  }
  return new TidegateError('schema_missing', `migration of schema ${schema} failed: ${error.message}`, {
    cause: error,
  });
}
