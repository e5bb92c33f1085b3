-- compatible_from: 4
-- Deleting, renaming and merging devices by hand.

-- Grows with every correction; a writer that finds another number than it knows looks its series up anew.
ALTER TABLE :"internal".chunk_map ADD COLUMN series_version bigint NOT NULL DEFAULT 0;

-- An alias that holds now has no end; it leads to one device.
CREATE UNIQUE INDEX device_aliases_current ON :"internal".device_aliases (alias) WHERE valid_to IS NULL;
CREATE INDEX device_aliases_device ON :"internal".device_aliases (device_id) WHERE valid_to IS NULL;

CREATE VIEW :"schema".iot_device_aliases AS
SELECT alias, device_id, valid_from, valid_to FROM :"internal".device_aliases;
COMMENT ON VIEW :"schema".iot_device_aliases IS 'Former names of devices; while valid_to is empty, messages under one are stored under device_id';
