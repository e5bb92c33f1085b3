import type { Client } from 'pg';
import { TidegateError } from '../errors.ts';

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
     WHERE c.oid = coalesce(
       (SELECT t.oid FROM pg_class t WHERE t.relname = $1 AND pg_table_is_visible(t.oid) AND t.relkind IN ('r', 'p', 'v', 'm', 'f')),
       CASE WHEN $1 LIKE '%.%' THEN to_regclass($1) END, to_regclass(quote_ident($1)))
     ORDER BY a.attnum`,
    [table],
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
