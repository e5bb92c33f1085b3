import type { Client } from 'pg';
import { TidegateError } from '../../errors.ts';
import { fenced } from '../../postgres/fence.ts';
import { type SchemaNames, withNames } from '../../postgres/names.ts';
import type { JobContext, JobReport } from '../../scheduler/types.ts';
import { whenUnlocked } from './patience.ts';

/**
 * Opens a sealed chunk again: its segments become rows of a leaf. Until the last moment readers read the segments, and
 * what writers replace is written down; then, under the map's lock, it is made good and the leaf takes over.
 */
export async function decompressChunk(
  client: Client,
  names: SchemaNames,
  chunk: { readonly id: string; readonly name: string },
  context: JobContext,
): Promise<JobReport> {
  const query = async (sql: string) =>
    await client.query<{ count: string }>(withNames(sql, names), [chunk.id]);
  const begun = await whenUnlocked(context.signal, () =>
    fenced(client, names, 'compression', context.epoch, async () => {
      // Before the leaf's locks, as writers do it: else each of us would wait for the other. Batches under way may take
      // longer than readers may be kept waiting.
      await client.query(withNames('SELECT pg_advisory_xact_lock(:"internal".chunk_map_lock())', names));
      await client.query(`SET LOCAL lock_timeout = '100ms'`);
      await query('SELECT :"internal".drop_sealed_leaf($1)');
      const { rowCount } = await query(
        `UPDATE :"internal".chunks SET state = 'opening', changed_at = now()
         WHERE chunk_id = $1 AND state IN ('sealed', 'opening') AND NOT attached`,
      );
      if (rowCount === 0) {
        throw new TidegateError(
          'chunk_state',
          `${chunk.name}: readers still need its leaf, or it is not compressed`,
        );
      }
      await client.query(withNames('UPDATE :"internal".chunk_map SET version = version + 1', names));
    }),
  );
  if (!begun) throw locked(chunk.name);
  let points = 0;
  const opened = await whenUnlocked(context.signal, () =>
    fenced(client, names, 'compression', context.epoch, async () => {
      await client.query('SET LOCAL statement_timeout = 0');
      const { rowCount } = await query(
        `SELECT FROM :"internal".chunks WHERE chunk_id = $1 AND state = 'opening' FOR UPDATE`,
      );
      if (rowCount === 0) throw locked(chunk.name);
      const filled = await query('SELECT :"internal".fill_leaf($1) AS count');
      await client.query(withNames('SELECT pg_advisory_xact_lock(:"internal".chunk_map_lock())', names));
      await client.query(`SET LOCAL lock_timeout = '500ms'`);
      const late = await query('SELECT :"internal".finish_opening($1) AS count');
      points = Number(filled.rows[0]?.count) + Number(late.rows[0]?.count);
    }),
  );
  if (!opened) throw locked(chunk.name);
  return { rows: points, detail: `${chunk.name} is open again with ${points} points` };
}

function locked(name: string): TidegateError {
  return new TidegateError('chunk_state', `${name}: readers keep the tables locked; try again`);
}
