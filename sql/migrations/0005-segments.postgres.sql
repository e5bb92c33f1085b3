-- compatible_from: 4
-- Compressed points: a row is a run of points of one series as bit-packed codes, decoded by plain SQL:
--   ts = start_ts + (floor(i * t_step) + t_shift + code) * t_unit microseconds
--   value = (v_base + floor(i * v_step) + code) / v_scale, or v_odd[code - v_limit + 1] for a code from v_limit on,
--   or v_singles[i + 1], or v_doubles[i + 1]
-- Every step is exact or the one rounding that makes the double it was, so values come back to the bit (a NaN as the
-- canonical one); src/segments does the same arithmetic. Rows stay below the size from which PostgreSQL would toast
-- them: a toasted value would be fetched again for every point. No segment crosses a chunk's boundary, nor that of a
-- partition. A code of no bits is not stored.
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
  format smallint NOT NULL,
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

-- Compressed aggregate rows: a frame is a run of rows of one series and level. For each column of numbers: NULL in
-- _width means that every row has the column's usual value, 0 or 1 or what first_value has; -1 that the numbers are in
-- _raw as they are; else codes as above, whose lowest _noise bits say how many _grain rounding took the number from a
-- decimal. toast_tuple_target keeps a frame in its row, two a page.
DO $do$
DECLARE
  level text;
  name text;
  value text;
  number_columns constant text[] := ARRAY['count', 'excluded', 'first_value', 'last_value', 'min', 'max', 'sum', 'm2',
    'increase', 'resets', 'integral', 'seconds'];
  -- The usual value of each; first_value stands for its expression.
  usual constant text[] := ARRAY['1', '0', '0', 'first_value', 'first_value', 'first_value', 'first_value', '0',
    '0', '0', '0', '0'];
  wide text := '';
  narrow text := '';
  varying text := '';
  -- What is alike in all rows of a frame is computed once (p), as each step of an expression counts: bucket_period is how
  -- far apart regular buckets are, NAME_constant the number of every row; NAME_plain says that the base and a code make a
  -- number, without step, noise or limit. OFFSET 0 keeps the planner from computing it in every row again.
  parts text := $sql$, CASE
    WHEN f.bucket_width = 0 AND f.bucket_shift = 0 AND f.bucket_step = floor(f.bucket_step) THEN f.bucket_step * f.bucket_unit
  END AS bucket_period$sql$;
  -- Microseconds, whole numbers as doubles, whose sums are exact.
  bucket constant text := $sql$CASE
    WHEN p.bucket_period IS NOT NULL THEN i * p.bucket_period
    ELSE (
      floor(i * f.bucket_step) + f.bucket_shift
      + CASE WHEN f.bucket_width > 0
        THEN substring(f.bucket_codes FROM i * f.bucket_width + 1 FOR f.bucket_width)::bigint ELSE 0 END
    ) * f.bucket_unit
  END$sql$;
  -- NAME stands for the column.
  offset_value constant text := $sql$
    f.NAME_shift
    + CASE WHEN f.NAME_width > 0
      THEN substring(f.NAME_codes FROM i * f.NAME_width + 1 FOR f.NAME_width)::bigint * f.NAME_unit ELSE 0 END$sql$;
  part constant text := $sql$, CASE
      WHEN f.NAME_width IS NULL THEN USUAL
      WHEN f.NAME_width <> 0 THEN NULL
      WHEN f.NAME_limit = 0 THEN f.NAME_raw[1]
      WHEN f.NAME_step IS NULL THEN f.NAME_base / f.NAME_scale
    END AS NAME_constant,
    f.NAME_width > 0 AND f.NAME_step IS NULL AND f.NAME_grain IS NULL AND f.NAME_limit IS NULL AS NAME_plain$sql$;
  number_value constant text := $sql$CASE
    WHEN p.NAME_constant IS NOT NULL THEN p.NAME_constant
    WHEN p.NAME_plain
    THEN (f.NAME_base + substring(f.NAME_codes FROM i * f.NAME_width + 1 FOR f.NAME_width)::bigint) / f.NAME_scale
    WHEN f.NAME_width > 0 THEN
      CASE
        WHEN f.NAME_limit IS NULL
          OR substring(f.NAME_codes FROM i * f.NAME_width + 1 FOR f.NAME_width)::bigint < f.NAME_limit
        THEN (
            f.NAME_base + coalesce(floor(i * f.NAME_step), 0)
            + substring(f.NAME_codes FROM i * f.NAME_width + 1 FOR f.NAME_width - f.NAME_noise)::bigint
          ) / f.NAME_scale
          + CASE WHEN f.NAME_grain IS NULL THEN 0 ELSE (
              substring(f.NAME_codes FROM (i + 1) * f.NAME_width - f.NAME_noise + 1 FOR f.NAME_noise)::bigint
              - ((1 << f.NAME_noise) >> 1)
            ) * f.NAME_grain END
        ELSE f.NAME_raw[
          (substring(f.NAME_codes FROM i * f.NAME_width + 1 FOR f.NAME_width)::bigint - f.NAME_limit)::integer + 1]
      END
    WHEN f.NAME_width IS NULL THEN USUAL
    WHEN f.NAME_width < 0 THEN f.NAME_raw[i + 1]
    ELSE (f.NAME_base + floor(i * f.NAME_step)) / f.NAME_scale
  END$sql$;
  first_value constant text := replace(replace(number_value, 'NAME', 'first_value'), 'USUAL', '0');
  columns text := '';
