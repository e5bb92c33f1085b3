-- compatible_from: 4
-- Continuous aggregates: what a row holds, how points and rows become rows, and what users read of them.

-- Dirty buckets that are older than what a refresh does first: it puts them back as such.
ALTER TABLE :"internal".dirty_buckets ADD COLUMN late boolean NOT NULL DEFAULT false;
DROP INDEX :"internal".dirty_buckets_level;
CREATE INDEX dirty_buckets_level ON :"internal".dirty_buckets (level, late, written_at);

-- How far the levels up to a position have got, the finest first: up to edges[k] the level k or a coarser one is kept.
CREATE FUNCTION :"internal".edges("position" smallint) RETURNS timestamptz[] LANGUAGE sql STABLE AS $body$
  SELECT array_agg(edge ORDER BY a.position) FROM (
    SELECT a.position, max(a.watermark) OVER (ORDER BY a.position DESC) AS edge
    FROM :"internal".aggregates a WHERE a.position <= $1
  ) a
$body$;

-- The tables and functions of a level are alike but for names and for the levels below; {level} stands for its name.
-- computed_{level}: its rows of a series, in a range of whole buckets, from what the levels below keep (edges) and, after
-- that, from points. Plain SQL, inlined where it is called.
-- live_{level}: the same where the level itself is not kept; in plpgsql, so that the session keeps the plan, which is not
-- even made where a range ends before the watermark.
-- rollup_{level}: kept and live.
-- regrouped_{level}: buckets of any length, from what that level and those below it keep.
DO $do$
DECLARE
  a record;
  part text;
  rows text := '';
  columns constant text := 'bucket, count, excluded, sum, m2, min, max, first_value, first_time, last_value, last_time, increase, resets, integral, seconds';
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
        SELECT ts, value, {bucket of ts} AS bucket FROM :"internal".points_between(series_id, {from}, "to") WHERE {from} < "to"
      ) points
      WINDOW pairs AS (PARTITION BY bucket ORDER BY ts)
    ) pairs
    GROUP BY bucket
  $sql$;
  -- The same for buckets that are short enough for arrays of their points, which is a third less work than a window.
  -- Neighbours are looked up by number, so that no element may be NULL: it would have to be searched for. tstzrange_subdiff
  -- is several times as fast as date_part, but counts microseconds since 2000 in a double, exact from 1715 to 2285.
  minutes_from_points constant text := $sql$
    SELECT bucket, points, points - used, coalesce(sum, 0), coalesce(m2, 0), min, max,
      points_values[1], times[1], points_values[points], times[points], increase, resets, integral, seconds
    FROM (
      SELECT bucket, count(*) AS points, count(q) AS used, sum(q) AS sum, regr_sxx(q, q) AS m2, min(value) AS min, max(value) AS max,
        array_agg(value ORDER BY ts) AS points_values, array_agg(ts ORDER BY ts) AS times
      FROM (
        SELECT ts, value, :"internal".covered(value) AS q, {bucket of ts} AS bucket
        FROM :"internal".points_between(series_id, {from}, "to") WHERE {from} < "to"
      ) points
      GROUP BY bucket
    ) buckets
    CROSS JOIN LATERAL (
      SELECT coalesce(sum(:"internal".gain(p, q, tolerance, rollover)), 0) AS increase,
        count(*) FILTER (WHERE q - p < - tolerance) AS resets,
        coalesce(sum(:"internal".over_time(p, elapsed)), 0) AS integral, coalesce(sum(elapsed), 0) AS seconds
      FROM (
        SELECT points_values[i] AS p, points_values[i + 1] AS q, least(hold, CASE WHEN bucket > timestamptz '1715-01-01 00:00:00+00'
          THEN tstzrange_subdiff(times[i + 1], times[i]) ELSE date_part('epoch', times[i + 1] - times[i]) END) AS elapsed
        FROM (SELECT generate_series(1, points::integer - 1) AS i) numbers
        OFFSET 0
      ) pairs
      WHERE :"internal".covered(p) IS NOT NULL AND :"internal".covered(q) IS NOT NULL
    ) sums
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
        SELECT {columns}, {bucket of first_time} AS whole FROM ({rows}) AS rows ({columns})
      ) rows
      WINDOW pairs AS (PARTITION BY whole ORDER BY first_time), wholes AS (PARTITION BY whole)
    ) pairs
    GROUP BY whole
  $sql$;
  -- What a level keeps of a series, between the edge of the level above and its own. Of a frame that lies within, no row's
  -- bucket is computed to compare it.
  kept_rows constant text := $sql$
    SELECT {columns} FROM :"internal".aggregate_{level} h
    WHERE h.series_id = $1 AND h.bucket >= "from" AND h.bucket < "to" AND h.bucket >= {above} AND h.bucket < {edge}
      AND "from" < {edge} AND {above} < "to"
    UNION ALL
    SELECT {columns} FROM :"internal".frame_rows_{level} f
    WHERE f.series_id = $1 AND f.end_bucket >= "from" AND f.start_bucket < "to" AND f.end_bucket >= {above} AND f.start_bucket < {edge}
      AND (f.start_bucket >= "from" AND f.end_bucket < "to" AND f.start_bucket >= {above} AND f.end_bucket < {edge}
        OR f.bucket >= "from" AND f.bucket < "to" AND f.bucket >= {above} AND f.bucket < {edge})
      AND "from" < {edge} AND {above} < "to"
  $sql$;
  row_columns constant text := $sql$
    bucket timestamptz, count bigint, excluded bigint, sum double precision, m2 double precision,
    min double precision, max double precision, first_value double precision, first_time timestamptz,
    last_value double precision, last_time timestamptz, increase double precision, resets bigint,
    integral double precision, seconds double precision
  $sql$;
  regrouped constant text := $sql$
    CREATE FUNCTION :"internal".regrouped_{level}(series_id bigint, "from" timestamptz, "to" timestamptz, edges timestamptz[],
      tolerance double precision, rollover double precision, hold double precision, width interval, months integer, tz text)
    RETURNS TABLE ({row_columns}) LANGUAGE sql STABLE ROWS 20 AS $body$ {computed} $body$
  $sql$;
