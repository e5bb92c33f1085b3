/** What a schema offers to those who read and write it, and what it demands of them. */

import type { Client } from 'pg';

export interface Catalogue {
  readonly relations: ReadonlySet<string>;
  /** Columns, functions, attributes of types, as they are named and typed. */
  readonly offers: ReadonlySet<string>;
  /** Values that have to be given, checks, keys: with the relation that each is of. */
  readonly demands: ReadonlyMap<string, string>;
}

/** `schema_versions`, as it was since the first version. */
export const VERSIONS = `CREATE SCHEMA tidegate;
  CREATE TABLE tidegate.schema_versions (
    version integer PRIMARY KEY,
    name text NOT NULL,
    checksum text NOT NULL,
    compatible_from integer NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
  )`;

/** Relations of both schemas that are not the extension's own; a type's attributes are columns of a relation too. */
const RELATIONS = `SELECT c.oid, c.relkind, n.nspname || '.' || c.relname AS name
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname IN ('public', 'tidegate') AND c.relkind IN ('r', 'p', 'v', 'c') AND NOT c.relispartition
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')`;

export async function catalogueOf(client: Client): Promise<Catalogue> {
  const ask = async (sql: string): Promise<{ line: string; of: string }[]> =>
    (await client.query<{ line: string; of: string }>(sql)).rows;
  const columns = await ask(
    `SELECT r.name AS of, format('%s.%s %s', r.name, a.attname, format_type(a.atttypid, a.atttypmod)) AS line
     FROM (${RELATIONS}) r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped`,
  );
  const functions = await ask(
    `SELECT '' AS of, format('%s(%s) -> %s', p.oid::regproc, pg_get_function_identity_arguments(p.oid),
       pg_get_function_result(p.oid)) AS line
     FROM pg_proc p WHERE p.pronamespace IN ('public'::regnamespace, 'tidegate'::regnamespace)
       AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')`,
  );
  const values = await ask(
    `SELECT r.name AS of, format('%s.%s must be given', r.name, a.attname) AS line
     FROM (${RELATIONS}) r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
     WHERE r.relkind IN ('r', 'p') AND a.attnotnull AND NOT a.atthasdef AND a.attidentity = ''`,
  );
  const checks = await ask(
    `SELECT r.name AS of, format('%s: %s', r.name, pg_get_constraintdef(k.oid)) AS line
     FROM (${RELATIONS}) r JOIN pg_constraint k ON k.conrelid = r.oid WHERE k.contype IN ('c', 'f', 'x')`,
  );
  const keys = await ask(
    `SELECT r.name AS of, format('%s: %s', r.name, pg_get_indexdef(i.indexrelid)) AS line
     FROM (${RELATIONS}) r JOIN pg_index i ON i.indrelid = r.oid WHERE i.indisunique`,
  );
  return {
    relations: new Set(columns.map(({ of }) => of)),
    offers: new Set([...columns, ...functions].map(({ line }) => line)),
    demands: new Map([...values, ...checks, ...keys].map(({ line, of }) => [line, of])),
  };
}
