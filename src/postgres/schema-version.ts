import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { TidegateError, WriteError } from '../errors.ts';
import { INSTALLATION } from '../installation.ts';

export const MIGRATIONS: string = fileURLToPath(new URL('sql/migrations/', INSTALLATION));

/** What the migrations that were applied say of the schema. */
export interface SchemaVersion {
  /** The newest one's. */
  readonly version: number;
  /** The oldest program that may use it, by its own newest migration. */
  readonly usableFrom: number;
}

/** One row of `schema_versions`, or a migration that is at hand. */
export interface VersionClaim {
  readonly version: number;
  readonly compatible_from: number;
}

/** Every migration has its say: a later one that changes little takes nothing back of what one before it ruled out. */
export function schemaVersion(applied: readonly VersionClaim[]): SchemaVersion {
  return {
    version: Math.max(0, ...applied.map(({ version }) => version)),
    usableFrom: Math.max(0, ...applied.map(({ compatible_from }) => compatible_from)),
  };
}

/** Columns of a statement that asks for what `schemaVersion` gives. */
export const SCHEMA_VERSION_COLUMNS = `(SELECT max(version) FROM :"internal".schema_versions) AS schema_version,
  (SELECT max(compatible_from) FROM :"internal".schema_versions) AS usable_from`;

/** A row with these columns. */
export interface SchemaVersionRow {
  readonly schema_version: number;
  readonly usable_from: number;
}

let own: number | null = null;

/** Of this program: the number of its newest migration, whatever the engine. */
export function ownVersion(): number {
  own ??= Math.max(...readdirSync(MIGRATIONS).map((file) => Number.parseInt(file, 10) || 0));
  return own;
}

/** Throws `schema_newer` where a program of version `program` may not use the schema. */
export function checkUsable({ version, usableFrom }: SchemaVersion, program: number): void {
  if (usableFrom <= program) return;
  throw new TidegateError(
    'schema_newer',
    `the schema is at version ${version}, usable from version ${usableFrom}; this is ${program}`,
  );
}

/**
 * The same for a writer that looks at the map of chunks anew, with `SCHEMA_VERSION_COLUMNS`: somebody migrated under it.
 * Throws a WriteError that stops it.
 */
export function checkWritable(row: SchemaVersionRow): void {
  try {
    checkUsable({ version: row.schema_version, usableFrom: row.usable_from }, ownVersion());
  } catch (error) {
    throw new WriteError('stop', null, (error as Error).message, { cause: error });
  }
}
