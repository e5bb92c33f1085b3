-- compatible_from: 1
-- What users read. Views run with their owner's rights; the functions are plain SQL so that the planner can
-- inline them and prune by series and time, and so need SELECT on the tables behind them.

CREATE VIEW :"schema".iot_data AS
SELECT s.device_id, s.metric_name, p.value, p.ts AS "timestamp"
FROM (
  SELECT series_id, ts, value FROM :"internal".points
  UNION ALL
  SELECT series_id, ts, value FROM :"internal".points_late
) p
JOIN :"internal".series s USING (series_id);
COMMENT ON VIEW :"schema".iot_data IS 'Every numeric or boolean point';

CREATE VIEW :"schema".iot_text AS
SELECT s.device_id, s.metric_name, p.value, p.ts AS "timestamp"
FROM (
  SELECT series_id, ts, value FROM :"internal".texts
  UNION ALL
  SELECT series_id, ts, value FROM :"internal".texts_late
) p
JOIN :"internal".series s USING (series_id);
COMMENT ON VIEW :"schema".iot_text IS 'Every text point';

-- What each series holds: the folded statistics and the journal rows that are not folded yet.
CREATE VIEW :"internal".series_activity AS
SELECT series_id, sum(points)::bigint AS points, min(first_time) AS first_time, max(last_time) AS last_time,
  (array_agg(last_value ORDER BY last_time DESC, committed_at DESC))[1] AS last_value
FROM (
  SELECT series_id, points, first_time, last_time, last_value, '-infinity'::timestamptz AS committed_at
  FROM :"internal".series_stats
  UNION ALL
  SELECT a.series_id, a.points, a.first_time, a.last_time, a.last_value, b.committed_at
  FROM :"internal".batches b,
    unnest(b.series_ids, b.series_points, b.first_times, b.last_times, b.last_values)
      AS a (series_id, points, first_time, last_time, last_value)
) activity
GROUP BY series_id;

CREATE VIEW :"schema".iot_series AS
SELECT s.device_id, s.metric_name, s.kind, s.unit, s.tags,
  a.first_time AS first_seen, a.last_time AS last_seen, coalesce(a.points, 0) AS points
FROM :"internal".series s
LEFT JOIN :"internal".series_activity a USING (series_id);
COMMENT ON VIEW :"schema".iot_series IS 'One row a series; first_seen and last_seen are the times of its first and last point';

CREATE VIEW :"schema".iot_devices AS
SELECT device_id, count(*) AS series, min(first_seen) AS first_seen, max(last_seen) AS last_seen,
  sum(points)::bigint AS points
FROM :"schema".iot_series
GROUP BY device_id;
COMMENT ON VIEW :"schema".iot_devices IS 'One row a device';

CREATE VIEW :"schema".iot_latest AS
SELECT s.device_id, s.metric_name, CASE WHEN NOT s.is_text THEN a.last_value END AS value, t.value AS text, a.last_time AS "timestamp"
FROM :"internal".series s
JOIN :"internal".series_activity a USING (series_id)
LEFT JOIN LATERAL (
  SELECT value FROM :"internal".texts WHERE series_id = s.series_id AND ts = a.last_time AND s.is_text
  UNION ALL
  SELECT value FROM :"internal".texts_late WHERE series_id = s.series_id AND ts = a.last_time AND s.is_text
) t ON s.is_text;
COMMENT ON VIEW :"schema".iot_latest IS 'The latest point of every series, a number in value or a text in text';

CREATE VIEW :"schema".iot_dead_letters AS
SELECT dead_letter_id, received_at, client_id, topic, payload, qos, retained, route, code, detail, points
FROM :"internal".dead_letters;
COMMENT ON VIEW :"schema".iot_dead_letters IS 'Messages, or parts of them, that could not be stored, with the reason';

CREATE TYPE :"internal".point AS (
  device_id text,
  metric_name text,
  value double precision,
  "timestamp" timestamptz
);

-- The points of one series, from <= timestamp < to.
CREATE FUNCTION :"schema".iot_points(device_id text, metric_name text, "from" timestamptz, "to" timestamptz)
RETURNS SETOF :"internal".point LANGUAGE sql STABLE AS $body$
  SELECT $1, $2, p.value, p.ts
  FROM (
    SELECT series_id, ts, value FROM :"internal".points
    UNION ALL
    SELECT series_id, ts, value FROM :"internal".points_late
  ) p
  WHERE p.ts >= $3 AND p.ts < $4 AND p.series_id = (
    SELECT s.series_id FROM :"internal".series s
    WHERE s.device_id = $1 AND s.metric_name = $2 AND NOT s.is_text)
$body$;

-- The same for every pair of the given devices and metrics.
CREATE FUNCTION :"schema".iot_points(device_ids text[], metric_names text[], "from" timestamptz, "to" timestamptz)
RETURNS SETOF :"internal".point LANGUAGE sql STABLE AS $body$
  SELECT s.device_id, s.metric_name, p.value, p.ts
  FROM :"internal".series s
  CROSS JOIN LATERAL (
    SELECT ts, value FROM :"internal".points WHERE series_id = s.series_id AND ts >= $3 AND ts < $4
    UNION ALL
    SELECT ts, value FROM :"internal".points_late WHERE series_id = s.series_id AND ts >= $3 AND ts < $4
  ) p
  WHERE s.device_id = ANY ($1) AND s.metric_name = ANY ($2) AND NOT s.is_text
$body$;
