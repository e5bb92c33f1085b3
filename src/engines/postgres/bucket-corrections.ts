import type { Client } from 'pg';
import { type SchemaNames, withNames } from '../../postgres/names.ts';
import { deviationBetween } from '../added-buckets.ts';
import type { LevelName } from '../engine.ts';
import type { BucketCounts, Target } from '../point-places.ts';

/** Corrections of the aggregates' rows, those in frames included. */

const LEVELS = ['1min', '15min', '1hour', '1day'] as const satisfies readonly LevelName[];

const COLUMNS =
  'bucket, count, excluded, sum, m2, min, max, first_value, first_time, last_value, last_time, increase, resets, integral, seconds';

export async function countBuckets(
  client: Client,
  names: SchemaNames,
  { series, from, to, whole }: Target,
): Promise<BucketCounts> {
  let buckets = 0;
  for (const level of LEVELS) {
    const { rows } = await client.query<{ buckets: string }>(
      withNames(whole ? wholeSql(level) : frozenOfSql(level), names),
      whole ? [series] : [series, from, to],
    );
    buckets += Number(rows[0]?.buckets);
  }
  return whole ? { buckets, frozen: 0 } : { buckets: 0, frozen: buckets };
}

/** Resolves to how many rows went. */
export async function removeBuckets(
  client: Client,
  names: SchemaNames,
  series: readonly number[],
): Promise<number> {
  let removed = 0;
  for (const level of LEVELS) {
    const { rows } = await client.query<{ buckets: string }>(
      withNames(
        `WITH rows AS (DELETE FROM :"internal".aggregate_${level} WHERE series_id = ANY ($1) RETURNING 1),
           frames AS (DELETE FROM :"internal".frames_${level} WHERE series_id = ANY ($1) RETURNING n)
         SELECT (SELECT count(*) FROM rows) + (SELECT coalesce(sum(n), 0) FROM frames) AS buckets`,
        names,
      ),
      [series],
    );
    removed += Number(rows[0]?.buckets);
  }
  return removed;
}

/**
 * Rows whose points are gone become the other series', added to what it has of the bucket: sums exactly as points would
 * have given them; increase, integral and seconds without the pairs between the two. The others are computed anew.
 */
export async function moveBuckets(
  client: Client,
  names: SchemaNames,
  from: number,
  into: number,
): Promise<void> {
  for (const level of LEVELS) {
    for (const sql of [thawSql(level), dropThawedSql(level), moveSql(level)])
      await client.query(withNames(sql, names), [from, into]);
  }
  await removeBuckets(client, names, [from]);
}

/** An expression of series `s`: rows of the level before it are never computed again. */
function frozenBefore(level: LevelName): string {
  return `greatest(s.raw_cut, (SELECT raw_cut FROM :"internal".chunk_map), (
    SELECT max(b.cut) FROM :"internal".aggregates a JOIN :"internal".aggregates b
      ON b.position <= a.position AND (b.enabled OR b.level = a.level) WHERE a.level = '${level}'))`;
}

function wholeSql(level: LevelName): string {
  return `SELECT (SELECT count(*) FROM :"internal".aggregate_${level} WHERE series_id = ANY ($1))
    + (SELECT coalesce(sum(n), 0) FROM :"internal".frames_${level} WHERE series_id = ANY ($1)) AS buckets`;
}

function frozenOfSql(level: LevelName): string {
  const time = `r.bucket > $2::timestamptz - l.width AND r.bucket < $3 AND r.bucket < ${frozenBefore(level)}`;
  return `SELECT count(*) AS buckets
    FROM :"internal".series s
    CROSS JOIN (SELECT width FROM :"internal".aggregates WHERE level = '${level}') l
    CROSS JOIN LATERAL (
      SELECT FROM :"internal".aggregate_${level} r WHERE r.series_id = s.series_id AND ${time}
      UNION ALL
      SELECT FROM :"internal".frame_rows_${level} r WHERE r.series_id = s.series_id
        AND r.end_bucket > $2::timestamptz - l.width AND r.start_bucket < $3 AND ${time}
    ) frozen
    WHERE s.series_id = ANY ($1)`;
}

const FROZEN_FRAMES = (level: LevelName): string =>
  `series_id IN ($1, $2) AND start_bucket < (SELECT ${frozenBefore(level)} FROM :"internal".series s WHERE s.series_id = $1)`;

function thawSql(level: LevelName): string {
  return `INSERT INTO :"internal".aggregate_${level} (series_id, ${COLUMNS})
    SELECT series_id, ${COLUMNS} FROM :"internal".frame_rows_${level} WHERE ${FROZEN_FRAMES(level)}
    ON CONFLICT DO NOTHING`;
}

function dropThawedSql(level: LevelName): string {
  return `DELETE FROM :"internal".frames_${level} WHERE ${FROZEN_FRAMES(level)}`;
}

function moveSql(level: LevelName): string {
  return `WITH moved AS (
      DELETE FROM :"internal".aggregate_${level} r USING :"internal".series s
      WHERE r.series_id = $1 AND s.series_id = $1 AND r.bucket < ${frozenBefore(level)} RETURNING r.*)
    INSERT INTO :"internal".aggregate_${level} AS a (series_id, ${COLUMNS})
    SELECT $2::bigint, ${COLUMNS} FROM moved
    ON CONFLICT (series_id, bucket) DO UPDATE SET
      count = a.count + excluded.count, excluded = a.excluded + excluded.excluded, sum = a.sum + excluded.sum,
      m2 = a.m2 + excluded.m2 + ${deviationBetween('a', 'excluded')},
      min = least(a.min, excluded.min), max = greatest(a.max, excluded.max),
      first_value = CASE WHEN excluded.first_time < a.first_time THEN excluded.first_value ELSE a.first_value END,
      first_time = least(a.first_time, excluded.first_time),
      last_value = CASE WHEN excluded.last_time > a.last_time THEN excluded.last_value ELSE a.last_value END,
      last_time = greatest(a.last_time, excluded.last_time),
      increase = a.increase + excluded.increase, resets = a.resets + excluded.resets,
      integral = a.integral + excluded.integral, seconds = a.seconds + excluded.seconds`;
}
