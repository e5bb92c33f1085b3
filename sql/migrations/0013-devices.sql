-- compatible_from: 4
-- How often a device publishes, whether it fell silent, and how wrong its clock is.

-- One row a device and daemon: daemons that share their topics hear a part of its messages each. Rewritten in place.
CREATE TABLE :"internal".device_states (
  device_id text NOT NULL,
  client_id text NOT NULL,
  state text NOT NULL CHECK (state IN ('learning', 'ok', 'silent')),
  last_arrival timestamptz NOT NULL,
  messages bigint NOT NULL,
  expected_interval double precision,
  clock_skew double precision,
  intervals real[] NOT NULL,
  skews real[] NOT NULL,
  PRIMARY KEY (device_id, client_id)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.1);

CREATE OR REPLACE VIEW :"schema".iot_devices AS
SELECT d.device_id, d.series, d.first_seen, d.last_seen, d.points,
  h.state, h.last_arrival, h.expected_interval, h.clock_skew
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
) h USING (device_id);
COMMENT ON VIEW :"schema".iot_devices IS 'One row a device; expected_interval and clock_skew in seconds';
