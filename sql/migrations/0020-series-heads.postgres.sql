-- compatible_from: 20
-- Points that are born compressed: a batch with many points of a series writes them as segments, into chunks that are
-- still open. A daemon of an older schema would not hold its rows against these, so it may not run on this one.

-- The series that have such segments. mark: no such segment has a later point. Whoever writes points of a series that
-- stands here locks its row for as long as its transaction takes, shared where it writes rows only, and reads the mark
-- then. map_version: that of chunk_map which told writers of the series; there is no row that they do not know of.
-- small, small_from: segments, since when, that are worth merging.
CREATE TABLE :"internal".series_heads (
  series_id bigint PRIMARY KEY,
  mark timestamptz NOT NULL DEFAULT '-infinity',
  map_version bigint NOT NULL,
  small integer NOT NULL DEFAULT 0,
  small_from timestamptz
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.1, autovacuum_vacuum_threshold = 1000);
-- What a daemon that knows a map's version has not heard of yet.
CREATE INDEX series_heads_map_version ON :"internal".series_heads (map_version);

-- The segments of a chunk, of all series: batches write them in the order of time, more or less.
CREATE INDEX segments_start_ts ON :"internal".segments USING brin (start_ts) WITH (pages_per_range = 32, autosummarize = on);

-- Makes series known as ones that may be written as segments. Under the map's lock, alone: no transaction is under way
-- that took them for others, and the map's new version has every later one look again.
CREATE FUNCTION :"internal".open_heads(series bigint[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  opened bigint;
BEGIN
  PERFORM pg_advisory_xact_lock(:"internal".chunk_map_lock());
  UPDATE :"internal".chunk_map SET version = version + 1 RETURNING version INTO opened;
  INSERT INTO :"internal".series_heads (series_id, map_version)
  SELECT s.series_id, opened FROM :"internal".series s WHERE s.series_id = ANY (series) ORDER BY s.series_id
  ON CONFLICT (series_id) DO UPDATE SET map_version = excluded.map_version;
END;
$body$;

-- write_points for a batch of which some series have heads (0019-plain-batches): all of it becomes rows, which is plain
-- only above their marks. The heads are locked before anything is written, and read in a statement after that.
CREATE FUNCTION :"internal".write_points_above(
  map_version bigint, known_series bigint, first_time timestamptz,
  series_ids bigint[], times timestamptz[], point_values double precision[],
  headed bigint[], headed_first timestamptz[]
) RETURNS void LANGUAGE plpgsql AS $body$
BEGIN
  PERFORM pg_advisory_xact_lock_shared(:"internal".chunk_map_lock());
  PERFORM FROM :"internal".series_heads WHERE series_id = ANY (headed) ORDER BY series_id FOR SHARE;
  IF EXISTS (
    SELECT FROM unnest(headed, headed_first) AS i (series_id, first) JOIN :"internal".series_heads h USING (series_id)
    WHERE h.mark >= i.first
  ) THEN
    RAISE EXCEPTION 'the batch is not plain' USING ERRCODE = 'TG001';
  END IF;
  PERFORM :"internal".write_points(map_version, known_series, first_time, series_ids, times, point_values);
END
$body$;
