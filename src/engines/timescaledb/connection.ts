import type { Client } from 'pg';
import type { ConnectionOptions } from '../../postgres/connection.ts';
import { withConnection } from '../../postgres/session.ts';

/**
 * A connection for one piece of work that finds the functions of TimescaleDB, in whatever schema the extension was created, and
 * may unpack any number of compressed rows. Without JIT: over compressed chunks the planner expects far more rows than there
 * are, and compiling takes seconds where a refresh takes milliseconds.
 */
export async function withTimescale<T>(
  options: ConnectionOptions,
  work: (client: Client) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  return await withConnection(
    options,
    async (client) => {
      await client.query(
        `SELECT set_config('search_path', quote_ident(nspname) || ', pg_catalog', false),
           set_config('timescaledb.max_tuples_decompressed_per_dml_transaction', '0', false), set_config('jit', 'off', false)
         FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE extname = 'timescaledb'`,
      );
      return await work(client);
    },
    signal,
  );
}
