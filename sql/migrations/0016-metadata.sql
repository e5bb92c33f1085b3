-- compatible_from: 4
-- What messages say of series and devices beside points: unit, tags, the name that people use.

-- The receipt of the newest message that said something of the series; older ones change nothing.
ALTER TABLE :"internal".series ADD COLUMN described_at timestamptz;

-- For tags @> '{"site": "berlin"}'. Few series get other tags, so nothing needs to wait in a list.
CREATE INDEX series_tags ON :"internal".series USING gin (tags jsonb_path_ops) WITH (fastupdate = off);

-- A device keeps its device_id for life (an IEEE address, an EUI); people rename it.
CREATE TABLE :"internal".device_names (
  device_id text PRIMARY KEY,
  name text NOT NULL,
  named_at timestamptz NOT NULL
);

CREATE OR REPLACE VIEW :"schema".iot_series AS
SELECT s.device_id, s.metric_name, s.kind, s.unit, s.tags,
  a.first_time AS first_seen, a.last_time AS last_seen, coalesce(a.points, 0) AS points, n.name AS device_name
FROM :"internal".series s
LEFT JOIN :"internal".series_activity a USING (series_id)
LEFT JOIN :"internal".device_names n ON n.device_id = s.device_id;

CREATE OR REPLACE VIEW :"schema".iot_devices AS
SELECT d.device_id, d.series, d.first_seen, d.last_seen, d.points,
  h.state, h.last_arrival, h.expected_interval, h.clock_skew, n.name AS device_name
FROM (
  SELECT device_id, count(*) AS series, min(first_seen) AS first_seen, max(last_seen) AS last_seen,
    sum(points)::bigint AS points
  FROM :"schema".iot_series
  GROUP BY device_id
) d
LEFT JOIN (
  -- Of the daemon that heard it last.
  SELECT DISTINCT ON (device_id) device_id, state, last_arrival, expected_interval, clock_skew
  FROM :"internal".device_states
  ORDER BY device_id, last_arrival DESC
) h USING (device_id)
LEFT JOIN :"internal".device_names n USING (device_id);
