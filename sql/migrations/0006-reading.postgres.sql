-- compatible_from: 4
-- Hot points, late points and segments, read as one; and what changes the map of chunks.

-- Points of a sealed chunk are in segments and, until its leaf is dropped, in the leaf too: retired says which not to read.
-- It is empty nearly always, and then costs one comparison a row.
CREATE VIEW :"internal".hot_points AS
SELECT series_id, ts, value FROM :"internal".points
WHERE (SELECT isempty(retired) FROM :"internal".chunk_map)
  OR NOT ts <@ (SELECT retired FROM :"internal".chunk_map);

CREATE VIEW :"internal".stored_points AS
SELECT series_id, ts, value FROM :"internal".hot_points
UNION ALL
SELECT series_id, ts, value FROM :"internal".points_late
UNION ALL
SELECT series_id, ts, value FROM :"internal".segment_points;

-- The points of one series, from <= ts < to. A segment lies within 28 days of the grid that date_bin gives, so that the
-- planner can leave out partitions: date_bin is immutable, an interval subtracted from a timestamptz is not.
CREATE FUNCTION :"internal".points_between(series_id bigint, "from" timestamptz, "to" timestamptz)
RETURNS TABLE (ts timestamptz, value double precision) LANGUAGE sql STABLE AS $body$
  SELECT h.ts, h.value FROM :"internal".hot_points h WHERE h.series_id = $1 AND h.ts >= $2 AND h.ts < $3
  UNION ALL
  SELECT l.ts, l.value FROM :"internal".points_late l WHERE l.series_id = $1 AND l.ts >= $2 AND l.ts < $3
  UNION ALL
  SELECT s.ts, s.value FROM :"internal".segment_points s
  WHERE s.series_id = $1 AND s.ts >= $2 AND s.ts < $3 AND s.end_ts >= $2 AND s.start_ts < $3
    AND s.start_ts >= date_bin('28 days', $2, timestamptz '2000-01-03 00:00:00+00')
$body$;

-- What a chunk that writers no longer use holds of the points that are to be written late: its leaf while it closes,
-- its segments once it is sealed. Late points are not among them.
CREATE FUNCTION :"internal".closed_points(series_id bigint, "from" timestamptz, "to" timestamptz)
RETURNS TABLE (ts timestamptz, value double precision) LANGUAGE sql STABLE AS $body$
  SELECT h.ts, h.value FROM :"internal".hot_points h WHERE h.series_id = $1 AND h.ts >= $2 AND h.ts < $3
  UNION ALL
  SELECT s.ts, s.value FROM :"internal".segment_points s
  WHERE s.series_id = $1 AND s.ts >= $2 AND s.ts < $3 AND s.end_ts >= $2 AND s.start_ts < $3
    AND s.start_ts >= date_bin('28 days', $2, timestamptz '2000-01-03 00:00:00+00')
$body$;

CREATE OR REPLACE VIEW :"schema".iot_data AS
SELECT s.device_id, s.metric_name, p.value, p.ts AS "timestamp"
FROM :"internal".stored_points p
JOIN :"internal".series s USING (series_id);

CREATE OR REPLACE FUNCTION :"schema".iot_points(device_id text, metric_name text, "from" timestamptz, "to" timestamptz)
RETURNS SETOF :"internal".point LANGUAGE sql STABLE AS $body$
  SELECT $1, $2, p.value, p.ts
  FROM :"internal".series s
  CROSS JOIN LATERAL :"internal".points_between(s.series_id, $3, $4) p
  WHERE s.device_id = $1 AND s.metric_name = $2 AND NOT s.is_text
$body$;

CREATE OR REPLACE FUNCTION :"schema".iot_points(device_ids text[], metric_names text[], "from" timestamptz, "to" timestamptz)
RETURNS SETOF :"internal".point LANGUAGE sql STABLE AS $body$
  SELECT s.device_id, s.metric_name, p.value, p.ts
  FROM :"internal".series s
  CROSS JOIN LATERAL :"internal".points_between(s.series_id, $3, $4) p
  WHERE s.device_id = ANY ($1) AND s.metric_name = ANY ($2) AND NOT s.is_text
