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

-- How long a state lasted, per bucket: each point holds until the next one, at most for the series' longest hold, and no
-- longer than until now. Other than of averages, what the bucket before left counts too, so that all buckets of a range add
-- up to it. NULL but for series of the kind state whose values in the bucket are 0 and 1.
ALTER TYPE :"internal".aggregate ADD ATTRIBUTE seconds_false double precision, ADD ATTRIBUTE seconds_true double precision;

-- The end of the bucket that begins at a moment.
CREATE FUNCTION :"internal".bucket_end(start timestamptz, width interval, months integer, tz text) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE AS $body$
  SELECT CASE
    WHEN $3 = 0 AND $2 <= interval '1 hour' THEN $1 + $2
    ELSE :"internal".local_start(:"internal".local_bin($1 AT TIME ZONE $4, $2, $3)
      + CASE WHEN $3 > 0 THEN make_interval(months => $3) ELSE $2 END, $4)
  END
$body$;

-- Of a series of the kind state: for each bucket with points, and for each of the given starts. The time between two points
-- of a bucket is in its row, as what an average over time is made of: of 0 and 1 the integral is the time of 1. What is
-- added is the time from the bucket's start to its first point, and from its last point to its end.
-- A bucket that a change of the clock cuts short has no duration: an hour at most, it is not what its start says.
CREATE FUNCTION :"internal".state_seconds(level text, series :"internal".series, "from" timestamptz, "to" timestamptz,
  width interval, months integer, tz text, starts timestamptz[])
RETURNS TABLE (bucket timestamptz, seconds_false double precision, seconds_true double precision)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan AS $body$
DECLARE
  hold constant double precision := date_part('epoch', series.longest_hold);
  today constant double precision := date_part('epoch', now());
  short constant boolean := tz <> 'UTC' AND months = 0 AND width <= interval '1 hour';
