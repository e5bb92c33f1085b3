import type { Client } from 'pg';
import { type SchemaNames, withNames } from '../../postgres/names.ts';
import type { ChunkInfo, CompressionInfo } from '../engine.ts';

interface ChunkRow {
  readonly name: string;
  readonly source: string;
  readonly compressed: boolean;
  readonly range_start: Date;
  readonly range_end: Date;
  readonly packed: string | null;
  readonly live: string;
  readonly bytes: string;
  readonly bytes_before: string | null;
  readonly bytes_after: string | null;
}

/** Our hypertables: those of points, texts and what the aggregates keep. */
const SOURCES = `(
  SELECT hypertable_schema, hypertable_name, hypertable_name::text AS source FROM timescaledb_information.hypertables
  WHERE hypertable_schema = :'internal' AND hypertable_name IN ('points', 'texts')
  UNION ALL
  SELECT materialization_hypertable_schema, materialization_hypertable_name, substr(view_name, 11)
  FROM timescaledb_information.continuous_aggregates WHERE view_schema = :'internal' AND view_name LIKE 'aggregate\\_%')`;

/** Every chunk with its sizes, the latest first. What TimescaleDB counts of a compressed chunk are the rows when it was packed. */
async function chunkRows(client: Client, names: SchemaNames): Promise<ChunkRow[]> {
  const { rows } = await client.query<ChunkRow>(
    withNames(
      `SELECT c.chunk_name AS name, s.source, c.is_compressed AS compressed, c.range_start, c.range_end,
         z.numrows_pre_compression AS packed, greatest(t.reltuples, pg_stat_get_live_tuples(t.oid), 0)::bigint AS live,
         d.total_bytes AS bytes, z.before AS bytes_before, z.after AS bytes_after
       FROM ${SOURCES} s
       JOIN timescaledb_information.chunks c USING (hypertable_schema, hypertable_name)
       JOIN pg_namespace n ON n.nspname = c.chunk_schema
       JOIN pg_class t ON t.relnamespace = n.oid AND t.relname = c.chunk_name
       JOIN LATERAL chunks_detailed_size(format('%I.%I', s.hypertable_schema, s.hypertable_name)::regclass) d
         ON d.chunk_schema = c.chunk_schema AND d.chunk_name = c.chunk_name
       LEFT JOIN LATERAL (
         SELECT z.numrows_pre_compression,
           z.uncompressed_heap_size + z.uncompressed_toast_size + z.uncompressed_index_size AS before,
           z.compressed_heap_size + z.compressed_toast_size + z.compressed_index_size AS after
         FROM _timescaledb_catalog.compression_chunk_size z JOIN _timescaledb_catalog.chunk k ON k.id = z.chunk_id
         WHERE k.schema_name = c.chunk_schema AND k.table_name = c.chunk_name) z ON true
       ORDER BY c.range_start DESC, s.source`,
      names,
    ),
  );
  return rows;
}

export async function listChunks(client: Client, names: SchemaNames): Promise<ChunkInfo[]> {
  return (await chunkRows(client, names)).map((row) => {
    const bytes = Number(row.bytes);
    const before = row.compressed ? Number(row.bytes_before) : null;
    return {
      name: row.name,
      source: row.source,
      state: row.compressed ? 'sealed' : 'open',
      range_start: row.range_start.toISOString(),
      range_end: row.range_end.toISOString(),
      rows: Number(row.packed ?? 0) + (row.compressed ? Number(row.live) : 0) || Number(row.live),
      rows_estimated: true,
      bytes,
      bytes_before: before,
      ratio: before === null || bytes === 0 ? null : before / bytes,
    };
  });
}

/** Every compressed chunk, the largest before compression first. */
export async function listCompression(client: Client, names: SchemaNames): Promise<CompressionInfo[]> {
  const compressed = (await chunkRows(client, names)).filter((row) => row.compressed);
  return compressed
    .map((row) => {
      const [before, after] = [Number(row.bytes_before), Number(row.bytes_after)];
      return {
        chunk: row.name,
        source: row.source,
        points: Number(row.packed),
        bytes_before: before,
        bytes_after: after,
        ratio: after === 0 ? 1 : before / after,
      };
    })
    .sort((left, right) => right.bytes_before - left.bytes_before);
}

export interface NamedChunk {
  /** Quoted and qualified. */
  readonly relation: string;
  readonly compressed: boolean;
  /** It has rows that came after it was compressed. */
  readonly partial: boolean;
}

/** null: no chunk of ours has that name. */
export async function findChunk(
  client: Client,
  names: SchemaNames,
  name: string,
): Promise<NamedChunk | null> {
  const { rows } = await client.query<NamedChunk>(
    withNames(
      `SELECT format('%I.%I', c.chunk_schema, c.chunk_name) AS relation, c.is_compressed AS compressed,
         k.status & 8 <> 0 AS partial
       FROM ${SOURCES} s JOIN timescaledb_information.chunks c USING (hypertable_schema, hypertable_name)
       JOIN _timescaledb_catalog.chunk k ON k.schema_name = c.chunk_schema AND k.table_name = c.chunk_name
       WHERE c.chunk_name = $1`,
      names,
    ),
    [name],
  );
  return rows[0] ?? null;
}
