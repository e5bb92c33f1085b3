import type { Client } from 'pg';
import { fenced } from '../../postgres/fence.ts';
import { type SchemaNames, withNames } from '../../postgres/names.ts';
import { SegmentEditor, type Span } from '../../postgres/segment-editor.ts';
import type { JobContext } from '../../scheduler/types.ts';
import { whenUnlocked } from './patience.ts';

/** Late points that are taken into segments under one lock of the map: writers wait for as long, some milliseconds. */
const STEP = 5_000;

interface LateRow {
  readonly time: string;
  readonly value: number;
}

/**
 * Takes the late points of a sealed chunk into its segments, series by series, each time alone under the map's lock: a
 * writer that holds a point against segments and late points must find it in one of them. Resolves to how many.
 */
export async function mergeLate(
  client: Client,
  names: SchemaNames,
  chunk: { readonly id: string } & Span,
  context: JobContext,
): Promise<number> {
  const range = [chunk.from, chunk.to];
  const { rows: series } = await client.query<{ series_id: string }>(
    withNames(
      `SELECT DISTINCT series_id FROM :"internal".points_late
       WHERE ts >= $1 AND ts < $2 ORDER BY series_id`,
      names,
    ),
    range,
  );
  const editor = new SegmentEditor(names);
  let total = 0;
  for (const { series_id: seriesId } of series) {
    for (let taken = STEP; taken === STEP; total += taken) {
      const step = async () => {
        await client.query(withNames('SELECT pg_advisory_xact_lock(:"internal".chunk_map_lock())', names));
        const rows = await takeLate(client, names, [...range, chunk.id, seriesId]);
        if (rows.length === 0) return 0;
        const points = {
          timestamp: Float64Array.from(rows, (row) => Math.round(Number(row.time))),
          value: Float64Array.from(rows, (row) => row.value),
        };
        await editor.merge(client, Number(seriesId), points, chunk);
        await client.query(
          withNames('UPDATE :"internal".chunks SET points = points + $2 WHERE chunk_id = $1', names),
          [chunk.id, rows.length],
        );
        return rows.length;
      };
      taken = 0;
      await whenUnlocked(context.signal, async () => {
        context.signal.throwIfAborted();
        taken = await fenced(client, names, 'compression', context.epoch, step);
      });
    }
  }
  return total;
}

/** By time; none where the chunk is not sealed any more. */
async function takeLate(
  client: Client,
  names: SchemaNames,
  parameters: readonly unknown[],
): Promise<LateRow[]> {
  const { rows } = await client.query<LateRow>(
    withNames(
      `WITH taken AS (
         DELETE FROM :"internal".points_late WHERE (series_id, ts) IN (
           SELECT series_id, ts FROM :"internal".points_late
           WHERE series_id = $4 AND ts >= $1 AND ts < $2
             AND EXISTS (SELECT FROM :"internal".chunks WHERE chunk_id = $3 AND state = 'sealed')
           ORDER BY ts LIMIT ${STEP})
         RETURNING ts, value)
       SELECT extract(epoch FROM ts) * 1000000 AS time, value FROM taken ORDER BY ts`,
      names,
    ),
    [...parameters],
  );
  return rows;
}
