-- compatible_from: 1

-- The key of the lock on the map of chunks: writers hold it shared for a transaction, whoever changes the map
-- takes it alone. Derived from the schema's oid, so that two schemas of one database never meet.
CREATE FUNCTION :"internal".chunk_map_lock() RETURNS bigint
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT (oid::bigint << 8) | 1 FROM pg_catalog.pg_namespace WHERE nspname = :'internal';
END;

-- Opens the chunk that covers a moment, unless one does. Aligned to the width from 2000-01-03 (a Monday) UTC;
-- where chunks of another width stand near, it fills the gap between them. Late points of its range move in: a reader
-- that planned before the chunk was attached would look for them in vain, in the chunk that it does not know as in the
-- late table that they left. Readers hold the late table's lock, so it is taken first; where they do not let go soon,
-- nothing is opened, the batch goes to the late table and the next one tries again.
-- Runs with the owner's rights, so that a role that only writes can call it.
CREATE FUNCTION :"internal".open_chunk(source text, moment timestamptz, width interval) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  lower_bound timestamptz := date_bin(width, moment, timestamptz '2000-01-03 00:00:00+00');
  upper_bound timestamptz := date_bin(width, moment, timestamptz '2000-01-03 00:00:00+00') + width;
  leaf_name text;
  any_late boolean;
  lock_timeout text := current_setting('lock_timeout');
BEGIN
  IF source NOT IN ('points', 'texts') THEN
    RAISE EXCEPTION 'no such source of chunks: %', source USING ERRCODE = 'invalid_parameter_value';
  END IF;
  PERFORM pg_advisory_xact_lock(:"internal".chunk_map_lock());
  IF EXISTS (
    SELECT FROM :"internal".chunks c
    WHERE c.source = open_chunk.source AND c.range_start <= moment AND c.range_end > moment
  ) THEN
    RETURN;
  END IF;
  SELECT greatest(lower_bound, max(c.range_end)) INTO lower_bound
  FROM :"internal".chunks c WHERE c.source = open_chunk.source AND c.range_end <= moment;
  SELECT least(upper_bound, min(c.range_start)) INTO upper_bound
  FROM :"internal".chunks c WHERE c.source = open_chunk.source AND c.range_start > moment;
  EXECUTE format('SELECT EXISTS (SELECT FROM %I.%I WHERE ts >= %L AND ts < %L)',
    :'internal', source || '_late', lower_bound, upper_bound) INTO any_late;
  IF any_late THEN
    BEGIN
      PERFORM set_config('lock_timeout', '100ms', true);
      EXECUTE format('LOCK TABLE %I.%I IN ACCESS EXCLUSIVE MODE', :'internal', source || '_late');
    EXCEPTION WHEN lock_not_available THEN
      RETURN;
    END;
    PERFORM set_config('lock_timeout', lock_timeout, true);
  END IF;
  leaf_name := source || to_char(lower_bound AT TIME ZONE 'UTC', '_YYYYMMDD_HH24MISS');
  EXECUTE format('CREATE TABLE %I.%I (LIKE %I.%I INCLUDING ALL)', :'internal', leaf_name, :'internal', source);
  EXECUTE format(
    'WITH moved AS (DELETE FROM %I.%I WHERE ts >= %L AND ts < %L RETURNING *) INSERT INTO %I.%I SELECT * FROM moved',
    :'internal', source || '_late', lower_bound, upper_bound, :'internal', leaf_name);
  EXECUTE format(
    'ALTER TABLE %I.%I ATTACH PARTITION %I.%I FOR VALUES FROM (%L) TO (%L)',
    :'internal', source, :'internal', leaf_name, lower_bound, upper_bound);
  INSERT INTO :"internal".chunks (source, range_start, range_end, leaf)
  VALUES (source, lower_bound, upper_bound, leaf_name);
  UPDATE :"internal".chunk_map SET version = version + 1;
END;
$body$;
REVOKE ALL ON FUNCTION :"internal".open_chunk(text, timestamptz, interval) FROM PUBLIC;
