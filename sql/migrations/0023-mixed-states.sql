-- compatible_from: 4
-- How long each state of each metric lasted, whatever its states are: numbers, texts, or both: a thermostat that is `off`, which
-- is a 0, and `heat`. From points, so as far back as they are kept. A number holds until the next point, at most for the series'
-- longest hold. A text is stored where it changes, so it holds until the next point, and the last one for as long as the device
-- is heard, and the longest hold after that.
CREATE OR REPLACE FUNCTION :"schema".iot_state_durations(device_ids text[], metric_names text[], "from" timestamptz, "to" timestamptz,
  bucket interval, tz text DEFAULT 'UTC')
RETURNS SETOF :"internal".state_duration
LANGUAGE plpgsql STABLE SET jit = off AS $body$
DECLARE
  months constant integer := date_part('year', bucket) * 12 + date_part('month', bucket);
  width constant interval := make_interval(days => date_part('day', bucket)::integer) + (bucket - date_trunc('day', bucket));
  first timestamptz;
  stop timestamptz;
  said timestamptz;
  heard timestamptz;
  metric record;
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
  FOR metric IN
    SELECT s.device_id, s.metric_name, min(s.series_id) FILTER (WHERE NOT s.is_text) AS numbers, bool_or(s.is_text) AS texts,
      make_interval(secs => date_part('epoch', max(s.longest_hold) FILTER (WHERE NOT s.is_text))) AS hold,
      make_interval(secs => date_part('epoch', max(s.longest_hold) FILTER (WHERE s.is_text))) AS text_hold
    FROM :"internal".series s
    WHERE s.device_id = ANY (device_ids) AND s.metric_name = ANY (metric_names)
    GROUP BY s.device_id, s.metric_name
    ORDER BY s.device_id, s.metric_name
  LOOP
    SELECT least(max(h.last_arrival) + metric.text_hold, now()) INTO heard
    FROM :"internal".device_states h WHERE h.device_id = metric.device_id;
    SELECT t."timestamp" INTO said
    FROM :"schema".iot_text t
    WHERE metric.texts AND t.device_id = metric.device_id AND t.metric_name = metric.metric_name AND t."timestamp" < first
    ORDER BY 1 DESC LIMIT 1;
    -- A number ended the text before, however old: one is enough, as of a metric that said "error" once all since may be millions.
    IF EXISTS (
      SELECT FROM :"internal".points_between(metric.numbers, said + interval '1 microsecond', first - metric.hold)
    ) THEN
      said := NULL;
    END IF;
    RETURN QUERY
    WITH points AS (
      SELECT * FROM (
        SELECT p.ts, (p.value + 0)::text AS value, false AS is_text
        FROM :"internal".points_between(metric.numbers, first - metric.hold, first) p ORDER BY p.ts DESC LIMIT 1
      ) before
      UNION ALL
      SELECT p.ts, (p.value + 0)::text, false FROM :"internal".points_between(metric.numbers, first, stop) p
      UNION ALL
      SELECT t."timestamp", t.value, true FROM :"schema".iot_text t
      WHERE metric.texts AND t.device_id = metric.device_id AND t.metric_name = metric.metric_name
        AND t."timestamp" >= coalesce(said, first) AND t."timestamp" < stop
    ), runs AS (
      SELECT p.value, greatest(p.ts, first) AS began, least(stop, now(), lead(p.ts) OVER times,
        CASE WHEN NOT p.is_text THEN p.ts + metric.hold
          WHEN lead(p.ts) OVER times IS NULL THEN greatest(p.ts, heard) END) AS ended
      FROM points p
      WINDOW times AS (ORDER BY p.ts, p.is_text)
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
    SELECT p.start, metric.device_id, metric.metric_name, p.value, sum(date_part('epoch', p.ended - p.began))
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
