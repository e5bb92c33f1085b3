-- compatible_from: 4
-- What the scheduler keeps: jobs and their leader, the state of aggregates, the life of chunks, policies of series,
-- corrections. A daemon of an older schema would write late points past sealed chunks, so it may not run on this one.

-- The route that first brought the series, and what policies.series says of it (NULL: the general policy).
-- policy_version is that of the last look; a series of an older one is looked at before the next refresh.
ALTER TABLE :"internal".series
  ADD COLUMN route text,
  ADD COLUMN policy_version text,
  ADD COLUMN aggregated boolean NOT NULL DEFAULT true,
  ADD COLUMN raw_retention interval,
  ADD COLUMN raw_cut timestamptz,
  ADD COLUMN counter_tolerance double precision NOT NULL DEFAULT 0,
  ADD COLUMN counter_rollover double precision,
  ADD COLUMN longest_hold interval NOT NULL DEFAULT '1 day';

-- Who leads: the holder of a session lock, and under which number. A job's transaction locks the job's row and compares
-- the number, so that a leader that was replaced without noticing cannot go on (fencing).
CREATE TABLE :"internal".scheduler (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  epoch bigint NOT NULL DEFAULT 0,
  leader text,
  since timestamptz
);
INSERT INTO :"internal".scheduler DEFAULT VALUES;

CREATE TABLE :"internal".jobs (
  name text PRIMARY KEY,
  schedule_interval interval NOT NULL DEFAULT '1 minute',
  next_run timestamptz NOT NULL DEFAULT '-infinity',
  failures integer NOT NULL DEFAULT 0
) WITH (fillfactor = 50);
INSERT INTO :"internal".jobs (name) VALUES ('chunks'), ('aggregates'), ('compression'), ('retention');

-- Every run; outcome is NULL while it is under way, and 'lost' where its process vanished.
CREATE TABLE :"internal".job_runs (
  run_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  job text NOT NULL,
  epoch bigint NOT NULL,
  started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  finished_at timestamptz,
  outcome text CHECK (outcome IN ('succeeded', 'failed', 'lost')),
  rows bigint,
  detail text,
  error text
);
CREATE INDEX job_runs_job ON :"internal".job_runs (job, started_at DESC);
CREATE INDEX job_runs_started_at ON :"internal".job_runs (started_at);

-- The keys of the session locks of leader and map, derived from the schema's oid as chunk_map_lock is.
CREATE FUNCTION :"internal".leader_lock() RETURNS bigint
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT (oid::bigint << 8) | 2 FROM pg_catalog.pg_namespace WHERE nspname = :'internal';
END;

-- The continuous aggregates. Buckets before the watermark are kept, later ones are answered live from the level below
-- ('raw' is below the first). Buckets before the cut were deleted by retention and are never computed again.
CREATE TABLE :"internal".aggregates (
  level text PRIMARY KEY,
  position smallint NOT NULL UNIQUE,
  source text NOT NULL,
  width interval NOT NULL,
  enabled boolean NOT NULL DEFAULT true,
  watermark timestamptz NOT NULL DEFAULT '-infinity',
  cut timestamptz NOT NULL DEFAULT '-infinity',
  refreshed_at timestamptz NOT NULL DEFAULT '-infinity'
) WITH (fillfactor = 50);
INSERT INTO :"internal".aggregates (level, position, source, width) VALUES
  ('1min', 1, 'raw', '1 minute'), ('15min', 2, '1min', '15 minutes'),
  ('1hour', 3, '15min', '1 hour'), ('1day', 4, '1hour', '1 day');

-- Buckets that changed below a watermark, by the level that has to compute them again. Writers add rows for '1min', in
-- minutes whatever levels there are; each level hands on what it computed to the level above.
ALTER TABLE :"internal".dirty_buckets
  ADD COLUMN level text NOT NULL DEFAULT '1min',
  ADD COLUMN written_at timestamptz NOT NULL DEFAULT clock_timestamp();
ALTER TABLE :"internal".dirty_buckets ALTER COLUMN batch_id DROP NOT NULL;
CREATE INDEX dirty_buckets_level ON :"internal".dirty_buckets (level, written_at);

-- A chunk goes open -> closing -> sealed, and by hand -> opening -> open again. The leaf (whose name is the chunk's, also
-- once it is gone) is dropped when nobody can still need it. Sources other than points and texts are aggregates.
ALTER TABLE :"internal".chunks
  DROP CONSTRAINT chunks_source_check,
  DROP CONSTRAINT chunks_state_check,
  ADD CONSTRAINT chunks_source_check CHECK (source IN ('points', 'texts', '1min', '15min', '1hour', '1day')),
  ADD CONSTRAINT chunks_state_check CHECK (state IN ('open', 'closing', 'sealed', 'opening')),
  ADD COLUMN attached boolean NOT NULL DEFAULT true,
  ADD COLUMN changed_at timestamptz NOT NULL DEFAULT now(),
  ADD COLUMN sealed_by xid8,
  ADD COLUMN points bigint,
  ADD COLUMN bytes_before bigint,
  ADD COLUMN bytes_after bigint;

-- What every writer and every reader looks at. retired: times whose points are in segments although their leaf is still
-- attached. dirty_before: points of earlier minutes are recorded as dirty. raw_cut, text_cut: what is older is deleted.
ALTER TABLE :"internal".chunk_map
  ADD COLUMN retired tstzmultirange NOT NULL DEFAULT '{}',
  ADD COLUMN dirty_before timestamptz NOT NULL DEFAULT '-infinity',
  ADD COLUMN raw_cut timestamptz NOT NULL DEFAULT '-infinity',
  ADD COLUMN text_cut timestamptz NOT NULL DEFAULT '-infinity';

