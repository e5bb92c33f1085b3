-- compatible_from: 4
-- What a session at the broker may be subscribed to, which nothing in MQTT tells: what is not wanted any more is given up by it.
ALTER TABLE :"internal".sessions ADD COLUMN filters text[] NOT NULL DEFAULT '{}';
