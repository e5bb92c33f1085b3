-- compatible_from: 4
-- Continuous aggregates of TimescaleDB, each on top of the one below, and what users read of them. A row holds the same
-- as on stock PostgreSQL and is computed by the same rules.

SELECT set_config('search_path', quote_ident(nspname) || ', pg_catalog', true)
FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace WHERE extname = 'timescaledb';

-- What depends on the order of points, which a continuous aggregate cannot ask by window functions: {m2, increase, resets,
-- integral, seconds} of a whole bucket, of the parts it is made of (points, or rows of the level below), in their order.
-- `sums` has the totals of the parts; what is added are the pairs of one's last point and the next one's first, and each
-- part's deviation from the mean of the whole (Chan et al.), where counts and totals of values are given.
CREATE FUNCTION :"internal".folded(sums double precision[],
  first_times timestamptz[], firsts double precision[], last_times timestamptz[], lasts double precision[],
  counts bigint[], totals double precision[], tolerance double precision, rollover double precision, hold double precision)
RETURNS double precision[] LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $body$
DECLARE
  m2 double precision := sums[1];
  increase double precision := sums[2];
  resets double precision := sums[3];
  integral double precision := sums[4];
  seconds double precision := sums[5];
  before double precision;
  after double precision;
  held double precision;
  mean double precision;
BEGIN
  FOR part IN 2 .. coalesce(array_length(firsts, 1), 0) LOOP
    before := :"internal".covered(lasts[part - 1]);
    after := :"internal".covered(firsts[part]);
    CONTINUE WHEN before IS NULL OR after IS NULL;
    held := least(date_part('epoch', first_times[part] - last_times[part - 1]), hold);
    increase := increase + :"internal".gain(before, after, tolerance, rollover);
    IF after - before < - tolerance THEN
      resets := resets + 1;
    END IF;
    integral := integral + :"internal".over_time(before, held);
    seconds := seconds + held;
  END LOOP;
  IF array_length(counts, 1) > 1 THEN
    SELECT :"internal".quotient(sum(t), sum(c)::double precision) INTO mean FROM unnest(counts, totals) AS u (c, t);
    FOR part IN 1 .. array_length(counts, 1) LOOP
      IF counts[part] > 0 THEN
        m2 := m2 + counts[part] * :"internal".square(:"internal".quotient(totals[part], counts[part]) - mean);
      END IF;
    END LOOP;
  END IF;
  RETURN ARRAY[m2, increase, resets, integral, seconds];
END;
$body$;

CREATE MATERIALIZED VIEW :"internal".aggregate_1min
WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
SELECT p.series_id, time_bucket('1 minute', p.ts) AS bucket,
  count(*) AS count, count(*) - count(:"internal".covered(p.value)) AS excluded,
  coalesce(sum(:"internal".covered(p.value)), 0) AS sum, min(p.value) AS min, max(p.value) AS max,
  first(p.value, p.ts) AS first_value, min(p.ts) AS first_time, last(p.value, p.ts) AS last_value, max(p.ts) AS last_time,
  CASE WHEN count(*) > 1 THEN :"internal".folded(
    ARRAY[coalesce(regr_sxx(:"internal".covered(p.value), :"internal".covered(p.value)), 0), 0, 0, 0, 0],
    array_agg(p.ts ORDER BY p.ts), array_agg(p.value ORDER BY p.ts), array_agg(p.ts ORDER BY p.ts), array_agg(p.value ORDER BY p.ts),
    NULL, NULL, max(s.counter_tolerance), max(s.counter_rollover), date_part('epoch', max(s.longest_hold)))
  ELSE '{0,0,0,0,0}' END AS folded
FROM :"internal".points p JOIN :"internal".series s ON s.series_id = p.series_id
WHERE s.aggregated
GROUP BY p.series_id, time_bucket('1 minute', p.ts)
WITH NO DATA;

DO $do$
DECLARE
  level record;
  part text;