BEGIN
  FOR place IN 1 .. array_length(number_columns, 1) LOOP
    name := number_columns[place];
    wide := wide || replace(', NAME_scale double precision, NAME_base double precision, NAME_step double precision,
      NAME_grain double precision, NAME_limit double precision', 'NAME', name);
    narrow := narrow || replace(', NAME_width smallint, NAME_noise smallint', 'NAME', name);
    varying := varying || replace(', NAME_codes varbit, NAME_raw double precision[]', 'NAME', name);
    value := replace(replace(number_value, 'NAME', name),
      'USUAL', CASE usual[place] WHEN 'first_value' THEN first_value ELSE usual[place] END);
    parts := parts || replace(replace(part, 'NAME', name),
      'USUAL', CASE usual[place] WHEN 'first_value' THEN 'NULL' ELSE usual[place] END);
    IF name IN ('count', 'excluded', 'resets') THEN
      value := '(' || value || ')::bigint';
    END IF;
    columns := columns || ', ' || value || ' AS ' || name;
  END LOOP;
  FOREACH level IN ARRAY ARRAY['1min', '15min', '1hour', '1day'] LOOP
    EXECUTE format($sql$CREATE TABLE %I.%I (
      series_id bigint NOT NULL,
      start_bucket timestamptz NOT NULL,
      end_bucket timestamptz NOT NULL,
      bucket_unit double precision NOT NULL,
      bucket_step double precision NOT NULL,
      bucket_shift double precision NOT NULL,
      first_time_unit double precision NOT NULL,
      first_time_shift double precision NOT NULL,
      last_time_unit double precision,
      last_time_shift double precision %s,
      format smallint NOT NULL,
      n smallint NOT NULL,
      bucket_width smallint NOT NULL,
      first_time_width smallint NOT NULL,
      last_time_width smallint %s,
      bucket_codes varbit,
      first_time_codes varbit,
      last_time_codes varbit %s,
      PRIMARY KEY (series_id, end_bucket, start_bucket)
    ) WITH (toast_tuple_target = 4080)$sql$, :'internal', 'frames_' || level, wide, narrow, varying);
    EXECUTE format(
      'CREATE VIEW %I.%I AS
        SELECT f.series_id, f.start_bucket + %s * interval ''1 microsecond'' AS bucket,
          f.start_bucket + (%s + %s) * interval ''1 microsecond'' AS first_time,
          f.start_bucket + (%s + CASE WHEN f.last_time_width IS NULL THEN %s ELSE %s END) * interval ''1 microsecond'' AS last_time %s,
          f.start_bucket, f.end_bucket
        FROM %I.%I f CROSS JOIN LATERAL (SELECT f.n %s OFFSET 0) p CROSS JOIN LATERAL generate_series(0, p.n - 1) AS i',
      :'internal', 'frame_rows_' || level, bucket,
      bucket, replace(offset_value, 'NAME', 'first_time'),
      bucket, replace(offset_value, 'NAME', 'first_time'), replace(offset_value, 'NAME', 'last_time'),
      columns, :'internal', 'frames_' || level, parts);
  END LOOP;
END;
$do$;
