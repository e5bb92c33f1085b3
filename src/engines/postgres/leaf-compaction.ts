import { pipeline } from 'node:stream/promises';
import type { Client } from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import { readKeyedRows, readNumberedRows } from '../../postgres/copy-reader.ts';
import { type SchemaNames, withNames } from '../../postgres/names.ts';
import { COPY_SEGMENTS, segmentRows } from '../../postgres/segment-rows.ts';
import type { JobContext } from '../../scheduler/types.ts';
import { encodeRows, type SeriesRows } from '../../segments/segment-stream.ts';
import type { CompactionClients, NamedChunk } from './compaction.ts';
import type { Pace } from './pace.ts';

/**
 * Turns the rows of a closing chunk's leaf into segments, within the writer's transaction. Segments that batches wrote while
 * it was open stay as they are: a writer may be about to replace one. Rows become segments in the gaps between them; rows
 * that lie within one become late points, which the merge that follows takes in.
 */
export async function compactLeaf(
  { reader, writer }: CompactionClients,
  names: SchemaNames,
  chunk: NamedChunk,
  context: JobContext,
  pace: Pace,
): Promise<void> {
  const { signal } = context;
  const read = (sql: string) =>
    reader.query(copyTo(withNames(`COPY (${sql}) TO STDOUT WITH (FORMAT binary)`, names)));
  const write = (sql: string) => writer.query(copyFrom(withNames(sql, names)));
  let within = 0;
  // One snapshot for both: a writer may divide a segment meanwhile.
  await reader.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  const rows = (await hasSegments(reader, names, chunk))
    ? readNumberedRows(read(withSegmentsSql(chunk)))
    : readKeyedRows(read(`${leafSql(chunk)} ORDER BY series_id, ts`));
  const segments = encodeRows(pace.over<SeriesRows>(rows), (points) => {
    within += points;
  });
  await pipeline(segmentRows(segments), write(COPY_SEGMENTS), { signal });
  if (within > 0) await pipeline(read(withinSql(chunk)), write(COPY_LATE), { signal });
  await reader.query('COMMIT');
}

const COPY_LATE = 'COPY :"internal".points_late (series_id, ts, value) FROM STDIN WITH (FORMAT binary)';

async function hasSegments(client: Client, names: SchemaNames, { from }: NamedChunk): Promise<boolean> {
  const { rowCount } = await client.query(
    withNames('SELECT FROM :"internal".series_heads WHERE mark >= $1 LIMIT 1', names),
    [from],
  );
  return rowCount !== 0;
}

/** Through the parent, which is what the role may read; the range leaves one partition of it. */
function leafSql({ from, to }: NamedChunk): string {
  return `SELECT series_id, ts, value FROM :"internal".points WHERE ts >= '${from}' AND ts < '${to}'`;
}

/** Among the points, at its first time, each segment: with the microseconds that it covers. */
function withSegmentsSql(chunk: NamedChunk): string {
  return `SELECT series_id, ts, value, 0::bigint FROM (${leafSql(chunk)}) p
    UNION ALL
    SELECT series_id, start_ts, 0, (extract(epoch FROM end_ts - start_ts) * 1000000)::bigint + 1 FROM :"internal".segments
    WHERE start_ts >= '${chunk.from}' AND start_ts < '${chunk.to}'
    ORDER BY 1, 2`;
}

function withinSql(chunk: NamedChunk): string {
  return `SELECT p.series_id, p.ts, p.value FROM :"internal".segments s
    JOIN (${leafSql(chunk)}) p ON p.series_id = s.series_id AND p.ts > s.start_ts AND p.ts < s.end_ts
    WHERE s.start_ts >= '${chunk.from}' AND s.start_ts < '${chunk.to}'`;
}