BEGIN
  FOR level IN
    SELECT l.*, CASE l.level WHEN '1min' THEN interval '7 days' WHEN '15min' THEN interval '28 days'
      WHEN '1hour' THEN interval '84 days' ELSE interval '364 days' END AS chunk
    FROM :"internal".aggregates l ORDER BY position
  LOOP
    FOREACH part IN ARRAY ARRAY[
      $sql$
        CREATE MATERIALIZED VIEW :"internal".aggregate_{level}
        WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
        SELECT p.series_id, time_bucket('{width}', p.bucket) AS bucket,
          sum(p.count)::bigint AS count, sum(p.excluded)::bigint AS excluded, sum(p.sum) AS sum, min(p.min) AS min, max(p.max) AS max,
          first(p.first_value, p.bucket) AS first_value, min(p.first_time) AS first_time,
          last(p.last_value, p.bucket) AS last_value, max(p.last_time) AS last_time,
          :"internal".folded(
            ARRAY[sum(p.folded[1]), sum(p.folded[2]), sum(p.folded[3]), sum(p.folded[4]), sum(p.folded[5])],
            array_agg(p.first_time ORDER BY p.bucket), array_agg(p.first_value ORDER BY p.bucket),
            array_agg(p.last_time ORDER BY p.bucket), array_agg(p.last_value ORDER BY p.bucket),
            array_agg(p.count - p.excluded ORDER BY p.bucket), array_agg(p.sum ORDER BY p.bucket),
            max(s.counter_tolerance), max(s.counter_rollover), date_part('epoch', max(s.longest_hold))) AS folded
        FROM :"internal".aggregate_{source} p JOIN :"internal".series s ON s.series_id = p.series_id
        WHERE s.aggregated
        GROUP BY p.series_id, time_bucket('{width}', p.bucket)
        WITH NO DATA
      $sql$, $sql$
        ALTER MATERIALIZED VIEW :"internal".aggregate_{level} SET
          (timescaledb.enable_columnstore = true, timescaledb.segmentby = 'series_id', timescaledb.orderby = 'bucket')
      $sql$, $sql$
        SELECT set_chunk_time_interval(format('%I.%I', :'internal', 'aggregate_{level}')::regclass, interval '{chunk}')
      $sql$, $sql$
        CREATE FUNCTION :"internal".rollup_{level}(series_id bigint, "from" timestamptz, "to" timestamptz)
        RETURNS TABLE (
          bucket timestamptz, count bigint, excluded bigint, sum double precision, m2 double precision,
          min double precision, max double precision, first_value double precision, first_time timestamptz,
          last_value double precision, last_time timestamptz, increase double precision, resets bigint,
          integral double precision, seconds double precision
        ) LANGUAGE plpgsql STABLE ROWS 20 SET jit = off AS $body$
        BEGIN
          RETURN QUERY SELECT a.bucket, a.count, a.excluded, a.sum, a.folded[1], a.min, a.max, a.first_value, a.first_time,
            a.last_value, a.last_time, a.folded[2], a.folded[3]::bigint, a.folded[4], a.folded[5]
          FROM :"internal".aggregate_{level} a
          WHERE a.series_id = $1 AND a.bucket >= $2 AND a.bucket < $3
            AND a.bucket >= (SELECT l.cut FROM :"internal".aggregates l WHERE l.level = '{level}');
        END;
        $body$
      $sql$, $sql$
        CREATE VIEW :"schema".iot_data_{level} AS
        SELECT r.bucket, s.device_id, s.metric_name, :"internal".quotient(r.sum, r.count - r.excluded) AS avg_value,
          r.max AS max_value, r.min AS min_value, r.count, CASE WHEN r.count > r.excluded THEN r.sum END AS sum_value,
          sqrt(:"internal".quotient(r.folded[1], r.count - r.excluded - 1)) AS stddev_value,
          r.first_value, r.first_time, r.last_value, r.last_time, r.folded[2] AS increase,
          coalesce(:"internal".quotient(r.folded[4], r.folded[5]), :"internal".quotient(r.sum, r.count - r.excluded)) AS time_weighted_avg
        FROM :"internal".aggregate_{level} r
        JOIN :"internal".series s ON s.series_id = r.series_id
        WHERE NOT s.is_text AND s.aggregated
          AND r.bucket >= (SELECT cut FROM :"internal".aggregates WHERE level = '{level}')
      $sql$
    ] LOOP
      CONTINUE WHEN level.source = 'raw' AND part LIKE '%CREATE MATERIALIZED VIEW%';
      part := replace(replace(part, '{width}', level.width::text), '{chunk}', level.chunk::text);
      EXECUTE replace(replace(part, '{level}', level.level), '{source}', level.source);
    END LOOP;
  END LOOP;