-- Points of a closing or opening chunk that keep_last replaced: perhaps after they were read for the change.
CREATE TABLE :"internal".closing_corrections (
  series_id bigint NOT NULL,
  ts timestamptz NOT NULL,
  value double precision NOT NULL,
  PRIMARY KEY (series_id, ts)
);

-- What was corrected by hand: who, what, how much.
CREATE TABLE :"internal".audit (
  audit_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  actor text NOT NULL,
  action text NOT NULL,
  subject jsonb NOT NULL,
  counts jsonb NOT NULL
);

-- Names that devices had: history stays under the new one, and messages that still carry the old one follow it.
CREATE TABLE :"internal".device_aliases (
  alias text NOT NULL,
  device_id text NOT NULL,
  valid_from timestamptz NOT NULL DEFAULT now(),
  valid_to timestamptz,
  PRIMARY KEY (alias, valid_from)
);

CREATE VIEW :"schema".iot_audit AS
SELECT audit_id, at, actor, action, subject, counts FROM :"internal".audit;
COMMENT ON VIEW :"schema".iot_audit IS 'Corrections made by hand: deletions, renames, merges';

-- What aggregates are computed by, on every engine.

-- No stored value may make a statement fail. PostgreSQL raises an error where a result of finite doubles is infinite, and
-- where a product or quotient of others is 0: so sums cover values that are finite and at most 1e140, whose squares and
-- sums stay finite, and what follows keeps clear of underflow.
CREATE FUNCTION :"internal".covered(value double precision) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $body$
  SELECT CASE WHEN abs($1) <= 1e140 THEN $1 END
$body$;

-- For seconds from a microsecond on.
CREATE FUNCTION :"internal".over_time(value double precision, seconds double precision) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $body$
  SELECT CASE WHEN $2 < 1 AND abs($1) < 1e-300 THEN 0 ELSE $1 * $2 END
$body$;

-- NULL where there is nothing to divide by. 5e-324 is the smallest double: less than half of it per unit rounds to 0.
-- Most totals are far from it, whatever the units, counts or seconds; the first comparison, which a processor does quickly
-- as it meets no such small numbers, lets them pass.
CREATE FUNCTION :"internal".quotient(total double precision, units double precision) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $body$
  SELECT CASE WHEN $2 > 0 THEN
    CASE
      WHEN abs($1) > 1e-290 THEN $1 / $2
      WHEN abs($1) + abs($1) <= greatest($2, 1) * 5e-324 THEN 0
      ELSE $1 / $2
    END
  END
$body$;

CREATE FUNCTION :"internal".square(value double precision) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $body$
  SELECT CASE WHEN abs($1) < 1e-150 THEN 0 ELSE $1 * $1 END
$body$;

-- What a counter gained from one point to the next, both covered. A fall by no more than the tolerance is no reset. A
-- counter that was reset began at 0, or it rolled over, if that makes it gain no more than half of its range.
CREATE FUNCTION :"internal".gain(before double precision, after double precision, tolerance double precision, rollover double precision)
RETURNS double precision LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $body$
  SELECT CASE
    WHEN $2 - $1 >= - $3 THEN $2 - $1
    WHEN $1 <= $4 AND $4 - $1 + $2 <= $4 - ($4 - $1 + $2) THEN $4 - $1 + $2
    WHEN $2 - $1 < - $3 THEN greatest($2, 0)
  END
$body$;

-- The start of the bucket that holds a moment. Up to an hour long, buckets divide the hours of the local clock as they
-- elapse, so that an hour that the clock repeats is two; longer ones follow the clock's face, days from midnight, weeks
-- from Monday, months (where not 0) from January.
CREATE FUNCTION :"internal".local_start(local timestamp, tz text) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE AS $body$
  -- Of two moments with one local time PostgreSQL takes the later one.
  SELECT CASE WHEN ($1 AT TIME ZONE $2 - interval '1 hour') AT TIME ZONE $2 = $1
    THEN $1 AT TIME ZONE $2 - interval '1 hour' ELSE $1 AT TIME ZONE $2 END
$body$;

CREATE FUNCTION :"internal".local_bin(local timestamp, width interval, months integer) RETURNS timestamp
LANGUAGE sql STABLE PARALLEL SAFE AS $body$
  SELECT CASE
    WHEN $3 = 0 THEN date_bin($2, $1, timestamp '2000-01-03')
    ELSE date_trunc('month', $1) - make_interval(months =>
      ((date_part('year', $1) * 12 + date_part('month', $1) - 1)::integer % $3 + $3) % $3)
  END
$body$;

CREATE FUNCTION :"internal".bucket_start(moment timestamptz, width interval, months integer, tz text) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE AS $body$
  SELECT CASE
    WHEN NOT isfinite($1) THEN $1
    WHEN $3 = 0 AND $2 <= interval '1 hour'
    THEN $1 - ($1 AT TIME ZONE $4 - date_bin($2, $1 AT TIME ZONE $4, timestamp '2000-01-03'))
    ELSE :"internal".local_start(:"internal".local_bin($1 AT TIME ZONE $4, $2, $3), $4)
  END
$body$;