$body$;

-- Drops the leaf of a sealed chunk. Readers that began before it was sealed still read the leaf, so it stays until the
-- oldest of them ends; those under way hold a lock on the parent, for which the caller's lock_timeout waits. Returns
-- whether it is gone.
CREATE FUNCTION :"internal".drop_sealed_leaf(chunk bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  sealed record;
BEGIN
  SELECT * INTO sealed FROM :"internal".chunks WHERE chunk_id = chunk AND state = 'sealed' AND attached FOR UPDATE;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  -- Vacuum reads no chunk: its worker has no user. Of other roles' sessions backend_type is hidden, the user is not.
  IF EXISTS (
    SELECT FROM pg_stat_activity
    WHERE usesysid IS NOT NULL AND backend_xmin IS NOT NULL
      AND pid <> pg_backend_pid() AND datname = current_database()
      AND pid NOT IN (SELECT v.pid FROM pg_stat_progress_vacuum v)
      AND age(backend_xmin) >= age(sealed.sealed_by::xid)
  ) THEN
    RETURN false;
  END IF;
  EXECUTE format('DROP TABLE %I.%I', :'internal', sealed.leaf);
  UPDATE :"internal".chunks SET attached = false WHERE chunk_id = chunk;
  UPDATE :"internal".chunk_map SET retired = retired - tstzmultirange(tstzrange(sealed.range_start, sealed.range_end));
  RETURN true;
END;
$body$;
REVOKE ALL ON FUNCTION :"internal".drop_sealed_leaf(bigint) FROM PUBLIC;

-- Makes an opening chunk's leaf anew and fills it from its segments, which hold the chunk's points until finish_opening.
CREATE FUNCTION :"internal".fill_leaf(chunk bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  opening record;
  filled bigint;
BEGIN
  SELECT * INTO STRICT opening FROM :"internal".chunks WHERE chunk_id = chunk AND state = 'opening' AND NOT attached FOR UPDATE;
  EXECUTE format('CREATE TABLE %I.%I (LIKE %I.points INCLUDING ALL, CONSTRAINT within CHECK (ts >= %L AND ts < %L))',
    :'internal', opening.leaf, :'internal', opening.range_start, opening.range_end);
  EXECUTE format(
    'INSERT INTO %I.%I SELECT series_id, ts, value FROM %I.segment_points
     WHERE start_ts >= $1 AND start_ts < $2 ORDER BY series_id, ts', :'internal', opening.leaf, :'internal')
    USING opening.range_start, opening.range_end;
  GET DIAGNOSTICS filled = ROW_COUNT;
  RETURN filled;
END;
$body$;
REVOKE ALL ON FUNCTION :"internal".fill_leaf(bigint) FROM PUBLIC;

-- Attaches what fill_leaf made, with what came late and what was replaced meanwhile, and opens the chunk: within
-- milliseconds, under the map's lock. As in open_chunk, readers must not have planned without the leaf: they hold the
-- late table's lock, so it is taken, for at most the caller's lock_timeout.
CREATE FUNCTION :"internal".finish_opening(chunk bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  opening record;
  moved bigint;
BEGIN
  PERFORM pg_advisory_xact_lock(:"internal".chunk_map_lock());
  SELECT * INTO STRICT opening FROM :"internal".chunks WHERE chunk_id = chunk AND state = 'opening' FOR UPDATE;
  LOCK TABLE :"internal".points_late IN ACCESS EXCLUSIVE MODE;
  EXECUTE format(
    'WITH moved AS (DELETE FROM %I.points_late WHERE ts >= $1 AND ts < $2 RETURNING *) INSERT INTO %I.%I SELECT * FROM moved',
    :'internal', :'internal', opening.leaf) USING opening.range_start, opening.range_end;
  GET DIAGNOSTICS moved = ROW_COUNT;
  EXECUTE format(
    'WITH replaced AS (DELETE FROM %I.closing_corrections WHERE ts >= $1 AND ts < $2 RETURNING *)
     UPDATE %I.%I p SET value = r.value FROM replaced r WHERE p.series_id = r.series_id AND p.ts = r.ts',
    :'internal', :'internal', opening.leaf) USING opening.range_start, opening.range_end;
  DELETE FROM :"internal".segments WHERE start_ts >= opening.range_start AND start_ts < opening.range_end;
  EXECUTE format('ALTER TABLE %I.points ATTACH PARTITION %I.%I FOR VALUES FROM (%L) TO (%L)',
    :'internal', :'internal', opening.leaf, opening.range_start, opening.range_end);
  EXECUTE format('ALTER TABLE %I.%I DROP CONSTRAINT within', :'internal', opening.leaf);
  UPDATE :"internal".chunks
  SET state = 'open', attached = true, changed_at = now(), sealed_by = NULL, points = NULL, bytes_before = NULL, bytes_after = NULL
  WHERE chunk_id = chunk;
  UPDATE :"internal".chunk_map SET version = version + 1;
  RETURN moved;
END;
$body$;
REVOKE ALL ON FUNCTION :"internal".finish_opening(bigint) FROM PUBLIC;

-- Deletes a whole chunk of points or texts, whatever its state: its leaf, its segments, its late points. The cut must be
-- set before, so that nobody writes there any more. Waits for readers at most the caller's lock_timeout.
CREATE FUNCTION :"internal".drop_chunk(chunk bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  old record;
BEGIN
  SELECT * INTO old FROM :"internal".chunks WHERE chunk_id = chunk AND source IN ('points', 'texts') FOR UPDATE;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  IF old.source = 'points' THEN
    DELETE FROM :"internal".segments WHERE start_ts >= old.range_start AND start_ts < old.range_end;
    DELETE FROM :"internal".points_late WHERE ts >= old.range_start AND ts < old.range_end;
    DELETE FROM :"internal".closing_corrections WHERE ts >= old.range_start AND ts < old.range_end;
  ELSE
    DELETE FROM :"internal".texts_late WHERE ts >= old.range_start AND ts < old.range_end;
  END IF;
  PERFORM pg_advisory_xact_lock(:"internal".chunk_map_lock());
  -- A sealed one has none, or one that an opening left behind.
  EXECUTE format('DROP TABLE IF EXISTS %I.%I', :'internal', old.leaf);
  DELETE FROM :"internal".chunks WHERE chunk_id = chunk;
  UPDATE :"internal".chunk_map SET version = version + 1,
    retired = CASE WHEN old.source = 'points' THEN retired - tstzmultirange(tstzrange(old.range_start, old.range_end)) ELSE retired END;
END;
$body$;
REVOKE ALL ON FUNCTION :"internal".drop_chunk(bigint) FROM PUBLIC;

-- Drops the partitions of segments that end before a moment and are empty: those of deleted chunks.
CREATE FUNCTION :"internal".drop_empty_segment_partitions(before timestamptz) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  part record;
  filled boolean;
  dropped integer := 0;
BEGIN
  FOR part IN
    SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = format('%I.segments', :'internal')::regclass
      AND substring(pg_get_expr(c.relpartbound, c.oid) from $$TO \('([^']+)'\)$$)::timestamptz <= before
  LOOP
    EXECUTE format('SELECT EXISTS (SELECT FROM %I.%I)', :'internal', part.relname) INTO filled;
    CONTINUE WHEN filled;
    EXECUTE format('DROP TABLE %I.%I', :'internal', part.relname);
    dropped := dropped + 1;
  END LOOP;
  RETURN dropped;
END;
$body$;
REVOKE ALL ON FUNCTION :"internal".drop_empty_segment_partitions(timestamptz) FROM PUBLIC;
