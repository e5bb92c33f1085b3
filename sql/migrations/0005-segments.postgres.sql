-- compatible_from: 4
-- Compressed points: a row is a run of points of one series as bit-packed codes, decoded by plain SQL
-- (src/segments says what the columns mean; docs of the format: FORMAT there). Rows stay below the size from which
-- PostgreSQL would toast them: a toasted value would be fetched again for every point.
-- No segment crosses a chunk's boundary, nor the partitions' one.
CREATE TABLE :"internal".segments (
  series_id bigint NOT NULL,
  start_ts timestamptz NOT NULL,
  end_ts timestamptz NOT NULL,
  -- Of the v_count values that sums cover: finite ones of at most 1e140.
  v_sum double precision NOT NULL,
  v_m2 double precision NOT NULL,
  v_min double precision,
  v_max double precision,
  t_unit double precision NOT NULL,
  t_step double precision NOT NULL,
  t_shift double precision NOT NULL,
  v_scale double precision,
  v_base double precision,
  v_step double precision,
  v_limit double precision,
  n smallint NOT NULL,
  v_count smallint NOT NULL,
  t_width smallint NOT NULL,
  v_width smallint,
  t_codes varbit,
  v_codes varbit,
  v_singles real[],
  v_doubles double precision[],
  v_odd double precision[],
  PRIMARY KEY (series_id, end_ts, start_ts)
) PARTITION BY RANGE (start_ts);

-- Opens the partition that covers a moment, unless it is there. The table's lock comes first: a reader that planned
-- before would miss what comes into the new partition. Waits for it as long as the caller's lock_timeout says.
-- Runs with the owner's rights, so that a role that only writes can call it.
CREATE FUNCTION :"internal".open_segment_partition(moment timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  width constant interval := '28 days';
  lower_bound constant timestamptz := date_bin(width, moment, timestamptz '2000-01-03 00:00:00+00');
  partition_name constant text := to_char(lower_bound AT TIME ZONE 'UTC', '"segments_"YYYYMMDD');
BEGIN
  IF to_regclass(format('%I.%I', :'internal', partition_name)) IS NOT NULL THEN
    RETURN;
  END IF;
  LOCK TABLE :"internal".segments IN ACCESS EXCLUSIVE MODE;
  EXECUTE format(
    'CREATE TABLE IF NOT EXISTS %I.%I PARTITION OF %I.segments FOR VALUES FROM (%L) TO (%L)',
    :'internal', partition_name, :'internal', lower_bound, lower_bound + width);
END;
$body$;
REVOKE ALL ON FUNCTION :"internal".open_segment_partition(timestamptz) FROM PUBLIC;

-- The points of all segments. A condition on series_id, start_ts or end_ts reaches the segments' key; one on ts alone
-- decodes everything. A column that is not asked for costs nothing.
CREATE VIEW :"internal".segment_points AS
SELECT s.series_id,
  s.start_ts + (
    floor(i * s.t_step) + s.t_shift
    + CASE WHEN s.t_width > 0 THEN substring(s.t_codes FROM i * s.t_width + 1 FOR s.t_width)::bigint ELSE 0 END
  ) * s.t_unit * interval '1 microsecond' AS ts,
  CASE
    WHEN s.v_scale IS NULL THEN coalesce(s.v_doubles[i + 1], s.v_singles[i + 1])
    WHEN s.v_width = 0 THEN
      CASE WHEN s.v_limit = 0 THEN s.v_odd[1] ELSE (s.v_base + floor(i * s.v_step)) / s.v_scale END
    WHEN s.v_limit IS NULL
      OR substring(s.v_codes FROM i * s.v_width + 1 FOR s.v_width)::bigint < s.v_limit
    THEN (s.v_base + floor(i * s.v_step) + substring(s.v_codes FROM i * s.v_width + 1 FOR s.v_width)::bigint) / s.v_scale
    ELSE s.v_odd[(substring(s.v_codes FROM i * s.v_width + 1 FOR s.v_width)::bigint - s.v_limit)::integer + 1]
  END AS value,
  s.start_ts, s.end_ts
FROM :"internal".segments s
CROSS JOIN LATERAL generate_series(0, s.n - 1) AS i;

-- STAND-IN
DO $do$
DECLARE level text;
BEGIN
  FOREACH level IN ARRAY ARRAY['1min', '15min', '1hour', '1day'] LOOP
    EXECUTE format('CREATE TABLE :"internal".%I (series_id bigint, start_bucket timestamptz, end_bucket timestamptz,
      bucket timestamptz, count bigint, excluded bigint, sum float8, m2 float8, min float8, max float8, first_value float8,
      first_time timestamptz, last_value float8, last_time timestamptz, increase float8, resets bigint, integral float8, seconds float8,
      PRIMARY KEY (series_id, end_bucket, start_bucket, bucket))', 'frames_' || level);
    EXECUTE format('CREATE VIEW :"internal".%I AS SELECT series_id, bucket, count, excluded, sum, m2, min, max, first_value, first_time, last_value, last_time, increase, resets, integral, seconds, start_bucket, end_bucket FROM :"internal".%I', 'frame_rows_' || level, 'frames_' || level);
  END LOOP;
END $do$;
