import type { Client } from 'pg';
import { TidegateError } from '../../errors.ts';
import { float8Array, int8Array, timestamptzArray } from '../../postgres/binary.ts';
import { fenced } from '../../postgres/fence.ts';
import { type SchemaNames, withNames } from '../../postgres/names.ts';
import { SegmentEditor } from '../../postgres/segment-editor.ts';
import type { JobContext, JobReport } from '../../scheduler/types.ts';
import { compactLeaf } from './leaf-compaction.ts';
import type { Pace } from './pace.ts';
import { whenUnlocked } from './patience.ts';
import { mergeSealed } from './segment-merge.ts';

const JOB = 'compression';

export interface NamedChunk {
  readonly id: string;
  readonly name: string;
  readonly state: string;
  /** As PostgreSQL writes them. */
  readonly from: string;
  readonly to: string;
}

/** A connection that reads a chunk while the other one, in its transaction, writes the segments. */
export interface CompactionClients {
  readonly reader: Client;
  readonly writer: Client;
}

/**
 * Turns an open chunk of points into segments. It closes first: from then on writers use the late table, so that nothing
 * here is in their way. The segments and the chunk's mark commit as one, and the leaf goes when no reader needs it any
 * more. Ended at any moment, it leaves the chunk readable, and the next run goes on. The job rests now and then; by hand it
 * goes as fast as it can.
 */
export async function compressChunk(
  { reader, writer }: CompactionClients,
  names: SchemaNames,
  chunk: NamedChunk,
  context: JobContext,
  pace: Pace,
): Promise<JobReport> {
  const query = async (sql: string, parameters: readonly unknown[] = []) =>
    await writer.query<Record<string, string>>(withNames(sql, names), [...parameters]);
  const inTransaction = async <T>(work: () => Promise<T>): Promise<T> =>
    await fenced(writer, names, JOB, context.epoch, work);

  const closed = await whenUnlocked(context.signal, () => inTransaction(() => close(query, chunk)));
  if (!closed) throw new TidegateError('chunk_state', `${chunk.name}: another job is at work; try again`);
  const ready = await whenUnlocked(context.signal, () =>
    inTransaction(async () => {
      await writer.query(`SET LOCAL lock_timeout = '100ms'`);
      await query(
        `SELECT :"internal".open_segment_partition(moment)
         FROM generate_series($1::timestamptz, $2::timestamptz - interval '1 microsecond', interval '28 days') AS moment
         UNION ALL SELECT :"internal".open_segment_partition($2::timestamptz - interval '1 microsecond')`,
        [chunk.from, chunk.to],
      );
    }),
  );
  if (!ready)
    throw new TidegateError('chunk_state', `${chunk.name}: readers keep the segments locked; try again`);

  let points = 0;
  const sizes = await inTransaction(async () => {
    context.signal.throwIfAborted();
    await stillClosing(query, chunk);
    const before = await measure(query, chunk);
    await compactLeaf({ reader, writer }, names, chunk, context, pace);
    const after = await measure(query, chunk);
    const measured = { before: before.leaf + before.segments, after: after.segments };
    points = after.points;
    // From here on writers wait, so it is short.
    await query('SELECT pg_advisory_xact_lock(:"internal".chunk_map_lock())');
    await takeCorrections(writer, names, chunk);
    await seal(query, chunk, points, measured);
    return measured;
  });
  let dropped = false;
  await whenUnlocked(context.signal, () =>
    inTransaction(async () => {
      await writer.query(`SET LOCAL lock_timeout = '100ms'`);
      const { rows } = await writer.query<{ gone: boolean }>(
        withNames('SELECT :"internal".drop_sealed_leaf($1) AS gone', names),
        [chunk.id],
      );
      dropped = rows[0]?.gone === true;
    }),
  );
  await mergeSealed(writer, names, chunk, context, pace);
  const left = dropped ? '' : '; its rows go when no reader needs them any more';
  return {
    rows: points,
    detail: `${chunk.name}: ${points} points, ${sizes.before} to ${sizes.after} bytes${left}`,
  };
}

type Query = (
  sql: string,
  parameters?: readonly unknown[],
) => Promise<{ rows: Record<string, string>[]; rowCount: number | null }>;

