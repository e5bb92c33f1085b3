import type { Client } from 'pg';
import { fenced } from '../../postgres/fence.ts';
import { type SchemaNames, withNames } from '../../postgres/names.ts';
import { SegmentEditor, type SegmentRun } from '../../postgres/segment-editor.ts';
import type { JobContext } from '../../scheduler/types.ts';
import { LEAST_BYTES, MOST_BYTES, MOST_POINTS, MOST_SMALL } from '../../segments/segment.ts';
import type { NamedChunk } from './compaction.ts';
import type { Pace } from './pace.ts';
import { whenUnlocked } from './patience.ts';

/** So many small segments of a series are merged in chunks that are open: a read decodes each of them. */
const GATHERED = 32;
/** Series that are looked at together, and points that are decoded and encoded anew in one transaction: some 100 ms. */
const SERIES = 100;
const DECODED = 100_000;

interface Header {
  readonly series_id: string;
  readonly chunk_id: string;
  /** Microseconds since 1970. */
  readonly first: string;
  readonly last: string;
  readonly n: number;
  readonly bytes: number;
  /** Whether rows lie between it and the one before. */
  readonly apart: boolean;
}

interface Step {
  /** Rows of segments that there are fewer. */
  readonly merged: number;
  /** The last series that is done with; null: there are no more. */
  readonly last: string | null;
}

/** Segments that batches wrote into chunks that are open, of series that have gathered many small ones. */
export async function mergeGathered(
  client: Client,
  names: SchemaNames,
  context: JobContext,
  pace: Pace,
): Promise<number> {
  return await mergeAll(client, names, null, context, pace);
}

/** All of a sealed chunk's that batches wrote, with what its rows became between them. */
export async function mergeSealed(
  client: Client,
  names: SchemaNames,
  chunk: NamedChunk,
  context: JobContext,
  pace: Pace,
): Promise<number> {
  return await mergeAll(client, names, chunk.id, context, pace);
}

async function mergeAll(
  client: Client,
  names: SchemaNames,
  chunk: string | null,
  context: JobContext,
  pace: Pace,
): Promise<number> {
  let merged = 0;
  for (let after: string | null = '0'; after !== null; ) {
    const from: string = after;
    after = null;
    // Where a chunk is being compressed it comes again.
    await whenUnlocked(context.signal, async () => {
      context.signal.throwIfAborted();
      const step = await pace.step(() =>
        fenced(client, names, 'compression', context.epoch, () => mergeStep(client, names, chunk, from)),
      );
      merged += step.merged;
      after = step.last;
    });
  }
  return merged;
}

/**
 * Merges neighbours that fit into one row, of some series. Nobody is waited for: a series whose head or row is locked by a
 * writer comes the next time. The lock on the head keeps writers of rows away for as long, that on the series those who
 * replace points, that on the chunks retention.
 */
async function mergeStep(
  client: Client,
  names: SchemaNames,
  chunk: string | null,
  after: string,
): Promise<Step> {
  const query = async <Row extends object>(sql: string, parameters: readonly unknown[]) =>
    (await client.query<Row>(withNames(sql, names), [...parameters])).rows;
  await query(
    `SELECT FROM :"internal".chunks WHERE source = 'points' AND ${chunkSql(chunk, '$1')} FOR SHARE`,
    chunk === null ? [] : [chunk],
  );
  const heads = await query<{ series_id: string }>(
    `SELECT series_id FROM :"internal".series_heads h WHERE series_id > $1 AND ${chunk === null ? `small >= ${GATHERED}` : HAS_SMALL}
     ORDER BY series_id LIMIT ${SERIES} FOR NO KEY UPDATE SKIP LOCKED`,
    [after, ...(chunk === null ? [] : [chunk])],
  );
  const end = heads.length < SERIES ? null : (heads.at(-1)?.series_id ?? null);
  const locked = await query<{ series_id: string }>(
    `SELECT series_id FROM :"internal".series WHERE series_id = ANY ($1::bigint[]) ORDER BY series_id
     FOR NO KEY UPDATE SKIP LOCKED`,
    [heads.map((head) => head.series_id)],
  );
  if (locked.length === 0) return { merged: 0, last: end };
  const headers = await query<Header>(headersSql(chunk), [
    locked.map((series) => series.series_id),
    ...(chunk === null ? [] : [chunk]),
  ]);
  const { runs, rest } = runsOf(headers, chunk === null);
  const before = runs.reduce((sum, { segments }) => sum + segments.length, 0);
  const written = await new SegmentEditor(names).join(client, runs);
  const isDone = (id: string): boolean => rest === null || Number(id) < Number(rest.series_id);
  const done = locked.map((series) => series.series_id).filter(isDone);
  if (chunk === null) {
    // From the last segment on: the next ones may fit into its row.
    const tails = new Map(headers.map((header) => [header.series_id, header.first]));
    for (const { seriesId, segments } of runs) {
      const id = String(seriesId);
      if (tails.get(id) === String(segments.at(-1)?.start)) tails.set(id, String(segments[0]?.start));
    }
    await query(SET_TAILS, [
      done,
      done.map((id) => (tails.has(id) ? 1 : 0)),
      done.map((id) => tails.get(id) ?? null),
    ]);
    if (rest !== null) await query(SET_TAILS, [[rest.series_id], [GATHERED], [rest.first]]);
  }
  return { merged: before - written, last: rest === null ? end : (done.at(-1) ?? after) };
}

