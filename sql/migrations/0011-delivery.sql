-- compatible_from: 4
-- What a batch needs to be known again after a crash: the record of the spool that it lies in, and its deliveries.

-- A row with a record is kept until the record has left the spool: until then another life may ask whether it was committed.
ALTER TABLE :"internal".batches ADD COLUMN spool_record uuid;

-- Rows come with every batch and go some seconds later.
ALTER TABLE :"internal".deliveries ALTER COLUMN entries SET STORAGE EXTERNAL;
ALTER TABLE :"internal".deliveries SET (
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
  autovacuum_vacuum_insert_scale_factor = 0, autovacuum_analyze_scale_factor = 0.5);