END;
$do$;

CREATE TYPE :"internal".rollup AS (
  bucket timestamptz,
  count bigint,
  excluded bigint,
  sum double precision,
  m2 double precision,
  min double precision,
  max double precision,
  first_value double precision,
  first_time timestamptz,
  last_value double precision,
  last_time timestamptz,
  increase double precision,
  resets bigint,
  integral double precision,
  seconds double precision
);

-- regrouped_{level}: buckets of any length, from a level or from points (raw).
DO $do$
DECLARE
  level text;
  part text;
  -- Rows from points. Only pairs of points that are both in the bucket count.
  from_points constant text := $sql$
    SELECT bucket, count(*), count(*) - count(q), coalesce(sum(q), 0), coalesce(regr_sxx(q, q), 0), min(value), max(value),
      max(value) FILTER (WHERE elapsed IS NULL), max(ts) FILTER (WHERE elapsed IS NULL),
      max(value) FILTER (WHERE next_ts IS NULL), max(ts) FILTER (WHERE next_ts IS NULL),
      coalesce(sum(:"internal".gain(p, q, tolerance, rollover)), 0), count(*) FILTER (WHERE q - p < - tolerance),
      coalesce(sum(:"internal".over_time(p, least(elapsed, hold))) FILTER (WHERE q IS NOT NULL), 0),
      coalesce(sum(least(elapsed, hold)) FILTER (WHERE p IS NOT NULL AND q IS NOT NULL), 0)
    FROM (
      SELECT ts, value, bucket, :"internal".covered(value) AS q, lag(:"internal".covered(value)) OVER pairs AS p,
        date_part('epoch', ts - lag(ts) OVER pairs) AS elapsed, lead(ts) OVER pairs AS next_ts
      FROM (
        SELECT ts, value, :"internal".bucket_start(ts, width, months, tz) AS bucket FROM :"internal".points_between(series_id, "from", "to")
      ) points
      WINDOW pairs AS (PARTITION BY bucket ORDER BY ts)
    ) pairs
    GROUP BY bucket
  $sql$;
  -- Rows from shorter ones: sums add up, deviations too, each about the mean of the whole (Chan et al.), and the last point
  -- of a row makes a pair with the first one of the next.
  from_rows constant text := $sql$
    SELECT whole, sum(count)::bigint, sum(excluded)::bigint, sum(sum),
      sum(m2) + sum((count - excluded) * :"internal".square(coalesce(:"internal".quotient(sum, count - excluded) - mean, 0))),
      min(min), max(max),
      max(first_value) FILTER (WHERE elapsed IS NULL), max(first_time) FILTER (WHERE elapsed IS NULL),
      max(last_value) FILTER (WHERE next_time IS NULL), max(last_time) FILTER (WHERE next_time IS NULL),
      sum(increase) + coalesce(sum(:"internal".gain(p, q, tolerance, rollover)), 0),
      sum(resets)::bigint + count(*) FILTER (WHERE q - p < - tolerance),
      sum(integral) + coalesce(sum(:"internal".over_time(p, least(elapsed, hold))) FILTER (WHERE q IS NOT NULL), 0),
      sum(seconds) + coalesce(sum(least(elapsed, hold)) FILTER (WHERE p IS NOT NULL AND q IS NOT NULL), 0)
    FROM (
      SELECT *, :"internal".covered(first_value) AS q, lag(:"internal".covered(last_value)) OVER pairs AS p,
        date_part('epoch', first_time - lag(last_time) OVER pairs) AS elapsed, lead(first_time) OVER pairs AS next_time,
        :"internal".quotient(sum(sum) OVER wholes, sum(count - excluded) OVER wholes) AS mean
      FROM (
        SELECT r.*, :"internal".bucket_start(first_time, width, months, tz) AS whole FROM :"internal".rollup_{level}(series_id, "from", "to") r
      ) rows
      WINDOW pairs AS (PARTITION BY whole ORDER BY first_time), wholes AS (PARTITION BY whole)
    ) pairs
    GROUP BY whole
  $sql$;
  regrouped constant text := $sql$
    CREATE FUNCTION :"internal".regrouped_{level}(series_id bigint, "from" timestamptz, "to" timestamptz,
      tolerance double precision, rollover double precision, hold double precision, width interval, months integer, tz text)
    RETURNS SETOF :"internal".rollup LANGUAGE sql STABLE ROWS 20 AS $body$ {computed} $body$
  $sql$;
