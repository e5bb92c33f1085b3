import type { Client } from 'pg';
import { type SchemaNames, withNames } from '../../postgres/names.ts';
import { binSql, frozenSql, intervalSql, type LevelState, LEVEL_STATES } from './aggregate-state.ts';

/** Rows of the queue, and about how many pairs, that one transaction takes. */
const ROWS = 1_000;
const PAIRS = 50_000;
/** Pairs in one row that is put into a queue. */
const ROW_PAIRS = 5_000;

export interface DirtyStep {
  /** Rows that were taken from the queue; 0: it was empty. */
  readonly taken: number;
  readonly computed: number;
}

interface DirtyOptions {
  /** What an earlier step put back as late, or what writers and the level below put in. */
  readonly late: boolean;
  /** Pairs before it are put back as late. */
  readonly recentFrom: string;
  /** What was put into the queue later stays there. */
  readonly until: string;
}

/**
 * One step of one level, within the caller's transaction: takes dirty (series, bucket) pairs from its queue, computes those
 * below the watermark again, and hands them on to the level above. Those not below it are computed when the watermark
 * passes them. A level that is not enabled hands on only.
 * The queue's rows are deleted before points are read, in an earlier statement: whoever commits in between has left a row
 * in the queue for the next time.
 */
export async function refreshDirty(
  client: Client,
  names: SchemaNames,
  level: LevelState['level'],
  { late, recentFrom, until }: DirtyOptions,
): Promise<DirtyStep> {
  const query = async <Row extends object>(sql: string, parameters: readonly unknown[]) =>
    await client.query<Row>(withNames(sql, names), [...parameters]);

  await query('SELECT FROM :"internal".aggregates WHERE level = $1 FOR UPDATE', [level]);
  const { rows: states } = await query<LevelState>(LEVEL_STATES, [level]);
  const state = states[0] as LevelState;
  const { rows } = await query<TakenPairs>(takeSql(state), [level, late, recentFrom, until]);
  const {
    taken,
    series,
    buckets,
    later_series: laterSeries,
    later_buckets: laterBuckets,
  } = rows[0] as TakenPairs;
  if (laterSeries !== null) {
    await query(enqueueSql(state.width), [level, true, laterSeries, laterBuckets]);
  }
  if (series === null) return { taken: Number(taken), computed: 0 };
  let computed = 0;
  if (state.enabled) {
    await query(thawSql(level), [series, buckets]);
    await query(dropFramesSql(level), [series, buckets]);
    await query(
      `DELETE FROM :"internal".aggregate_${level} a USING unnest($1::bigint[], $2::timestamptz[]) AS p (series_id, bucket)
       WHERE a.series_id = p.series_id AND a.bucket = p.bucket`,
      [series, buckets],
    );
    const inserted = await query(insertSql(state), [series, buckets, state.edges]);
    computed = inserted.rowCount ?? 0;
  }
  if (state.next !== null) {
    const { rows: above } = await query<LevelState>(LEVEL_STATES, [state.next]);
    await query(enqueueSql((above[0] as LevelState).width), [state.next, false, series, buckets]);
  }
  return { taken: Number(taken), computed };
}

/** Arrays in PostgreSQL's text form, which go back as they came; null where there are no pairs. */
interface TakenPairs {
  readonly taken: string;
  readonly series: string | null;
  readonly buckets: string | null;
  readonly later_series: string | null;
  readonly later_buckets: string | null;
}

