import type { Client } from 'pg';
import { type SchemaNames, withNames } from './names.ts';

/** Rows of points and texts that are not compressed. */
export interface RowCounts {
  readonly points: number;
  readonly late: number;
  readonly texts: number;
}

/** Series and times, from <= time < to. */
export interface Rows {
  readonly series: readonly number[];
  /** As PostgreSQL reads timestamps. */
  readonly from: string;
  readonly to: string;
}

interface CountRow {
  readonly points: string;
  readonly late: string;
  readonly texts: string;
  readonly texts_late: string;
}

const WHERE = 'WHERE series_id = ANY ($1) AND ts >= $2 AND ts < $3';
/** Rows of chunks that are compressed already wait in their leaf to be dropped, and nobody reads them. */
const READ = 'NOT ts <@ (SELECT retired FROM :"internal".chunk_map)';

export async function countRows(client: Client, names: SchemaNames, rows: Rows): Promise<RowCounts> {
  return await counted(
    client,
    names,
    rows,
    `SELECT (SELECT count(*) FROM :"internal".points ${WHERE} AND ${READ}) AS points,
       (SELECT count(*) FROM :"internal".points_late ${WHERE}) AS late,
       (SELECT count(*) FROM :"internal".texts ${WHERE}) AS texts,
       (SELECT count(*) FROM :"internal".texts_late ${WHERE}) AS texts_late`,
  );
}

export async function removeRows(client: Client, names: SchemaNames, rows: Rows): Promise<RowCounts> {
  return await counted(
    client,
    names,
    rows,
    `WITH points AS (DELETE FROM :"internal".points ${WHERE} RETURNING ts),
       late AS (DELETE FROM :"internal".points_late ${WHERE} RETURNING 1),
       texts AS (DELETE FROM :"internal".texts ${WHERE} RETURNING 1),
       texts_late AS (DELETE FROM :"internal".texts_late ${WHERE} RETURNING 1)
     SELECT (SELECT count(*) FROM points WHERE ${READ}) AS points, (SELECT count(*) FROM late) AS late,
       (SELECT count(*) FROM texts) AS texts, (SELECT count(*) FROM texts_late) AS texts_late`,
  );
}

async function counted(
  client: Client,
  names: SchemaNames,
  { series, from, to }: Rows,
  sql: string,
): Promise<RowCounts> {
  const { rows } = await client.query<CountRow>(withNames(sql, names), [series, from, to]);
  const [row] = rows as [CountRow];
  return {
    points: Number(row.points),
    late: Number(row.late),
    texts: Number(row.texts) + Number(row.texts_late),
  };
}

/** Pairs in one row of the queue. */
const ROW_PAIRS = 5_000;

/**
 * The minutes of points that are about to change, of which the continuous aggregates know already: to be computed again
 * for the series `of`, or for their own.
 */
export async function markDirty(
  client: Client,
  names: SchemaNames,
  { series, from, to }: Rows,
  of: number | null = null,
): Promise<void> {
  await client.query(
    withNames(
      `INSERT INTO :"internal".dirty_buckets (level, series_ids, buckets)
       SELECT '1min', array_agg(series_id ORDER BY series_id, minute), array_agg(minute ORDER BY series_id, minute)
       FROM (
         SELECT series_id, minute, (row_number() OVER (ORDER BY series_id, minute) - 1) / ${ROW_PAIRS} AS part
         FROM (
           SELECT DISTINCT coalesce($4, s.series_id) AS series_id,
             date_bin('1 minute', p.ts, timestamptz '2000-01-03 00:00:00+00') AS minute
           FROM :"internal".series s
           CROSS JOIN LATERAL :"internal".points_between(s.series_id, $2, (
             SELECT least($3::timestamptz, dirty_before) FROM :"internal".chunk_map)) p
           WHERE s.series_id = ANY ($1) AND s.aggregated AND NOT s.is_text
         ) minutes
       ) parts
       GROUP BY part`,
      names,
    ),
    [series, from, to, of],
  );
}