BEGIN
  FOREACH level IN ARRAY ARRAY['raw', '1min', '15min', '1hour', '1day'] LOOP
    part := replace(regrouped, '{computed}', CASE WHEN level = 'raw' THEN from_points ELSE from_rows END);
    EXECUTE replace(part, '{level}', level);
  END LOOP;
END;
$do$;

-- The buckets of a series from the level that is named, as they are where they are its own. Each path has a plan of its own,
-- which the session keeps, unless one for the range at hand, which leaves out chunks, is better.
CREATE FUNCTION :"internal".regrouped(level text, series :"internal".series, "from" timestamptz, "to" timestamptz,
  width interval, months integer, tz text)
RETURNS SETOF :"internal".rollup LANGUAGE plpgsql STABLE SET plan_cache_mode = auto AS $body$
DECLARE
  id constant bigint := series.series_id;
  tolerance constant double precision := series.counter_tolerance;
  rollover constant double precision := series.counter_rollover;
  hold constant double precision := date_part('epoch', series.longest_hold);
  own constant boolean := tz = 'UTC' AND EXISTS (SELECT FROM :"internal".aggregates a WHERE a.level = $1 AND a.width = $5);
BEGIN
  CASE level
    WHEN 'raw' THEN
      RETURN QUERY SELECT * FROM :"internal".regrouped_raw(id, "from", "to", tolerance, rollover, hold, width, months, tz);
    WHEN '1min' THEN
      IF own THEN
        RETURN QUERY SELECT * FROM :"internal".rollup_1min(id, "from", "to");
      ELSE
        RETURN QUERY SELECT * FROM :"internal".regrouped_1min(id, "from", "to", tolerance, rollover, hold, width, months, tz);
      END IF;
    WHEN '15min' THEN
      IF own THEN
        RETURN QUERY SELECT * FROM :"internal".rollup_15min(id, "from", "to");
      ELSE
        RETURN QUERY SELECT * FROM :"internal".regrouped_15min(id, "from", "to", tolerance, rollover, hold, width, months, tz);
      END IF;
    WHEN '1hour' THEN
      IF own THEN
        RETURN QUERY SELECT * FROM :"internal".rollup_1hour(id, "from", "to");
      ELSE
        RETURN QUERY SELECT * FROM :"internal".regrouped_1hour(id, "from", "to", tolerance, rollover, hold, width, months, tz);
      END IF;
    WHEN '1day' THEN
      IF own THEN
        RETURN QUERY SELECT * FROM :"internal".rollup_1day(id, "from", "to");
      ELSE
        RETURN QUERY SELECT * FROM :"internal".regrouped_1day(id, "from", "to", tolerance, rollover, hold, width, months, tz);
      END IF;
  END CASE;
END;
$body$;
