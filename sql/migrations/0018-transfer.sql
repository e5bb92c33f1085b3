-- compatible_from: 4
-- How far imports are: moved on in the transaction of each batch, so that what is stored and what is known to be agree.

CREATE TABLE :"internal".imports (
  import_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  source text NOT NULL,
  -- SHA-256 of what the source is and of how it is read: another mapping is another import.
  plan text NOT NULL,
  started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  finished_at timestamptz,
  -- Records of the source that are done with, and what they hash to (SHA-256).
  position bigint NOT NULL DEFAULT 0,
  digest bytea NOT NULL,
  rejected bigint NOT NULL DEFAULT 0
);
CREATE INDEX imports_plan ON :"internal".imports (plan);

-- Records of which something could not be stored, as they came.
CREATE TABLE :"internal".import_rejects (
  import_id bigint NOT NULL REFERENCES :"internal".imports ON DELETE CASCADE,
  position bigint NOT NULL,
  line bigint NOT NULL,
  code text NOT NULL,
  detail text NOT NULL,
  points integer NOT NULL,
  record text NOT NULL,
  PRIMARY KEY (import_id, position)
);

CREATE FUNCTION :"internal".import_lock(import_id bigint) RETURNS bigint LANGUAGE sql STABLE AS $body$
  SELECT hashtextextended('import ' || $1, (SELECT oid::bigint FROM pg_namespace WHERE nspname = :'internal'))
$body$;

CREATE VIEW :"schema".iot_imports AS
SELECT import_id, source, started_at, changed_at, finished_at, position AS records, rejected
FROM :"internal".imports;
COMMENT ON VIEW :"schema".iot_imports IS 'Imports: how many records of each source are done with, and how many of them were rejected';