/** Once the map's lock is had, no transaction is under way that writes into the leaf, and none will be. */
async function close(query: Query, chunk: NamedChunk): Promise<void> {
  await query('SELECT pg_advisory_xact_lock(:"internal".chunk_map_lock())');
  const { rows } = await query('SELECT state FROM :"internal".chunks WHERE chunk_id = $1 FOR UPDATE', [
    chunk.id,
  ]);
  const state = rows[0]?.['state'];
  if (state === 'closing') return;
  if (state !== 'open') throw new TidegateError('chunk_state', `${chunk.name} is ${state ?? 'gone'}`);
  await query(`UPDATE :"internal".chunks SET state = 'closing', changed_at = now() WHERE chunk_id = $1`, [
    chunk.id,
  ]);
  await query('UPDATE :"internal".chunk_map SET version = version + 1');
}

/** Another process may have come first between two of our transactions. Its lock keeps retention away until we are done. */
async function stillClosing(query: Query, chunk: NamedChunk): Promise<void> {
  const { rows } = await query('SELECT state FROM :"internal".chunks WHERE chunk_id = $1 FOR UPDATE', [
    chunk.id,
  ]);
  const state = rows[0]?.['state'];
  if (state !== 'closing') throw new TidegateError('chunk_state', `${chunk.name} is ${state ?? 'gone'}`);
}

/** What keep_last replaced in the leaf, perhaps after it was read: its points are in segments now, or late ones. */
async function takeCorrections(client: Client, names: SchemaNames, { from, to }: NamedChunk): Promise<void> {
  const { rows } = await client.query<{ series_id: string; time: string; value: number }>(
    withNames(
      `WITH taken AS (DELETE FROM :"internal".closing_corrections WHERE ts >= $1 AND ts < $2 RETURNING *)
       SELECT series_id, extract(epoch FROM ts) * 1000000 AS time, value FROM taken ORDER BY series_id, ts`,
      names,
    ),
    [from, to],
  );
  if (rows.length === 0) return;
  const corrected = {
    seriesId: rows.map((row) => Number(row.series_id)),
    timestamp: rows.map((row) => Math.round(Number(row.time))),
    value: rows.map((row) => row.value),
    arrival: rows.map(() => false),
  };
  await new SegmentEditor(names).replace(client, corrected);
  await client.query(
    withNames(
      `UPDATE :"internal".points_late l SET value = i.value
       FROM unnest($1::bigint[], $2::timestamptz[], $3::double precision[]) AS i (series_id, ts, value)
       WHERE l.series_id = i.series_id AND l.ts = i.ts`,
      names,
    ),
    [int8Array(corrected.seriesId), timestamptzArray(corrected.timestamp), float8Array(corrected.value)],
  );
}

/** What the segments of a span ($2 to $3) take: each with a line pointer and header, and an index entry of about 40 bytes. */
export const SEGMENT_BYTES = `
  SELECT coalesce(sum(pg_column_size(s.*) + 68), 0) FROM :"internal".segments s WHERE s.start_ts >= $2 AND s.start_ts < $3`;

/** Bytes of the leaf and of the chunk's segments, whose points these are. */
interface Measured {
  readonly leaf: number;
  readonly segments: number;
  readonly points: number;
}

async function measure(query: Query, chunk: NamedChunk): Promise<Measured> {
  const { rows } = await query(
    `SELECT pg_total_relation_size(t.oid) AS leaf, (${SEGMENT_BYTES}) AS segments,
       (SELECT coalesce(sum(s.n), 0) FROM :"internal".segments s WHERE s.start_ts >= $2 AND s.start_ts < $3) AS points
     FROM pg_class t WHERE t.relnamespace = :'internal'::regnamespace AND t.relname = $1`,
    [chunk.name, chunk.from, chunk.to],
  );
  const [row] = rows;
  return {
    leaf: Number(row?.['leaf']),
    segments: Number(row?.['segments']),
    points: Number(row?.['points']),
  };
}

async function seal(
  query: Query,
  chunk: NamedChunk,
  points: number,
  bytes: { readonly before: number; readonly after: number },
): Promise<void> {
  await query(
    `UPDATE :"internal".chunks
     SET state = 'sealed', changed_at = now(), sealed_by = pg_current_xact_id(), points = $2, bytes_before = $3, bytes_after = $4
     WHERE chunk_id = $1`,
    [chunk.id, points, bytes.before, bytes.after],
  );
  await query(
    `UPDATE :"internal".chunk_map SET version = version + 1,
       retired = retired + (SELECT tstzmultirange(tstzrange(range_start, range_end)) FROM :"internal".chunks WHERE chunk_id = $1)`,
    [chunk.id],
  );
}
