-- compatible_from: 4
-- What tells a reader that keeps series, their statistics and names between questions whether they are still as it read them.

-- A row for each statement that changed one of the tables below, in its transaction: two readers that see the same rows here
-- see the same there. Statements at once add rows of their own, so that none waits for another. Older rows go with each fold
-- of the journal: that they are gone counts as a change too.
CREATE TABLE :"internal".series_changes (
  change_id bigint GENERATED ALWAYS AS IDENTITY,
  changed_at timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_insert_scale_factor = 0);

CREATE FUNCTION :"internal".note_series_change() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
  INSERT INTO :"internal".series_changes DEFAULT VALUES;
  RETURN NULL;
END
$body$;

CREATE TRIGGER series_change AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON :"internal".series
  FOR EACH STATEMENT EXECUTE FUNCTION :"internal".note_series_change();
CREATE TRIGGER series_change AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON :"internal".series_stats
  FOR EACH STATEMENT EXECUTE FUNCTION :"internal".note_series_change();
CREATE TRIGGER series_change AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON :"internal".device_names
  FOR EACH STATEMENT EXECUTE FUNCTION :"internal".note_series_change();
-- The journal grows with every batch, which readers see by themselves; what else becomes of it is noted.
CREATE TRIGGER series_change AFTER UPDATE OR DELETE OR TRUNCATE ON :"internal".batches
  FOR EACH STATEMENT EXECUTE FUNCTION :"internal".note_series_change();
