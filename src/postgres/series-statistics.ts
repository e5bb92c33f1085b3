import type { Client } from 'pg';
import { type SchemaNames, withNames } from './names.ts';

/** A relation of (points, first_time, last_time) for the series `s`, of what is not in tables of points and texts. */
export type SummarySql = string | null;

/**
 * Makes what iot_series and iot_latest say of these series right again, from the data: their statistics are computed, and
 * what the journal has of them and is not folded yet is taken out. The journal must be locked.
 */
export async function restateSeries(
  client: Client,
  names: SchemaNames,
  series: readonly number[],
  summary: SummarySql,
): Promise<void> {
  const tables = ['points', 'points_late', 'texts', 'texts_late'].map(
    (table) =>
      `SELECT count(*) AS points, min(ts) AS first_time, max(ts) AS last_time
       FROM :"internal".${table} WHERE series_id = s.series_id
         ${table === 'points' ? 'AND NOT ts <@ (SELECT retired FROM :"internal".chunk_map)' : ''}`,
  );
  const summaries = summary === null ? tables : [...tables, summary];
  for (const sql of [
    `UPDATE :"internal".batches b SET (series_ids, series_points, first_times, last_times, last_values) = (
       SELECT coalesce(array_agg(g.series_id ORDER BY g.place), '{}'), coalesce(array_agg(g.points ORDER BY g.place), '{}'),
         coalesce(array_agg(g.first_time ORDER BY g.place), '{}'), coalesce(array_agg(g.last_time ORDER BY g.place), '{}'),
         coalesce(array_agg(g.last_value ORDER BY g.place), '{}')
       FROM unnest(b.series_ids, b.series_points, b.first_times, b.last_times, b.last_values)
         WITH ORDINALITY AS g (series_id, points, first_time, last_time, last_value, place)
       WHERE g.series_id <> ALL ($1::bigint[]))
     WHERE b.series_ids && $1::bigint[]`,
    'UPDATE :"internal".series_stats SET points = 0 WHERE series_id = ANY ($1)',
    `INSERT INTO :"internal".series_stats (series_id, points, first_time, last_time, last_value)
     SELECT s.series_id, t.points, t.first_time, t.last_time, CASE WHEN NOT s.is_text THEN (
       SELECT value FROM :"internal".points_between(s.series_id, t.last_time, t.last_time + interval '1 microsecond')) END
     FROM :"internal".series s
     CROSS JOIN LATERAL (
       SELECT sum(points) AS points, min(first_time) AS first_time, max(last_time) AS last_time
       FROM (${summaries.join(' UNION ALL ')}) places
     ) t
     WHERE s.series_id = ANY ($1) AND t.points > 0
     ON CONFLICT (series_id) DO UPDATE SET (points, first_time, last_time, last_value) =
       (excluded.points, excluded.first_time, excluded.last_time, excluded.last_value)`,
    'DELETE FROM :"internal".series_stats WHERE series_id = ANY ($1) AND points = 0',
  ])
    await client.query(withNames(sql, names), [series]);
}
