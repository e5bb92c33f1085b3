-- compatible_from: 4
-- Most batches are small and plain: points of known series above the watermark, for chunks that are open. They take one
-- statement, and that one round trip; its commit is the end of the statement.

-- Raises TG001 where the writer does not know the map, the series or the watermark as they are. Each statement of a volatile
-- function sees what was committed before it, so the version is read after whoever changed the map let go of its lock. The
-- caller's session must be READ COMMITTED.
CREATE FUNCTION :"internal".write_points(
  map_version bigint, known_series bigint, first_time timestamptz,
  series_ids bigint[], times timestamptz[], point_values double precision[]
) RETURNS void LANGUAGE plpgsql AS $body$
BEGIN
  PERFORM pg_advisory_xact_lock_shared(:"internal".chunk_map_lock());
  IF NOT EXISTS (
    SELECT FROM :"internal".chunk_map m
    WHERE m.version = map_version AND m.series_version = known_series AND m.dirty_before <= first_time
  ) THEN
    RAISE EXCEPTION 'the batch is not plain' USING ERRCODE = 'TG001';
  END IF;
  INSERT INTO :"internal".points (series_id, ts, value) SELECT * FROM unnest(series_ids, times, point_values);
END
$body$;