/** $1 level, $2 late, $3 the beginning of what is recent, $4 until when it was queued. */
function takeSql(state: LevelState): string {
  return `
WITH heads AS (
  SELECT ctid, cardinality(series_ids) AS pairs, written_at FROM :"internal".dirty_buckets
  WHERE level = $1 AND late = $2 AND written_at <= $4 ORDER BY written_at LIMIT ${ROWS}
), wanted AS (
  SELECT ctid FROM (SELECT ctid, sum(pairs) OVER (ORDER BY written_at, ctid) - pairs AS before FROM heads) sums
  WHERE before < ${PAIRS}
), taken AS (
  DELETE FROM :"internal".dirty_buckets WHERE ctid = ANY (ARRAY(SELECT ctid FROM wanted)) RETURNING series_ids, buckets
), pairs AS (
  SELECT DISTINCT s.series_id, ${binSql(state.width, 'p.bucket')} AS bucket,
    NOT $2 AND ${state.enabled} AND p.bucket < $3::timestamptz AS later
  FROM taken t CROSS JOIN LATERAL unnest(t.series_ids, t.buckets) AS p (series_id, bucket)
  JOIN :"internal".series s ON s.series_id = p.series_id AND s.aggregated AND NOT s.is_text
  WHERE ${state.enabled ? `p.bucket >= ${frozenSql(state)}` : 'true'}
)
SELECT (SELECT count(*) FROM taken) AS taken,
  (array_agg(series_id ORDER BY series_id, bucket) FILTER (WHERE NOT later))::text AS series,
  (array_agg(bucket ORDER BY series_id, bucket) FILTER (WHERE NOT later))::text AS buckets,
  (array_agg(series_id ORDER BY series_id, bucket) FILTER (WHERE later))::text AS later_series,
  (array_agg(bucket ORDER BY series_id, bucket) FILTER (WHERE later))::text AS later_buckets
FROM pairs`;
}

/** $1 level, $2 late, $3 and $4 pairs, of which the distinct buckets of this width are queued. */
function enqueueSql(width: number): string {
  return `
INSERT INTO :"internal".dirty_buckets (level, late, series_ids, buckets)
SELECT $1, $2, array_agg(series_id ORDER BY series_id, bucket), array_agg(bucket ORDER BY series_id, bucket)
FROM (
  SELECT series_id, bucket, (row_number() OVER (ORDER BY series_id, bucket) - 1) / ${ROW_PAIRS} AS part
  FROM (
    SELECT DISTINCT series_id, ${binSql(width, 'bucket')} AS bucket
    FROM unnest($3::bigint[], $4::timestamptz[]) AS p (series_id, bucket)
  ) pairs
) parts
GROUP BY part`;
}

const FRAMES_HIT = (level: string): string => `
  SELECT DISTINCT f.series_id, f.start_bucket, f.end_bucket
  FROM unnest($1::bigint[], $2::timestamptz[]) AS p (series_id, bucket)
  JOIN :"internal".frames_${level} f ON f.series_id = p.series_id AND f.end_bucket >= p.bucket AND f.start_bucket <= p.bucket`;

/** A frame with a dirty bucket becomes rows again; the next compression packs them. */
function thawSql(level: string): string {
  return `
INSERT INTO :"internal".aggregate_${level}
SELECT r.series_id, r.bucket, r.count, r.excluded, r.sum, r.m2, r.min, r.max, r.first_value, r.first_time, r.last_value,
  r.last_time, r.increase, r.resets, r.integral, r.seconds
FROM (${FRAMES_HIT(level)}) f
CROSS JOIN LATERAL (
  SELECT * FROM :"internal".frame_rows_${level} r
  WHERE r.series_id = f.series_id AND r.end_bucket = f.end_bucket AND r.start_bucket = f.start_bucket
) r
ON CONFLICT DO NOTHING`;
}

function dropFramesSql(level: string): string {
  return `
DELETE FROM :"internal".frames_${level} WHERE (series_id, end_bucket, start_bucket) IN (
  SELECT series_id, end_bucket, start_bucket FROM (${FRAMES_HIT(level)}) f)`;
}

/** Pairs that follow each other are computed as one range. */
function insertSql({ level, width }: LevelState): string {
  return `
INSERT INTO :"internal".aggregate_${level}
SELECT s.series_id, c.*
FROM (
  SELECT series_id, min(bucket) AS first, max(bucket) + ${intervalSql(width)} AS stop
  FROM (
    SELECT series_id, bucket,
      bucket - row_number() OVER (PARTITION BY series_id ORDER BY bucket) * ${intervalSql(width)} AS island
    FROM unnest($1::bigint[], $2::timestamptz[]) AS p (series_id, bucket)
    WHERE bucket < (SELECT watermark FROM :"internal".aggregates WHERE level = '${level}')
  ) buckets
  GROUP BY series_id, island
) runs
JOIN :"internal".series s USING (series_id)
CROSS JOIN LATERAL :"internal".computed_${level}(
  s.series_id, runs.first, runs.stop, $3::timestamptz[], s.counter_tolerance, s.counter_rollover, date_part('epoch', s.longest_hold)) c`;
}
