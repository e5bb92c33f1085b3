import type { Client } from 'pg';
import { type SchemaNames, withNames } from './names.ts';

/**
 * Whether the engine keeps segments and frames, and lets the session read them: a role that was granted the views alone has
 * them decoded by the server.
 */
export async function readsCompressed(client: Client, names: SchemaNames): Promise<boolean> {
  const { rows } = await client.query<{ reads: boolean }>(
    withNames(
      `SELECT coalesce(bool_and(coalesce(has_table_privilege(to_regclass(format('%I.%I', :'internal', name)), 'SELECT'), false)), false) AS reads
       FROM (SELECT 'segments' AS name UNION ALL SELECT 'frames_' || level FROM :"internal".aggregates) tables`,
      names,
    ),
  );
  return rows[0]?.reads === true;
}