BEGIN
  FOR a IN SELECT level, position, format('%L', width) AS width FROM :"internal".aggregates ORDER BY position LOOP
    FOREACH part IN ARRAY ARRAY[
      $sql$
        CREATE TABLE :"internal".aggregate_{level} (
          series_id bigint NOT NULL,
          bucket timestamptz NOT NULL,
          count bigint NOT NULL,
          excluded bigint NOT NULL,
          sum double precision NOT NULL,
          m2 double precision NOT NULL,
          min double precision NOT NULL,
          max double precision NOT NULL,
          first_value double precision NOT NULL,
          first_time timestamptz NOT NULL,
          last_value double precision NOT NULL,
          last_time timestamptz NOT NULL,
          increase double precision NOT NULL,
          resets bigint NOT NULL,
          integral double precision NOT NULL,
          seconds double precision NOT NULL,
          PRIMARY KEY (series_id, bucket)
        )
      $sql$, $sql$
        CREATE FUNCTION :"internal".computed_{level}(series_id bigint, "from" timestamptz, "to" timestamptz, edges timestamptz[],
          tolerance double precision, rollover double precision, hold double precision)
        RETURNS TABLE ({row_columns}) LANGUAGE sql STABLE ROWS 20 AS $body$ {computed} $body$
      $sql$, $sql$
        CREATE FUNCTION :"internal".live_{level}(series_id bigint, "from" timestamptz, "to" timestamptz, edges timestamptz[],
          tolerance double precision, rollover double precision, hold double precision)
        RETURNS TABLE ({row_columns}) LANGUAGE plpgsql STABLE ROWS 2 SET plan_cache_mode = force_generic_plan SET jit = off AS $body$
        BEGIN
          IF $2 < $3 THEN
            RETURN QUERY SELECT * FROM :"internal".computed_{level}($1, $2, $3, $4, $5, $6, $7);
          END IF;
        END;
        $body$
      $sql$, $sql$
        CREATE FUNCTION :"internal".rollup_{level}(series_id bigint, "from" timestamptz, "to" timestamptz, watermark timestamptz,
          edges timestamptz[], tolerance double precision, rollover double precision, hold double precision)
        RETURNS TABLE ({row_columns}) LANGUAGE sql STABLE ROWS 20 AS $body$
          SELECT {columns} FROM :"internal".aggregate_{level} h
          WHERE h.series_id = $1 AND h.bucket >= $2 AND h.bucket < $3 AND h.bucket < $4
          UNION ALL
          SELECT {columns} FROM :"internal".frame_rows_{level} f
          WHERE f.series_id = $1 AND f.end_bucket >= $2 AND f.start_bucket < $3 AND f.start_bucket < $4
            AND (f.start_bucket >= $2 AND f.end_bucket < $3 AND f.end_bucket < $4 OR f.bucket >= $2 AND f.bucket < $3 AND f.bucket < $4)
          UNION ALL
          SELECT {columns} FROM :"internal".live_{level}($1, greatest($2, $4), $3, $5, $6, $7, $8)
        $body$
      $sql$, $sql$
        CREATE VIEW :"schema".iot_data_{level} AS
        SELECT r.bucket, s.device_id, s.metric_name, :"internal".quotient(r.sum, r.count - r.excluded) AS avg_value,
          r.max AS max_value, r.min AS min_value, r.count, CASE WHEN r.count > r.excluded THEN r.sum END AS sum_value,
          sqrt(:"internal".quotient(r.m2, r.count - r.excluded - 1)) AS stddev_value,
          r.first_value, r.first_time, r.last_value, r.last_time, r.increase,
          coalesce(:"internal".quotient(r.integral, r.seconds), :"internal".quotient(r.sum, r.count - r.excluded)) AS time_weighted_avg
        FROM (
          SELECT watermark, :"internal".edges(position - 1::smallint) AS edges FROM :"internal".aggregates WHERE level = '{level}' OFFSET 0
        ) a
        CROSS JOIN :"internal".series s
        CROSS JOIN LATERAL :"internal".rollup_{level}(s.series_id, '-infinity', 'infinity', a.watermark, a.edges,
          s.counter_tolerance, s.counter_rollover, date_part('epoch', s.longest_hold)) r
        WHERE NOT s.is_text AND s.aggregated
      $sql$
    ] LOOP
      part := replace(part, '{computed}', CASE WHEN a.position = 1 THEN minutes_from_points ELSE from_rows END);
      part := replace(part, '{rows}', rows || replace(from_points, '{from}', 'greatest("from", edges[1])'));
      part := replace(replace(part, '{from}', '"from"'), '{row_columns}', row_columns);
      part := regexp_replace(part, '{bucket of (\w+)}', format($$date_bin(%s, \1, timestamptz '2000-01-03 00:00:00+00')$$, a.width), 'g');
      EXECUTE replace(replace(part, '{columns}', columns), '{level}', a.level);
    END LOOP;
    part := replace(kept_rows, '{above}', $$'-infinity'$$);
    rows := replace(rows, $$'-infinity'$$, format('edges[%s]', a.position));
    rows := replace(replace(replace(part, '{edge}', format('edges[%s]', a.position)), '{columns}', columns), '{level}', a.level)
      || ' UNION ALL ' || rows;
    part := replace(replace(regrouped, '{computed}', from_rows), '{rows}', rows || replace(from_points, '{from}', 'greatest("from", edges[1])'));
    part := regexp_replace(part, '{bucket of (\w+)}', ':"internal".bucket_start(\1, width, months, tz)', 'g');
    EXECUTE replace(replace(replace(part, '{columns}', columns), '{row_columns}', row_columns), '{level}', a.level);
  END LOOP;
  part := replace(replace(replace(regrouped, '{computed}', from_points), '{from}', '"from"'), '{row_columns}', row_columns);
  part := regexp_replace(part, '{bucket of (\w+)}', ':"internal".bucket_start(\1, width, months, tz)', 'g');
  EXECUTE replace(part, '{level}', 'raw');
