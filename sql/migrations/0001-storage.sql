-- compatible_from: 1
-- What Tidegate keeps. :"schema" is what users read, :"internal" holds the tables behind it.

-- How chunks are kept, chosen at the first migration.
CREATE TABLE :"internal".installation (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  engine text NOT NULL
);
INSERT INTO :"internal".installation (engine) VALUES ('postgres');

-- A series is one metric of one device. Numbers and text are separate series, so that a device that
-- sends "error" where it sent 21.5 loses neither. int8 costs no more than int4 in rows and indexes here.
CREATE TABLE :"internal".series (
  series_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  device_id text NOT NULL,
  metric_name text NOT NULL,
  is_text boolean NOT NULL,
  kind text NOT NULL CHECK (kind IN ('gauge', 'counter', 'state', 'text')),
  unit text,
  tags jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT now(),
  CHECK (is_text = (kind = 'text')),
  UNIQUE (device_id, metric_name, is_text)
);

-- Points, one partition a chunk. The key is what makes a second arrival harmless.
CREATE TABLE :"internal".points (
  series_id bigint NOT NULL,
  ts timestamptz NOT NULL,
  value double precision NOT NULL,
  PRIMARY KEY (series_id, ts)
) PARTITION BY RANGE (ts);

CREATE TABLE :"internal".texts (
  series_id bigint NOT NULL,
  ts timestamptz NOT NULL,
  value text NOT NULL,
  PRIMARY KEY (series_id, ts)
) PARTITION BY RANGE (ts);

-- Points that no open chunk covers: old and sparse ones, which would need a partition each, and those
-- that arrive for a chunk that is closing or sealed.
CREATE TABLE :"internal".points_late (
  series_id bigint NOT NULL,
  ts timestamptz NOT NULL,
  value double precision NOT NULL,
  PRIMARY KEY (series_id, ts)
);
CREATE INDEX points_late_ts ON :"internal".points_late (ts);

CREATE TABLE :"internal".texts_late (
  series_id bigint NOT NULL,
  ts timestamptz NOT NULL,
  value text NOT NULL,
  PRIMARY KEY (series_id, ts)
);
CREATE INDEX texts_late_ts ON :"internal".texts_late (ts);

-- The map of chunks. A chunk goes open -> closing -> sealed; writers use the leaf only while it is open.
CREATE TABLE :"internal".chunks (
  chunk_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  source text NOT NULL CHECK (source IN ('points', 'texts')),
  range_start timestamptz NOT NULL,
  range_end timestamptz NOT NULL,
  state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'closing', 'sealed')),
  leaf text NOT NULL UNIQUE,
  created_at timestamptz NOT NULL DEFAULT now(),
  CHECK (range_start < range_end),
  UNIQUE (source, range_start)
);

-- Grows with every change to the map; a writer compares it inside its transaction, under the map's lock.
CREATE TABLE :"internal".chunk_map (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  version bigint NOT NULL
);
INSERT INTO :"internal".chunk_map (version) VALUES (1);

-- The journal: one row a batch, written in the batch's own transaction. Its key answers the question whether a
-- COMMIT without an answer took place; its counts are the balance sheet; its arrays say what each series gained.
-- The daemon folds its rows into ingest_totals and series_stats every few seconds and deletes them.
CREATE TABLE :"internal".batches (
  batch_id uuid PRIMARY KEY,
  client_id text NOT NULL,
  committed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
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
  series_ids bigint[] NOT NULL,
  series_points integer[] NOT NULL,
  first_times timestamptz[] NOT NULL,
  last_times timestamptz[] NOT NULL,
  last_values double precision[] NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
        autovacuum_vacuum_insert_scale_factor = 0, autovacuum_analyze_scale_factor = 0.5);
ALTER TABLE :"internal".batches
  ALTER COLUMN series_ids SET STORAGE EXTERNAL,
  ALTER COLUMN series_points SET STORAGE EXTERNAL,
  ALTER COLUMN first_times SET STORAGE EXTERNAL,
  ALTER COLUMN last_times SET STORAGE EXTERNAL,
  ALTER COLUMN last_values SET STORAGE EXTERNAL;

CREATE TABLE :"internal".ingest_totals (
  client_id text PRIMARY KEY,
  since timestamptz NOT NULL DEFAULT now(),
  messages_settled bigint NOT NULL DEFAULT 0,
  messages_ignored bigint NOT NULL DEFAULT 0,
  messages_dead_lettered bigint NOT NULL DEFAULT 0,
  messages_dropped bigint NOT NULL DEFAULT 0,
  points_decoded bigint NOT NULL DEFAULT 0,
  points_stored bigint NOT NULL DEFAULT 0,
  points_duplicate bigint NOT NULL DEFAULT 0,
  points_conflict bigint NOT NULL DEFAULT 0,
  points_dead_lettered bigint NOT NULL DEFAULT 0,
  points_dropped bigint NOT NULL DEFAULT 0
);

CREATE TABLE :"internal".series_stats (
  series_id bigint PRIMARY KEY,
  points bigint NOT NULL,
  first_time timestamptz NOT NULL,
  last_time timestamptz NOT NULL,
  last_value double precision
) WITH (fillfactor = 70);

-- What could not be stored: the bytes as they came, and why.
CREATE TABLE :"internal".dead_letters (
  dead_letter_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  received_at timestamptz NOT NULL,
  client_id text NOT NULL,
  topic text NOT NULL,
  payload bytea NOT NULL,
  qos smallint NOT NULL,
  retained boolean NOT NULL,
  route text,
  code text NOT NULL,
  detail text NOT NULL,
  points integer NOT NULL
);
CREATE INDEX dead_letters_received_at ON :"internal".dead_letters (received_at);
CREATE INDEX dead_letters_code ON :"internal".dead_letters (code, received_at);

-- Exactly once for messages without a time of their own: which deliveries a batch settled, one packed row a
-- batch, per MQTT session. An epoch is one life of a session at the broker.
CREATE TABLE :"internal".sessions (
  client_id text PRIMARY KEY,
  epoch bigint NOT NULL,
  started_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE :"internal".deliveries (
  client_id text NOT NULL,
  epoch bigint NOT NULL,
  first_ordinal bigint NOT NULL,
  batch_id uuid NOT NULL,
  entries bytea NOT NULL,
  PRIMARY KEY (client_id, epoch, first_ordinal)
);

-- Buckets that changed below an aggregate's watermark: append-only, one row a batch, sets and never a hull.
CREATE TABLE :"internal".dirty_buckets (
  batch_id uuid NOT NULL,
  series_ids bigint[] NOT NULL,
  buckets timestamptz[] NOT NULL
);
