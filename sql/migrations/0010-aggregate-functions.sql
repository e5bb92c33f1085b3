-- compatible_from: 4
-- Buckets of any length, and points of several metrics side by side: the same on every engine.

CREATE TYPE :"internal".aggregate AS (
  bucket timestamptz,
  device_id text,
  metric_name text,
  avg_value double precision,
  max_value double precision,
  min_value double precision,
  count bigint,
  sum_value double precision,
  stddev_value double precision,
  first_value double precision,
  first_time timestamptz,
  last_value double precision,
  last_time timestamptz,
  increase double precision,
  time_weighted_avg double precision
);

-- The buckets of a series (regrouped: the engine's own) with the columns that users see.
CREATE FUNCTION :"internal".aggregated(level text, series :"internal".series, "from" timestamptz, "to" timestamptz,
  width interval, months integer, tz text)
RETURNS SETOF :"internal".aggregate LANGUAGE sql STABLE AS $body$
  SELECT r.bucket, $2.device_id, $2.metric_name, :"internal".quotient(r.sum, r.count - r.excluded), r.max, r.min, r.count,
    CASE WHEN r.count > r.excluded THEN r.sum END, sqrt(:"internal".quotient(r.m2, r.count - r.excluded - 1)),
    r.first_value, r.first_time, r.last_value, r.last_time, r.increase,
    coalesce(:"internal".quotient(r.integral, r.seconds), :"internal".quotient(r.sum, r.count - r.excluded))
  FROM :"internal".regrouped(CASE WHEN $2.aggregated THEN $1 ELSE 'raw' END, $2, $3, $4, $5, $6, $7) r
  ORDER BY r.bucket
$body$;

-- The starts of all buckets that begin in from <= start < to.
CREATE FUNCTION :"internal".bucket_starts("from" timestamptz, "to" timestamptz, width interval, months integer, tz text)
RETURNS timestamptz[] LANGUAGE sql STABLE AS $body$
  SELECT array_agg(start ORDER BY start) FROM (
    SELECT DISTINCT :"internal".bucket_start(elapsed, $3, $4, $5) AS start
    FROM generate_series($1, $2, $3) AS elapsed WHERE $4 = 0 AND $3 <= interval '1 hour'
    UNION
    SELECT :"internal".local_start(local, $5)
    FROM generate_series($1 AT TIME ZONE $5, $2 AT TIME ZONE $5, CASE WHEN $4 > 0 THEN make_interval(months => $4) ELSE $3 END) AS local
    WHERE NOT ($4 = 0 AND $3 <= interval '1 hour')
  ) starts
  WHERE start >= $1 AND start < $2
$body$;

-- Buckets of any length for every pair of the given devices and metrics: all that from <= time < to touches, each whole.
-- Longer than an hour they follow the local clock of tz: days from midnight, weeks from Monday, months from the first.
-- fill: what stands for buckets without points; none leaves them out, null, locf (the last average before) and linear
-- (between the averages around it) give them an avg_value and a count of 0.
-- A plan made anew for every call would take longer than most calls: parameters change nothing in it.
CREATE FUNCTION :"schema".iot_aggregate(device_ids text[], metric_names text[], "from" timestamptz, "to" timestamptz,
  bucket interval, tz text DEFAULT 'UTC', fill text DEFAULT 'none')
RETURNS SETOF :"internal".aggregate LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan AS $body$
DECLARE
  months constant integer := date_part('year', bucket) * 12 + date_part('month', bucket);
  width constant interval := make_interval(days => date_part('day', bucket)::integer) + (bucket - date_trunc('day', bucket));
  microseconds constant bigint := (extract(epoch FROM width) * 1000000)::bigint;
  utc constant boolean := upper(tz) IN ('UTC', 'ETC/UTC', 'GMT', 'ETC/GMT', 'Z', 'ZULU');
  first timestamptz;
  stop timestamptz;
  level text := 'raw';
  starts timestamptz[];
  series :"internal".series;
BEGIN
  IF "from" IS NULL OR "to" IS NULL OR bucket IS NULL OR tz IS NULL OR fill IS NULL THEN
    RAISE EXCEPTION 'iot_aggregate: from, to, bucket, tz and fill must not be NULL' USING ERRCODE = 'invalid_parameter_value';
  ELSIF fill NOT IN ('none', 'null', 'locf', 'linear') THEN
    RAISE EXCEPTION 'iot_aggregate: fill is none, null, locf or linear, not %', fill USING ERRCODE = 'invalid_parameter_value';
  ELSIF months < 0 OR microseconds < 0 OR (months = 0) = (microseconds = 0) THEN
    RAISE EXCEPTION 'iot_aggregate: bucket is a time, days or months, more than none, not %', bucket USING ERRCODE = 'invalid_parameter_value';
  ELSIF fill <> 'none' AND NOT (isfinite("from") AND isfinite("to")) THEN
    RAISE EXCEPTION 'iot_aggregate: only a finite range can be filled' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF utc THEN
    tz := 'UTC';
  END IF;
  -- Raises an error where there is no such time zone.
  PERFORM now() AT TIME ZONE tz;
  first := :"internal".bucket_start("from", width, months, tz);
  IF "from" >= "to" THEN
    RETURN;
  END IF;
  stop := :"internal".bucket_start("to" - interval '1 microsecond', width, months, tz);
  stop := CASE
    WHEN NOT isfinite(stop) THEN stop
    WHEN months = 0 AND width <= interval '1 hour' THEN stop + width
    ELSE :"internal".local_start(stop AT TIME ZONE tz + CASE WHEN months > 0 THEN make_interval(months => months) ELSE width END, tz)
  END;
  level := CASE
    WHEN utc AND microseconds % 86400000000 = 0 THEN '1day'
    WHEN utc AND microseconds % 3600000000 = 0 THEN '1hour'
    WHEN microseconds % 900000000 = 0 THEN '15min'
    WHEN microseconds % 60000000 = 0 THEN '1min'
    ELSE 'raw'
  END;
  IF fill <> 'none' THEN
    IF (extract(epoch FROM stop) - extract(epoch FROM first)) > 1000000 * greatest(months * 2419200, microseconds / 1e6) THEN
      RAISE EXCEPTION 'iot_aggregate: more than 1000000 buckets to fill' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    starts := :"internal".bucket_starts(first, stop, width, months, tz);
  END IF;
  FOR series IN
    SELECT s.* FROM :"internal".series s
    WHERE s.device_id = ANY (device_ids) AND s.metric_name = ANY (metric_names) AND NOT s.is_text
    ORDER BY s.device_id, s.metric_name
  LOOP
    IF fill = 'none' THEN
      RETURN QUERY SELECT * FROM :"internal".aggregated(level, series, first, stop, width, months, tz);
    ELSE
      RETURN QUERY
      SELECT f.start, series.device_id, series.metric_name,
        CASE
          WHEN f.count IS NOT NULL OR fill = 'null' THEN f.avg_value
          WHEN fill = 'locf' OR f.next_value IS NULL OR f.value = f.next_value THEN CASE WHEN fill = 'locf' OR f.next_value IS NOT NULL THEN f.value END
          ELSE f.value + :"internal".over_time(f.next_value - f.value,
            date_part('epoch', f.start - f.value_start) / date_part('epoch', f.next_start - f.value_start))
        END,
        f.max_value, f.min_value, coalesce(f.count, 0), f.sum_value, f.stddev_value, f.first_value, f.first_time, f.last_value, f.last_time,
        f.increase, f.time_weighted_avg
      FROM (
        SELECT *, max(k.avg_value) OVER before AS value, max(k.start) FILTER (WHERE k.avg_value IS NOT NULL) OVER before AS value_start,
          max(k.avg_value) OVER after AS next_value, max(k.start) FILTER (WHERE k.avg_value IS NOT NULL) OVER after AS next_start
        FROM (
          SELECT start, r.*, count(r.avg_value) OVER (ORDER BY start) AS known_before, count(r.avg_value) OVER (ORDER BY start DESC) AS known_after
          FROM unnest(starts) AS start
          LEFT JOIN :"internal".aggregated(level, series, first, stop, width, months, tz) r ON r.bucket = start
        ) k
        WINDOW before AS (PARTITION BY known_before), after AS (PARTITION BY known_after)
      ) f
      ORDER BY f.start;
    END IF;
  END LOOP;
END;
$body$;

CREATE FUNCTION :"schema".iot_aggregate(device_id text, metric_name text, "from" timestamptz, "to" timestamptz,
  bucket interval, tz text DEFAULT 'UTC', fill text DEFAULT 'none')
RETURNS SETOF :"internal".aggregate LANGUAGE sql STABLE AS $body$
  SELECT * FROM :"schema".iot_aggregate(ARRAY[$1], ARRAY[$2], $3, $4, $5, $6, $7)
$body$;

-- Points of several metrics side by side: a row for every time that one of them has, NULL where another has none.
CREATE FUNCTION :"schema".iot_pivot(device_id text, metrics text[], "from" timestamptz, "to" timestamptz)
RETURNS TABLE ("timestamp" timestamptz, "values" double precision[]) LANGUAGE plpgsql STABLE AS $body$
DECLARE
  point record;
BEGIN
  FOR point IN
    SELECT p.ts, p.value, m.position::integer AS position
    FROM unnest($2) WITH ORDINALITY AS m (metric_name, position)
    JOIN :"internal".series s ON s.device_id = $1 AND s.metric_name = m.metric_name AND NOT s.is_text
    CROSS JOIN LATERAL :"internal".points_between(s.series_id, $3, $4) p
    ORDER BY p.ts
  LOOP
    IF "timestamp" IS DISTINCT FROM point.ts THEN
      IF "timestamp" IS NOT NULL THEN
        RETURN NEXT;
      END IF;
      "timestamp" := point.ts;
      "values" := array_fill(NULL::double precision, ARRAY[cardinality($2)]);
    END IF;
    "values"[point.position] := point.value;
  END LOOP;
  IF "timestamp" IS NOT NULL THEN
    RETURN NEXT;
  END IF;
END;
$body$;
