import type { Client } from 'pg';
import { TidegateError } from '../errors.ts';
import { sqlstateOf } from './sqlstate.ts';

/** What to_regclass says before PostgreSQL 16. */
const INVALID_NAME = '42602';

export interface Column {
  readonly name: string;
  /** As PostgreSQL writes it: `double precision`. */
  readonly type: string;
  /** What its comment says. */
  readonly comment: string;
  /** Whether it is part of the primary key. */
  readonly key: boolean;
}

export interface TableShape {
  readonly schema: string;
  readonly name: string;
  readonly columns: readonly Column[];
}

/** Of a table or a view, `table` or `schema.table`, as its owner would write it or as it is. Throws `layout_unfit` where there is none. */
export async function tableShape(client: Client, table: string): Promise<TableShape> {
  const { rows } = await client.query<{ schema: string; name: string } & Column>(
    `SELECT n.nspname AS schema, c.relname AS name, a.attname AS name_of_column,
       format_type(a.atttypid, a.atttypmod) AS type, coalesce(col_description(c.oid, a.attnum), '') AS comment,
       EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary AND a.attnum = ANY (i.indkey)) AS key
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
     WHERE c.oid = $1 ORDER BY a.attnum`,
    [await relation(client, table)],
  );
  const [first] = rows;
  if (first === undefined) throw new TidegateError('layout_unfit', `there is no table ${table}`);
  const columns = rows.map((row) => ({
    name: (row as unknown as { name_of_column: string }).name_of_column,
    type: row.type,
    comment: row.comment,
    key: row.key,
  }));
  return { schema: first.schema, name: first.name, columns };
}

/** Its oid, or null. A name that no table can be written by is one that none has. */
async function relation(client: Client, table: string): Promise<string | null> {
  const ask = async (sql: string): Promise<string | null> => {
    const { rows } = await client.query<{ oid: string | null }>(sql, [table]);
    return rows[0]?.oid ?? null;
  };
  const itself = await ask(
    `SELECT oid::text FROM pg_class WHERE relname = $1 AND pg_table_is_visible(oid) AND relkind IN ('r', 'p', 'v', 'm', 'f')`,
  );
  if (itself !== null || !table.includes('.')) return itself;
  try {
    return await ask('SELECT to_regclass($1)::oid::text AS oid');
  } catch (error) {
    if (sqlstateOf(error) === INVALID_NAME) return null;
    throw error;
  }
}