END;
$do$;

-- The buckets of a series from the level that is named, as they are where they are its own. Each path has a plan of its own,
-- which the session keeps.
CREATE FUNCTION :"internal".regrouped(level text, series :"internal".series, "from" timestamptz, "to" timestamptz,
  width interval, months integer, tz text)
RETURNS SETOF :"internal".aggregate_1min LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan AS $body$
DECLARE
  id constant bigint := series.series_id;
  tolerance constant double precision := series.counter_tolerance;
  rollover constant double precision := series.counter_rollover;
  hold constant double precision := date_part('epoch', series.longest_hold);
  own boolean;
  watermark timestamptz;
  edges timestamptz[];
BEGIN
  SELECT a.watermark, a.width = $5 AND tz = 'UTC', :"internal".edges(a.position - (a.width = $5 AND tz = 'UTC')::integer::smallint)
  INTO watermark, own, edges
  FROM :"internal".aggregates a WHERE a.level = $1;
  CASE level
    WHEN 'raw' THEN
      RETURN QUERY SELECT id, r.* FROM :"internal".regrouped_raw(id, "from", "to", edges, tolerance, rollover, hold, width, months, tz) r;
    WHEN '1min' THEN
      IF own THEN
        RETURN QUERY SELECT id, r.* FROM :"internal".rollup_1min(id, "from", "to", watermark, edges, tolerance, rollover, hold) r;
      ELSE
        RETURN QUERY SELECT id, r.* FROM :"internal".regrouped_1min(id, "from", "to", edges, tolerance, rollover, hold, width, months, tz) r;
      END IF;
    WHEN '15min' THEN
      IF own THEN
        RETURN QUERY SELECT id, r.* FROM :"internal".rollup_15min(id, "from", "to", watermark, edges, tolerance, rollover, hold) r;
      ELSE
        RETURN QUERY SELECT id, r.* FROM :"internal".regrouped_15min(id, "from", "to", edges, tolerance, rollover, hold, width, months, tz) r;
      END IF;
    WHEN '1hour' THEN
      IF own THEN
        RETURN QUERY SELECT id, r.* FROM :"internal".rollup_1hour(id, "from", "to", watermark, edges, tolerance, rollover, hold) r;
      ELSE
        RETURN QUERY SELECT id, r.* FROM :"internal".regrouped_1hour(id, "from", "to", edges, tolerance, rollover, hold, width, months, tz) r;
      END IF;
    WHEN '1day' THEN
      IF own THEN
        RETURN QUERY SELECT id, r.* FROM :"internal".rollup_1day(id, "from", "to", watermark, edges, tolerance, rollover, hold) r;
      ELSE
        RETURN QUERY SELECT id, r.* FROM :"internal".regrouped_1day(id, "from", "to", edges, tolerance, rollover, hold, width, months, tz) r;
      END IF;
  END CASE;