BEGIN
  IF series.kind <> 'state' THEN
    RETURN;
  END IF;
  RETURN QUERY
  WITH kept AS MATERIALIZED (
    SELECT r.* FROM :"internal".regrouped(CASE WHEN series.aggregated THEN level ELSE 'raw' END, series,
      :"internal".bucket_start("from" - make_interval(secs => hold), width, months, tz), "to", width, months, tz) r
  ), buckets AS (
    SELECT b.start, k.*, date_part('epoch', b.start) AS begins,
      least(date_part('epoch', :"internal".bucket_end(b.start, width, months, tz)), today) AS ends,
      -- The last point before, as time and value.
      max(CASE WHEN k.count > 0 THEN ARRAY[date_part('epoch', k.last_time), k.last_value] END)
        OVER (ORDER BY b.start ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
    FROM (SELECT kept.bucket AS start FROM kept UNION SELECT unnest(starts)) b
    LEFT JOIN kept k ON k.bucket = b.start
  ), parts AS (
    SELECT *, before[2] AS held,
      CASE WHEN before IS NULL THEN 0
        ELSE greatest(least(coalesce(date_part('epoch', first_time), ends), before[1] + hold) - begins, 0) END AS head,
      CASE WHEN last_time IS NULL THEN 0
        ELSE greatest(least(ends, date_part('epoch', last_time) + hold) - date_part('epoch', last_time), 0) END AS tail
    FROM buckets b
    WHERE b.start >= "from" AND b.start < "to"
  )
  SELECT p.start,
    CASE WHEN p.known THEN CASE WHEN held = 0 THEN head ELSE 0 END + CASE WHEN last_value = 0 THEN tail ELSE 0 END
      + greatest(coalesce(seconds - integral, 0), 0) END,
    CASE WHEN p.known THEN CASE WHEN held = 1 THEN head ELSE 0 END + CASE WHEN last_value = 1 THEN tail ELSE 0 END
      + coalesce(integral, 0) END
  FROM (
    SELECT *, (head = 0 OR held IN (0, 1))
      -- Of 0 and 1 the sum of squares is the sum.
      AND (count IS NULL OR excluded = 0 AND min >= 0 AND max <= 1 AND sum = trunc(sum)
        AND abs(m2 - sum * (1 - sum / count)) <= 1e-9 * count)
      AND (NOT short OR :"internal".bucket_start(parts.start, width, months, tz) = parts.start
        AND :"internal".bucket_start(parts.start + width - interval '1 microsecond', width, months, tz) = parts.start) AS known
    FROM parts
  ) p;
END;
$body$;

-- The buckets of a series (regrouped: the engine's own) with the columns that users see.
CREATE OR REPLACE FUNCTION :"internal".aggregated(level text, series :"internal".series, "from" timestamptz, "to" timestamptz,
  width interval, months integer, tz text)
RETURNS SETOF :"internal".aggregate LANGUAGE sql STABLE AS $body$
  SELECT r.bucket, $2.device_id, $2.metric_name, :"internal".quotient(r.sum, r.count - r.excluded), r.max, r.min, r.count,
    CASE WHEN r.count > r.excluded THEN r.sum END, sqrt(:"internal".quotient(r.m2, r.count - r.excluded - 1)),
    r.first_value, r.first_time, r.last_value, r.last_time, r.increase,
    coalesce(:"internal".quotient(r.integral, r.seconds), :"internal".quotient(r.sum, r.count - r.excluded)),
    NULL::double precision, NULL::double precision
  FROM :"internal".regrouped(CASE WHEN $2.aggregated THEN $1 ELSE 'raw' END, $2, $3, $4, $5, $6, $7) r
  ORDER BY r.bucket
$body$;

CREATE OR REPLACE FUNCTION :"schema".iot_aggregate(device_ids text[], metric_names text[], "from" timestamptz, "to" timestamptz,
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
    IF fill = 'none' AND series.kind <> 'state' THEN
      RETURN QUERY SELECT * FROM :"internal".aggregated(level, series, first, stop, width, months, tz);
    ELSIF fill = 'none' THEN
      RETURN QUERY
      SELECT r.bucket, r.device_id, r.metric_name, r.avg_value, r.max_value, r.min_value, r.count, r.sum_value, r.stddev_value,
        r.first_value, r.first_time, r.last_value, r.last_time, r.increase, r.time_weighted_avg, d.seconds_false, d.seconds_true
      FROM :"internal".aggregated(level, series, first, stop, width, months, tz) r
      LEFT JOIN :"internal".state_seconds(level, series, first, stop, width, months, tz, NULL) d ON d.bucket = r.bucket
      ORDER BY r.bucket;
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
        f.increase, f.time_weighted_avg, d.seconds_false, d.seconds_true
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
      LEFT JOIN :"internal".state_seconds(level, series, first, stop, width, months, tz, starts) d ON d.bucket = f.start
      ORDER BY f.start;
    END IF;
  END LOOP;
END;
$body$;

CREATE TYPE :"internal".state_duration AS (
  bucket timestamptz,
  device_id text,
  metric_name text,
  state text,
  seconds double precision
);

-- How long each state of each series lasted, whatever its states are: numbers, or texts. From points, so as far back as they are
-- kept. A number holds until the next point, at most for the series' longest hold. A text is stored where it changes, so it
-- holds until the next one, and the last one for as long as the device is heard, and the longest hold after that.
CREATE FUNCTION :"schema".iot_state_durations(device_ids text[], metric_names text[], "from" timestamptz, "to" timestamptz,
  bucket interval, tz text DEFAULT 'UTC')
RETURNS SETOF :"internal".state_duration
LANGUAGE plpgsql STABLE SET jit = off AS $body$
DECLARE
  months constant integer := date_part('year', bucket) * 12 + date_part('month', bucket);
  width constant interval := make_interval(days => date_part('day', bucket)::integer) + (bucket - date_trunc('day', bucket));
  first timestamptz;
  stop timestamptz;
  hold interval;
  heard timestamptz;
  series :"internal".series;
BEGIN
  IF "from" IS NULL OR "to" IS NULL OR bucket IS NULL OR tz IS NULL THEN
    RAISE EXCEPTION 'iot_state_durations: from, to, bucket and tz must not be NULL' USING ERRCODE = 'invalid_parameter_value';
  ELSIF months < 0 OR extract(epoch FROM width) < 0 OR (months = 0) = (extract(epoch FROM width) = 0) THEN
    RAISE EXCEPTION 'iot_state_durations: bucket is a time, days or months, more than none, not %', bucket USING ERRCODE = 'invalid_parameter_value';
  END IF;
  -- Raises an error where there is no such time zone.
  PERFORM now() AT TIME ZONE tz;
  IF "from" >= "to" THEN
    RETURN;
  END IF;
  first := :"internal".bucket_start("from", width, months, tz);
  stop := :"internal".bucket_start("to" - interval '1 microsecond', width, months, tz);
  stop := CASE WHEN isfinite(stop) THEN :"internal".bucket_end(stop, width, months, tz) ELSE stop END;
  FOR series IN
    SELECT s.* FROM :"internal".series s
    WHERE s.device_id = ANY (device_ids) AND s.metric_name = ANY (metric_names)
    ORDER BY s.device_id, s.metric_name, s.is_text
  LOOP
    hold := make_interval(secs => date_part('epoch', series.longest_hold));
    SELECT least(max(h.last_arrival) + hold, now()) INTO heard
    FROM :"internal".device_states h WHERE h.device_id = series.device_id;
    RETURN QUERY
    WITH points AS (
      SELECT * FROM (
        SELECT p.ts, (p.value + 0)::text AS value FROM :"internal".points_between(series.series_id, first - hold, first) p
        WHERE NOT series.is_text ORDER BY p.ts DESC LIMIT 1
      ) before
      UNION ALL
      SELECT p.ts, (p.value + 0)::text FROM :"internal".points_between(series.series_id, first, stop) p WHERE NOT series.is_text
      UNION ALL
      SELECT * FROM (
        SELECT t."timestamp", t.value FROM :"schema".iot_text t
        WHERE series.is_text AND t.device_id = series.device_id AND t.metric_name = series.metric_name AND t."timestamp" < first
        ORDER BY 1 DESC LIMIT 1
      ) before
      UNION ALL
      SELECT t."timestamp", t.value FROM :"schema".iot_text t
      WHERE series.is_text AND t.device_id = series.device_id AND t.metric_name = series.metric_name
        AND t."timestamp" >= first AND t."timestamp" < stop
    ), runs AS (
      SELECT p.value, greatest(p.ts, first) AS began, least(stop, now(), lead(p.ts) OVER (ORDER BY p.ts),
        CASE WHEN NOT series.is_text THEN p.ts + hold
          WHEN lead(p.ts) OVER (ORDER BY p.ts) IS NULL THEN greatest(p.ts, heard) END) AS ended
      FROM points p
    ), islands AS (
      SELECT r.*, count(*) FILTER (WHERE r.fresh) OVER (ORDER BY r.began) AS island
      FROM (
        SELECT r.*, r.value IS DISTINCT FROM lag(r.value) OVER times OR r.began > lag(r.ended) OVER times AS fresh
        FROM runs r WHERE r.began < r.ended WINDOW times AS (ORDER BY r.began)
      ) r
    ), stretches AS MATERIALIZED (
      SELECT l.value, l.began, l.ended, l.start, l.ended > :"internal".bucket_end(l.start, width, months, tz) AS crossing
      FROM (
        SELECT l.value, l.began, l.ended, :"internal".bucket_start(l.began, width, months, tz) AS start
        -- Points of one state in a row are one stretch.
        FROM (SELECT min(s.value) AS value, min(s.began) AS began, max(s.ended) AS ended FROM islands s GROUP BY s.island) l
        OFFSET 0
      ) l
    ), bounds AS MATERIALIZED (
      SELECT :"internal".bucket_starts(min(h.start), max(h.ended), width, months, tz) AS starts FROM stretches h WHERE h.crossing
    )
    SELECT p.start, series.device_id, series.metric_name, p.value, sum(date_part('epoch', p.ended - p.began))
    FROM (
      SELECT h.value, h.began, h.ended, h.start FROM stretches h WHERE NOT h.crossing
      UNION ALL
      SELECT h.value, greatest(h.began, b.starts[k]), least(h.ended, b.starts[k + 1]), b.starts[k]
      FROM stretches h
      CROSS JOIN bounds b
      CROSS JOIN LATERAL generate_series(width_bucket(h.start, b.starts), width_bucket(h.ended - interval '1 microsecond', b.starts)) AS k
      WHERE h.crossing
    ) p
    GROUP BY p.start, p.value
    ORDER BY p.start, p.value COLLATE "C";
  END LOOP;
END;
$body$;

CREATE FUNCTION :"schema".iot_state_durations(device_id text, metric_name text, "from" timestamptz, "to" timestamptz,
  bucket interval, tz text DEFAULT 'UTC')
RETURNS SETOF :"internal".state_duration
LANGUAGE sql STABLE AS $body$
  SELECT * FROM :"schema".iot_state_durations(ARRAY[$1], ARRAY[$2], $3, $4, $5, $6)
$body$;
