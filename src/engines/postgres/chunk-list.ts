import type { Client } from 'pg';
import { type SchemaNames, withNames } from '../../postgres/names.ts';
import type { ChunkInfo, CompressionInfo } from '../engine.ts';

interface ChunkRow {
  readonly name: string;
  readonly source: string;
  readonly state: string;
  readonly range_start: Date;
  readonly range_end: Date;
  readonly points: string | null;
  readonly estimate: string;
  readonly late: string;
  /** Points that are compressed although their chunk is not. */
  readonly born: string;
  readonly bytes: string;
  readonly bytes_before: string | null;
}

/** Every chunk, the latest first. */
export async function listChunks(client: Client, names: SchemaNames): Promise<ChunkInfo[]> {
  const { rows } = await client.query<ChunkRow>(
    withNames(
      `SELECT c.leaf AS name, c.source, c.state, c.range_start, c.range_end, c.points,
         greatest(t.reltuples, pg_stat_get_live_tuples(t.oid), 0)::bigint AS estimate,
         CASE c.source WHEN 'points' THEN (
           SELECT count(*) FROM :"internal".points_late l WHERE l.ts >= c.range_start AND l.ts < c.range_end)
         WHEN 'texts' THEN (
           SELECT count(*) FROM :"internal".texts_late l WHERE l.ts >= c.range_start AND l.ts < c.range_end)
         ELSE 0 END AS late, coalesce(born.points, 0) AS born,
         coalesce(pg_total_relation_size(t.oid), 0) + coalesce(c.bytes_after, born.bytes, 0) AS bytes, c.bytes_before
       FROM :"internal".chunks c
       LEFT JOIN LATERAL (
         SELECT sum(s.n) AS points, sum(pg_column_size(s.*) + 68) AS bytes FROM :"internal".segments s
         WHERE c.source = 'points' AND c.state IN ('open', 'closing') AND s.start_ts >= c.range_start AND s.start_ts < c.range_end
       ) born ON true
       LEFT JOIN pg_class t ON c.attached AND t.relnamespace = :'internal'::regnamespace AND t.relname = c.leaf
       ORDER BY c.range_start DESC, c.source`,
      names,
    ),
  );
  return rows.map((row) => {
    const bytes = Number(row.bytes);
    const before = row.bytes_before === null ? null : Number(row.bytes_before);
    return {
      name: row.name,
      source: row.source,
      state: row.state,
      range_start: row.range_start.toISOString(),
      range_end: row.range_end.toISOString(),
      rows: Number(row.points ?? row.estimate) + Number(row.late) + Number(row.born),
      rows_estimated: row.points === null,
      bytes,
      bytes_before: before,
      ratio: before === null || bytes === 0 ? null : before / bytes,
    };
  });
}

/** Every compressed chunk, the largest before compression first. */
export async function listCompression(client: Client, names: SchemaNames): Promise<CompressionInfo[]> {
  const { rows } = await client.query<
    Record<'chunk' | 'source' | 'points' | 'bytes_before' | 'bytes_after', string>
  >(
    withNames(
      `SELECT leaf AS chunk, source, points, bytes_before, bytes_after FROM :"internal".chunks
       WHERE bytes_after IS NOT NULL ORDER BY bytes_before DESC, leaf`,
      names,
    ),
  );
  return rows.map((row) => {
    const [before, after] = [Number(row.bytes_before), Number(row.bytes_after)];
    return {
      chunk: row.chunk,
      source: row.source,
      points: Number(row.points),
      bytes_before: before,
      bytes_after: after,
      ratio: after === 0 ? 1 : before / after,
    };
  });
}