END;
$body$;

-- Packing takes rows out of an aggregate's table in the order of time, while its key is in the order of series: pages of
-- the index become empty that only later buckets of the same series would fill. Where it is several times as large as
-- its rows need, which is after a long past was packed at once, it is built anew. Readers wait meanwhile, so it must be
-- quick: not before vacuum has given the table's empty pages back, down to so many bytes. Waits for readers at most the caller's lock_timeout.
CREATE FUNCTION :"internal".shrink_aggregate(level text, largest bigint DEFAULT 268435456) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  table_name regclass := format('%I.%I', :'internal', 'aggregate_' || level)::regclass;
  index_name regclass := format('%I.%I', :'internal', 'aggregate_' || level || '_pkey')::regclass;
  rows bigint;
BEGIN
  IF pg_relation_size(index_name) < 1048576 OR pg_relation_size(table_name) > largest THEN
    RETURN false;
  END IF;
  EXECUTE format('SELECT count(*) FROM %s', table_name) INTO rows;
  IF pg_relation_size(index_name) < 4 * 40 * rows THEN
    RETURN false;
  END IF;
  EXECUTE format('REINDEX INDEX %s', index_name);
  RETURN true;
END;
$body$;
REVOKE ALL ON FUNCTION :"internal".shrink_aggregate(text, bigint) FROM PUBLIC;
