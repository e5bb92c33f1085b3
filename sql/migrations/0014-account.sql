-- compatible_from: 4
-- The account in detail: what came in by the minute, which series had a second value under a stored key, and what each
-- device brought of late. Written with the batch in its journal row, summed up here when that is folded.

-- Points that were there already, by series; empty with most batches.
ALTER TABLE :"internal".batches
  ADD COLUMN repeated_ids bigint[] NOT NULL DEFAULT '{}',
  ADD COLUMN repeated_duplicates integer[] NOT NULL DEFAULT '{}',
  ADD COLUMN repeated_conflicts integer[] NOT NULL DEFAULT '{}';

-- By the minute of the commit; kept for a day.
CREATE TABLE :"internal".ingest_minutes (
  client_id text NOT NULL,
  minute timestamptz NOT NULL,
  messages_settled bigint NOT NULL,
  messages_ignored bigint NOT NULL,
  messages_dead_lettered bigint NOT NULL,
  messages_dropped bigint NOT NULL,
  points_decoded bigint NOT NULL,
  points_stored bigint NOT NULL,
  points_duplicate bigint NOT NULL,
  points_conflict bigint NOT NULL,
  points_dead_lettered bigint NOT NULL,
  points_dropped bigint NOT NULL,
  PRIMARY KEY (client_id, minute)
) WITH (fillfactor = 50);

CREATE TABLE :"internal".series_conflicts (
  series_id bigint PRIMARY KEY REFERENCES :"internal".series ON DELETE CASCADE,
  conflicts bigint NOT NULL,
  last_at timestamptz NOT NULL
) WITH (fillfactor = 70);

-- By ten minutes of the commit; kept for two hours.
CREATE TABLE :"internal".device_sums (
  slot timestamptz NOT NULL,
  device_id text NOT NULL,
  stored bigint NOT NULL,
  duplicate bigint NOT NULL,
  conflict bigint NOT NULL,
  PRIMARY KEY (slot, device_id)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
