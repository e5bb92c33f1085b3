import type { Client } from 'pg';

/** Rows of one statement: its locks and its part of the WAL stay small. */
const BATCH = 10_000;

/**
 * Deletes in batches until nothing is left, each in a transaction by itself. `table` is a quoted, qualified name;
 * `condition` may use $1 onwards. Resolves to how many rows went.
 */
export async function deleteInBatches(
  client: Client,
  table: string,
  condition: string,
  parameters: readonly unknown[],
  signal: AbortSignal,
): Promise<number> {
  const sql = `DELETE FROM ${table} WHERE ctid = ANY (ARRAY(SELECT ctid FROM ${table} WHERE ${condition} LIMIT ${BATCH}))`;
  for (let total = 0; ; ) {
    signal.throwIfAborted();
    const { rowCount } = await client.query(sql, [...parameters]);
    total += rowCount ?? 0;
    if ((rowCount ?? 0) < BATCH) return total;
  }
}