/** Whether a series has segments in a chunk ($2) that are worth merging. */
const HAS_SMALL = `EXISTS (
  SELECT FROM :"internal".chunks c JOIN :"internal".segments s ON s.series_id = h.series_id AND s.n <= ${MOST_SMALL}
    AND s.start_ts >= c.range_start AND s.start_ts < c.range_end AND s.end_ts >= c.range_start AND s.end_ts < c.range_end
  WHERE c.chunk_id = $2 AND h.mark >= c.range_start)`;

/** $1 series, $2 how many small segments they have from $3 on, microseconds since 1970. */
const SET_TAILS = `
UPDATE :"internal".series_heads h SET small = i.small, small_from = to_timestamp(i.tail / 1000000)
FROM unnest($1::bigint[], $2::integer[], $3::double precision[]) AS i (series_id, small, tail) WHERE h.series_id = i.series_id`;

/**
 * Neighbours that fit into one row together, as many as may be decoded at once; `rest` is where the others begin: with
 * another series, or `anywhere`.
 */
function runsOf(headers: readonly Header[], anywhere: boolean): { runs: SegmentRun[]; rest: Header | null } {
  const runs: SegmentRun[] = [];
  let decoded = 0;
  let run: Header[] = [];
  const close = (): void => {
    if (run.length < 2) return;
    decoded += run.reduce((sum, { n }) => sum + n, 0);
    runs.push({
      seriesId: Number(run[0]?.series_id),
      segments: run.map(({ first, last }) => ({ start: Number(first), end: Number(last) })),
    });
  };
  const fits = (header: Header): boolean => {
    const [before] = run;
    if (before?.series_id !== header.series_id || before.chunk_id !== header.chunk_id || header.apart)
      return false;
    const n = run.reduce((sum, one) => sum + one.n, header.n);
    const bytes = run.reduce((sum, one) => sum + one.bytes - LEAST_BYTES, header.bytes);
    return n <= MOST_POINTS && bytes <= MOST_BYTES;
  };
  for (const header of headers) {
    if (fits(header)) {
      run.push(header);
      continue;
    }
    close();
    if (decoded > DECODED && (anywhere || run[0]?.series_id !== header.series_id))
      return { runs, rest: header };
    run = [header];
  }
  close();
  return { runs, rest: null };
}

function chunkSql(chunk: string | null, parameter: string): string {
  return chunk === null ? `state = 'open'` : `state = 'sealed' AND chunk_id = ${parameter}`;
}

const MICROSECONDS = (column: string): string => `(extract(epoch FROM ${column}) * 1000000)::bigint`;

/** $1 the series, $2 the chunk where there is one. */
function headersSql(chunk: string | null): string {
  return `
SELECT s.series_id, s.chunk_id, ${MICROSECONDS('s.start_ts')} AS first, ${MICROSECONDS('s.end_ts')} AS last, s.n, s.bytes,
  ${
    chunk === null
      ? `EXISTS (SELECT FROM :"internal".points p WHERE p.series_id = s.series_id AND p.ts > s.before AND p.ts < s.start_ts)`
      : 'false'
  } AS apart
FROM (
  SELECT s.series_id, c.chunk_id, s.start_ts, s.end_ts, s.n, pg_column_size(s.*) AS bytes,
    lag(s.end_ts) OVER (PARTITION BY s.series_id, c.chunk_id ORDER BY s.start_ts) AS before
  FROM :"internal".series_heads h
  JOIN :"internal".chunks c ON c.source = 'points' AND ${chunkSql(chunk, '$2')} AND c.range_start <= h.mark
    ${chunk === null ? 'AND c.range_end > h.small_from' : ''}
  JOIN :"internal".segments s ON s.series_id = h.series_id AND s.start_ts >= c.range_start AND s.start_ts < c.range_end
    AND s.end_ts >= c.range_start AND s.end_ts < c.range_end ${chunk === null ? 'AND s.start_ts >= h.small_from AND s.end_ts >= h.small_from' : ''}
  WHERE h.series_id = ANY ($1::bigint[])
) s
ORDER BY s.series_id, s.start_ts`;
}
