-- compatible_from: 4
-- What was collected and of late: added up from what is written with every batch, so that no point is read for it.

-- Of the points that were stored in the minute; null where an older version wrote the row.
ALTER TABLE :"internal".ingest_minutes
  ADD COLUMN first_time timestamptz,
  ADD COLUMN last_time timestamptz;

-- When a point of the series was last stored.
ALTER TABLE :"internal".series_stats ADD COLUMN last_stored timestamptz;

-- Points stored, by the minute of the commit: those of all daemons.
CREATE VIEW :"internal".collected_minutes AS
SELECT minute, sum(points)::bigint AS points, min(first_time) AS first_time, max(last_time) AS last_time
FROM (
  SELECT minute, points_stored AS points, first_time, last_time FROM :"internal".ingest_minutes
  UNION ALL
  SELECT date_trunc('minute', b.committed_at), b.points_stored, t.first_time, t.last_time
  FROM :"internal".batches b
  CROSS JOIN LATERAL (
    SELECT min(u.first_time) AS first_time, max(u.last_time) AS last_time
    FROM unnest(b.first_times, b.last_times) AS u (first_time, last_time)
  ) t
) m
GROUP BY minute;

-- What series hold: one row a series, and more of it for each batch of the journal that is not folded yet.
CREATE VIEW :"internal".collected_series AS
SELECT s.device_id, s.metric_name, a.points, a.first_time, a.last_time, a.last_stored
FROM (
  SELECT series_id, points, first_time, last_time, last_stored FROM :"internal".series_stats
  UNION ALL
  SELECT g.series_id, g.points, g.first_time, g.last_time, b.committed_at
  FROM :"internal".batches b,
    unnest(b.series_ids, b.series_points, b.first_times, b.last_times) AS g (series_id, points, first_time, last_time)
) a
JOIN :"internal".series s USING (series_id);
