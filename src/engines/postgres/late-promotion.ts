import type { Client } from 'pg';
import type { ChunkSource } from '../../postgres/chunks.ts';
import { type SchemaNames, withNames } from '../../postgres/names.ts';

/** So many late points in one span are worth a chunk, as a batch of them would be (src/postgres/chunk-map.ts). */
const DENSE = 1000;

/**
 * Opens chunks for spans in which late points gathered little by little, so that they can be compressed like others.
 * Resolves to how many were opened. `interval` in milliseconds.
 */
export async function promoteLate(
  client: Client,
  names: SchemaNames,
  interval: number,
  signal: AbortSignal,
): Promise<number> {
  let opened = 0;
  for (const source of ['points', 'texts'] as const satisfies readonly ChunkSource[]) {
    const { rows } = await client.query<{ moment: string }>(
      withNames(
        `SELECT min(l.ts)::text AS moment FROM :"internal".${source}_late l
         WHERE NOT EXISTS (SELECT FROM :"internal".chunks c
           WHERE c.source = '${source}' AND c.range_start <= l.ts AND c.range_end > l.ts)
         GROUP BY date_bin(make_interval(secs => $1), l.ts, timestamptz '2000-01-03 00:00:00+00')
         HAVING count(*) >= ${DENSE}`,
        names,
      ),
      [interval / 1000],
    );
    for (const { moment } of rows) {
      signal.throwIfAborted();
      await client.query(
        withNames(`SELECT :"internal".open_chunk($1, $2::timestamptz, make_interval(secs => $3))`, names),
        [source, moment, interval / 1000],
      );
      opened++;
    }
  }
  return opened;
}
