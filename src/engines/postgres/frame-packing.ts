import { pipeline } from 'node:stream/promises';
import type { Client } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { fenced } from '../../postgres/fence.ts';
import { AGGREGATE_RECORD, copyFrames, frameRows, readAggregateRow } from '../../postgres/frame-rows.ts';
import { type SchemaNames, withNames } from '../../postgres/names.ts';
import type { JobContext } from '../../scheduler/types.ts';
import { type AggregateRows, emptyRows } from '../../segments/aggregate-rows.ts';
import { encodeFrames } from '../../segments/frame.ts';
import type { LevelName } from '../engine.ts';
import { lockLevel } from './aggregate-state.ts';
import { Pace } from './pace.ts';
import { whenUnlocked } from './patience.ts';

/** How long a span of each level is packed together: some hundred rows of a series. */
const SPANS: Readonly<Record<LevelName, string>> = {
  '1min': '1 day',
  '15min': '7 days',
  '1hour': '28 days',
  '1day': '364 days',
};
/** Rows of one transaction, in which no refresh of the level runs. */
const STEP = 20_000;
/** What a row takes before: its 16 columns, header and line pointer, and its entry in the index. */
const ROW_BYTES = 156 + 40;
/** What a frame takes beside its columns: line pointer and index entry. */
const FRAME_OVERHEAD = 4 + 40;

/** Packs the aggregate's rows of spans that ended `after` milliseconds ago. Resolves to how many rows. */
export async function packLevel(
  client: Client,
  names: SchemaNames,
  level: LevelName,
  after: number,
  context: JobContext,
): Promise<number> {
  const { rows: spans } = await client.query<{ from: string; to: string }>(
    withNames(
      `SELECT bin::text AS "from", (bin + $1::interval)::text AS "to"
       FROM (SELECT DISTINCT date_bin($1, bucket, timestamptz '2000-01-03 00:00:00+00') AS bin
             FROM :"internal"."aggregate_${level}") bins
       WHERE bin + $1::interval <= now() - make_interval(secs => $2) ORDER BY bin`,
      names,
    ),
    [SPANS[level], after / 1000],
  );
  const pace = new Pace(context);
  let total = 0;
  for (const span of spans) {
    let packed = 0;
    for (let series: string | null = '0'; series !== null; ) {
      context.signal.throwIfAborted();
      const from: string = series;
      const step = await pace.step(() =>
        fenced(client, names, 'compression', context.epoch, () => packStep(client, names, level, span, from)),
      );
      packed += step.rows;
      series = step.last;
    }
    await fenced(client, names, 'compression', context.epoch, () => note(client, names, level, span, packed));
    total += packed;
  }
  return total;
}

/**
 * Gives back what packing left of the index, once vacuum has given back the table's pages. That may be long after, and
 * vacuum itself may be in the way: every run tries.
 */
export async function shrinkLevel(
  client: Client,
  names: SchemaNames,
  level: LevelName,
  context: JobContext,
): Promise<void> {
  await whenUnlocked(context.signal, () =>
    fenced(client, names, 'compression', context.epoch, async () => {
      await client.query(`SET LOCAL lock_timeout = '100ms'`);
      await client.query(withNames('SELECT :"internal".shrink_aggregate($1)', names), [level]);
    }),
  );
}

interface Span {
  readonly from: string;
  readonly to: string;
}

/** The rows of the series after `after`; `last` is where to go on, null at the end. */
async function packStep(
  client: Client,
  names: SchemaNames,
  level: LevelName,
  { from, to }: Span,
  after: string,
): Promise<{ rows: number; last: string | null }> {
  const query = async <Row extends object>(sql: string, parameters: readonly unknown[]) =>
    await client.query<Row>(withNames(sql, names), [...parameters]);
  await lockLevel(client, names, level);
  const table = `:"internal"."aggregate_${level}"`;
  // Whole series, so that a frame is as long as it can be.
  const { rows: ends } = await query<{ last: string | null }>(
    `SELECT max(series_id) AS last FROM (
       SELECT series_id FROM ${table} WHERE series_id > $1 AND bucket >= $2 AND bucket < $3
       ORDER BY series_id LIMIT ${STEP}) step`,
    [after, from, to],
  );
  const last = ends[0]?.last ?? null;
  if (last === null) return { rows: 0, last };
  const { rows: records } = await query<{ record: Buffer }>(
    `SELECT ${AGGREGATE_RECORD} AS record FROM ${table}
     WHERE series_id > $1 AND series_id <= $2 AND bucket >= $3 AND bucket < $4 ORDER BY series_id, bucket`,
    [after, last, from, to],
  );
  await pipeline(
    frameRows(encodeFrames(columns(records))),
    client.query(copyFrom(withNames(copyFrames(level), names))),
  );
  await query(
    `DELETE FROM ${table} WHERE series_id > $1 AND series_id <= $2 AND bucket >= $3 AND bucket < $4`,
    [after, last, from, to],
  );
  return { rows: records.length, last };
}

function columns(records: readonly { readonly record: Buffer }[]): AggregateRows {
  const rows = emptyRows(records.length);
  for (const [row, { record }] of records.entries()) readAggregateRow(record, rows, row);
  return rows;
}

/** The span as a chunk that is compressed, for lists and statistics. */
async function note(
  client: Client,
  names: SchemaNames,
  level: LevelName,
  { from, to }: Span,
  packed: number,
): Promise<void> {
  if (packed === 0) return;
  await client.query(
    withNames(
      `INSERT INTO :"internal".chunks AS c (source, range_start, range_end, state, leaf, attached, points, bytes_before, bytes_after)
       SELECT $1, $2::timestamptz, $3::timestamptz, 'sealed', $1 || to_char($2::timestamptz AT TIME ZONE 'UTC', '_YYYYMMDD'),
         false, sum(f.n), sum(f.n) * ${ROW_BYTES}, sum(pg_column_size(f.*) + ${FRAME_OVERHEAD})
       FROM :"internal"."frames_${level}" f WHERE f.start_bucket >= $2 AND f.start_bucket < $3
       ON CONFLICT (source, range_start) DO UPDATE
       SET points = excluded.points, bytes_before = excluded.bytes_before, bytes_after = excluded.bytes_after, changed_at = now()`,
      names,
    ),
    [level, from, to],
  );
}
