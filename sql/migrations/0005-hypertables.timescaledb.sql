-- compatible_from: 4
-- Points and texts as hypertables of TimescaleDB, which makes, compresses and finds their chunks. Nothing is late here: a
-- chunk takes points of any age, compressed ones too, so points_late, texts_late and the map's ranges stay empty.

-- The extension's functions are found wherever it was created, in this transaction only.
SELECT set_config('search_path', quote_ident(nspname) || ', pg_catalog', true)
FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace WHERE extname = 'timescaledb';

DROP VIEW :"schema".iot_data, :"schema".iot_text, :"schema".iot_latest;
DROP TABLE :"internal".points, :"internal".texts;

CREATE TABLE :"internal".points (
  series_id bigint NOT NULL,
  ts timestamptz NOT NULL,
  value double precision NOT NULL,
  PRIMARY KEY (series_id, ts)
);
CREATE TABLE :"internal".texts (
  series_id bigint NOT NULL,
  ts timestamptz NOT NULL,
  value text NOT NULL,
  PRIMARY KEY (series_id, ts)
);

-- The job `chunks` sets the interval that the configuration says. In place of TimescaleDB's default index on the time, one
-- that costs writers next to nothing: points come nearly in order, so BRIN finds the blocks of the last minutes.
SELECT create_hypertable(format('%I.points', :'internal')::regclass, by_range('ts', interval '1 day'), create_default_indexes => false);
SELECT create_hypertable(format('%I.texts', :'internal')::regclass, by_range('ts', interval '1 day'), create_default_indexes => false);
CREATE INDEX points_ts ON :"internal".points USING brin (ts) WITH (pages_per_range = 16, autosummarize = on);
CREATE INDEX texts_ts ON :"internal".texts USING brin (ts) WITH (pages_per_range = 16, autosummarize = on);

ALTER TABLE :"internal".points SET
  (timescaledb.enable_columnstore, timescaledb.segmentby = 'series_id', timescaledb.orderby = 'ts');
CALL remove_columnstore_policy(format('%I.points', :'internal')::regclass, if_exists => true);

CREATE VIEW :"internal".stored_points AS
SELECT series_id, ts, value FROM :"internal".points;

-- The points of one series, from <= ts < to.
CREATE FUNCTION :"internal".points_between(series_id bigint, "from" timestamptz, "to" timestamptz)
RETURNS TABLE (ts timestamptz, value double precision) LANGUAGE sql STABLE AS $body$
  SELECT p.ts, p.value FROM :"internal".points p WHERE p.series_id = $1 AND p.ts >= $2 AND p.ts < $3
$body$;

CREATE VIEW :"schema".iot_data AS
SELECT s.device_id, s.metric_name, p.value, p.ts AS "timestamp"
FROM :"internal".points p
JOIN :"internal".series s USING (series_id);
COMMENT ON VIEW :"schema".iot_data IS 'Every numeric or boolean point';

CREATE VIEW :"schema".iot_text AS
SELECT s.device_id, s.metric_name, p.value, p.ts AS "timestamp"
FROM :"internal".texts p
JOIN :"internal".series s USING (series_id);
COMMENT ON VIEW :"schema".iot_text IS 'Every text point';

CREATE VIEW :"schema".iot_latest AS
SELECT s.device_id, s.metric_name, CASE WHEN NOT s.is_text THEN a.last_value END AS value, t.value AS text, a.last_time AS "timestamp"
FROM :"internal".series s
JOIN :"internal".series_activity a USING (series_id)
LEFT JOIN LATERAL (
  SELECT value FROM :"internal".texts WHERE series_id = s.series_id AND ts = a.last_time AND s.is_text
) t ON s.is_text;
COMMENT ON VIEW :"schema".iot_latest IS 'The latest point of every series, a number in value or a text in text';

CREATE OR REPLACE FUNCTION :"schema".iot_points(device_id text, metric_name text, "from" timestamptz, "to" timestamptz)
RETURNS SETOF :"internal".point LANGUAGE sql STABLE AS $body$
  SELECT $1, $2, p.value, p.ts
  FROM :"internal".points p
  WHERE p.ts >= $3 AND p.ts < $4 AND p.series_id = (
    SELECT s.series_id FROM :"internal".series s
    WHERE s.device_id = $1 AND s.metric_name = $2 AND NOT s.is_text)
$body$;

CREATE OR REPLACE FUNCTION :"schema".iot_points(device_ids text[], metric_names text[], "from" timestamptz, "to" timestamptz)
RETURNS SETOF :"internal".point LANGUAGE sql STABLE AS $body$
  SELECT s.device_id, s.metric_name, p.value, p.ts
  FROM :"internal".series s
  JOIN :"internal".points p USING (series_id)
  WHERE s.device_id = ANY ($1) AND s.metric_name = ANY ($2) AND NOT s.is_text AND p.ts >= $3 AND p.ts < $4
$body$;
