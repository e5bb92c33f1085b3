import { FORGET_CHANGES } from './series-version.ts';

/**
 * The one statement that moves rows of the journal into what they add up to: the totals and the minutes of their clients,
 * the statistics of series, what is repeated by series and by device. $1: ids of batches, $2: the client id, of which none
 * but these rows are taken; of others what they left a day ago, unless it may lie in a spool of theirs. `counts` are the columns of the account.
 */
export function foldSql(counts: readonly string[]): string {
  const sums = counts.map((count) => `sum(${count}) AS ${count}`).join(', ');
  const added = (table: string) =>
    counts.map((count) => `${count} = ${table}.${count} + excluded.${count}`).join(', ');
  return `WITH forgotten AS (
     ${FORGET_CHANGES}
   ), folded AS (
     DELETE FROM :"internal".batches
     WHERE batch_id = ANY ($1::uuid[]) OR (client_id <> $2 AND committed_at < now() - interval '1 day' AND spool_record IS NULL)
     RETURNING *
   ), totals AS (
     INSERT INTO :"internal".ingest_totals AS t (client_id, ${counts.join(', ')})
     SELECT client_id, ${sums} FROM folded GROUP BY client_id
     ON CONFLICT (client_id) DO UPDATE SET ${added('t')}
   ), minutes AS (
     INSERT INTO :"internal".ingest_minutes AS m (client_id, minute, ${counts.join(', ')}, first_time, last_time)
     SELECT client_id, date_trunc('minute', committed_at), ${sums}, min(t.first_time), max(t.last_time)
     FROM folded f
     CROSS JOIN LATERAL (
       SELECT min(u.first_time) AS first_time, max(u.last_time) AS last_time
       FROM unnest(f.first_times, f.last_times) AS u (first_time, last_time)
     ) t
     GROUP BY 1, 2
     ON CONFLICT (client_id, minute) DO UPDATE SET ${added('m')},
       first_time = least(m.first_time, excluded.first_time), last_time = greatest(m.last_time, excluded.last_time)
   ), gains AS (
     SELECT g.series_id, sum(g.points) AS points, min(g.first_time) AS first_time, max(g.last_time) AS last_time,
       max(f.committed_at) AS last_stored,
       (array_agg(g.last_value ORDER BY g.last_time DESC, f.committed_at DESC))[1] AS last_value
     FROM folded f,
       unnest(f.series_ids, f.series_points, f.first_times, f.last_times, f.last_values)
         AS g (series_id, points, first_time, last_time, last_value)
     GROUP BY g.series_id
     ORDER BY g.series_id
   ), repeats AS (
     SELECT r.series_id, f.committed_at, r.duplicate, r.conflict
     FROM folded f, unnest(f.repeated_ids, f.repeated_duplicates, f.repeated_conflicts) AS r (series_id, duplicate, conflict)
   ), conflicts AS (
     INSERT INTO :"internal".series_conflicts AS c (series_id, conflicts, last_at)
     SELECT r.series_id, sum(r.conflict), max(r.committed_at)
     FROM repeats r JOIN :"internal".series USING (series_id)
     WHERE r.conflict > 0 GROUP BY r.series_id ORDER BY r.series_id
     ON CONFLICT (series_id) DO UPDATE SET
       conflicts = c.conflicts + excluded.conflicts, last_at = greatest(c.last_at, excluded.last_at)
   ), devices AS (
     INSERT INTO :"internal".device_sums AS d (slot, device_id, stored, duplicate, conflict)
     SELECT e.slot, s.device_id, sum(e.stored), sum(e.duplicate), sum(e.conflict)
     FROM (
       SELECT date_bin('10 minutes', f.committed_at, 'epoch') AS slot, g.series_id, g.points AS stored,
         0 AS duplicate, 0 AS conflict
       FROM folded f, unnest(f.series_ids, f.series_points) AS g (series_id, points)
       UNION ALL
       SELECT date_bin('10 minutes', committed_at, 'epoch'), series_id, 0, duplicate, conflict FROM repeats
     ) e JOIN :"internal".series s USING (series_id)
     GROUP BY 1, 2 ORDER BY 1, 2
     ON CONFLICT (slot, device_id) DO UPDATE SET
       stored = d.stored + excluded.stored, duplicate = d.duplicate + excluded.duplicate,
       conflict = d.conflict + excluded.conflict
   )
   INSERT INTO :"internal".series_stats AS s (series_id, points, first_time, last_time, last_value, last_stored)
   SELECT series_id, points, first_time, last_time, last_value, last_stored FROM gains
   ON CONFLICT (series_id) DO UPDATE SET
     points = s.points + excluded.points,
     last_stored = greatest(s.last_stored, excluded.last_stored),
     first_time = least(s.first_time, excluded.first_time),
     last_time = greatest(s.last_time, excluded.last_time),
     last_value = CASE WHEN excluded.last_time >= s.last_time THEN excluded.last_value ELSE s.last_value END`;
}

/** Takes away what the account in detail keeps no longer. */
export const FORGET_DETAIL = `WITH minutes AS (
     DELETE FROM :"internal".ingest_minutes WHERE minute < now() - interval '1 day'
   )
   DELETE FROM :"internal".device_sums WHERE slot < now() - interval '2 hours'`;
