import type { Client } from 'pg';
import { int8Array, timestamptzArray } from '../../postgres/binary.ts';
import { fenced } from '../../postgres/fence.ts';
import { type SchemaNames, withNames } from '../../postgres/names.ts';
import { type AddedRun, SegmentEditor, type Span } from '../../postgres/segment-editor.ts';
import { SEGMENT_BYTES } from './compaction.ts';
import type { JobContext } from '../../scheduler/types.ts';
import { pacedStep } from './pace.ts';
import { whenUnlocked } from './patience.ts';

/** Late points that are looked at together. */
const STEP = 2_000;
/** Points that are decoded and encoded anew under one lock of the map: writers wait for as long, some 100 ms. */
const DECODED = 100_000;

/** A late point and the segment that it goes into: the last one before it, else the first one after it. */
interface LateRow {
  readonly series_id: string;
  readonly time: string;
  readonly home_start: string | null;
  readonly home_end: string | null;
  readonly n: number | null;
}

interface Key {
  readonly seriesId: string;
  /** Microseconds since 1970. */
  readonly time: number;
}

/**
 * Takes the late points of a sealed chunk into its segments, some at a time, alone under the map's lock: a writer that
 * holds a point against segments and late points must find it in one of them. Resolves to how many.
 */
export async function mergeLate(
  client: Client,
  names: SchemaNames,
  chunk: { readonly id: string } & Span,
  context: JobContext,
): Promise<number> {
  const editor = new SegmentEditor(names);
  let total = 0;
  for (let after: Key | null = { seriesId: '0', time: 0 }; after !== null; ) {
    const from: Key = after;
    after = null;
    await whenUnlocked(context.signal, async () => {
      context.signal.throwIfAborted();
      const step = await pacedStep(context, () =>
        fenced(client, names, 'compression', context.epoch, () =>
          mergeStep(client, names, editor, chunk, from),
        ),
      );
      total += step.merged;
      after = step.last;
    });
  }
  if (total > 0) await measureAgain(client, names, chunk);
  return total;
}

/** What the chunk takes now that its segments were encoded anew. */
async function measureAgain(
  client: Client,
  names: SchemaNames,
  chunk: { readonly id: string } & Span,
): Promise<void> {
  await client.query(
    withNames(
      `UPDATE :"internal".chunks SET bytes_after = (${SEGMENT_BYTES}) WHERE chunk_id = $1 AND state = 'sealed'`,
      names,
    ),
    [chunk.id, chunk.from, chunk.to],
  );
}

/** `last` is where to go on; null at the end, or where the chunk is not sealed any more. */
async function mergeStep(
  client: Client,
  names: SchemaNames,
  editor: SegmentEditor,
  chunk: { readonly id: string } & Span,
  after: Key,
): Promise<{ readonly merged: number; readonly last: Key | null }> {
  await client.query(withNames('SELECT pg_advisory_xact_lock(:"internal".chunk_map_lock())', names));
  const { rows } = await client.query<LateRow>(withNames(LATE, names), [
    chunk.from,
    chunk.to,
    chunk.id,
    after.seriesId,
    timestamptzArray([after.time]),
  ]);
  const homes = runsOf(rows);
  if (homes.length === 0) return { merged: 0, last: null };
  const taken = homes.flat();
  const { rows: values } = await client.query<{ row: string; value: number }>(withNames(TAKE, names), [
    int8Array(taken.map((row) => Number(row.series_id))),
    timestamptzArray(taken.map(({ time }) => Math.round(Number(time)))),
  ]);
  const valueOf = new Map(values.map(({ row, value }) => [taken[Number(row) - 1], value]));
  const runs = homes
    .map((run) => run.filter((row) => valueOf.has(row)))
    .filter((run) => run.length > 0)
    .map((run): AddedRun => {
      const { series_id: seriesId, home_start: start, home_end: end } = run[0] as LateRow;
      return {
        seriesId: Number(seriesId),
        home: start === null ? null : { start: Math.round(Number(start)), end: Math.round(Number(end)) },
        points: {
          timestamp: Float64Array.from(run, ({ time }) => Math.round(Number(time))),
          value: Float64Array.from(run, (row) => valueOf.get(row) as number),
        },
      };
    });
  await editor.merge(client, runs);
  await client.query(
    withNames('UPDATE :"internal".chunks SET points = points + $2 WHERE chunk_id = $1', names),
    [chunk.id, values.length],
  );
  const { series_id: seriesId, time } = taken.at(-1) as LateRow;
  return { merged: values.length, last: { seriesId, time: Math.round(Number(time)) } };
}

/** By segment, as many as may be decoded together. */
function runsOf(rows: readonly LateRow[]): LateRow[][] {
  const runs: LateRow[][] = [];
  let decoded = 0;
  let before: LateRow | null = null;
  for (const row of rows) {
    if (before?.series_id !== row.series_id || before.home_start !== row.home_start) {
      decoded += row.n ?? 0;
      if (runs.length > 0 && decoded > DECODED) break;
      runs.push([]);
    }
    runs.at(-1)?.push(row);
    before = row;
  }
  return runs;
}

const MICROSECONDS = (column: string): string => `extract(epoch FROM ${column}) * 1000000`;

/** $1 and $2 the chunk, $3 its id, $4 and $5 the last point that was looked at. */
const LATE = `
SELECT l.series_id, ${MICROSECONDS('l.ts')} AS time,
  ${MICROSECONDS('home.start_ts')} AS home_start, ${MICROSECONDS('home.end_ts')} AS home_end, home.n
FROM (
  SELECT series_id, ts FROM :"internal".points_late
  WHERE ts >= $1 AND ts < $2 AND (series_id, ts) > ($4, ($5::timestamptz[])[1])
    AND EXISTS (SELECT FROM :"internal".chunks WHERE chunk_id = $3 AND state = 'sealed')
  ORDER BY series_id, ts LIMIT ${STEP}
) l
LEFT JOIN LATERAL (
  SELECT * FROM (
    (SELECT start_ts, end_ts, n FROM :"internal".segments s
     WHERE s.series_id = l.series_id AND s.start_ts >= $1 AND s.start_ts < $2 AND s.end_ts >= l.ts ORDER BY end_ts LIMIT 1)
    UNION ALL
    (SELECT start_ts, end_ts, n FROM :"internal".segments s
     WHERE s.series_id = l.series_id AND s.start_ts >= $1 AND s.start_ts < $2 AND s.end_ts < l.ts ORDER BY end_ts DESC LIMIT 1)
  ) near
  ORDER BY start_ts <= l.ts DESC, end_ts DESC LIMIT 1
) home ON true
ORDER BY l.series_id, l.ts`;

const TAKE = `
WITH taken AS (
  DELETE FROM :"internal".points_late l
  USING unnest($1::bigint[], $2::timestamptz[]) WITH ORDINALITY AS i (series_id, ts, row)
  WHERE l.series_id = i.series_id AND l.ts = i.ts RETURNING i.row, l.value)
SELECT row, value FROM taken`;
