-- compatible_from: 4
-- What a replay must know of a message: whether a part of it was stored when it was received.

-- Points of the same message that were handed to the tables; NULL in rows of a daemon that did not count them.
ALTER TABLE :"internal".dead_letters ADD COLUMN stored integer;

CREATE OR REPLACE VIEW :"schema".iot_dead_letters AS
SELECT dead_letter_id, received_at, client_id, topic, payload, qos, retained, route, code, detail, points, stored
FROM :"internal".dead_letters;

COMMENT ON VIEW :"schema".iot_audit IS 'What was done by hand: devices deleted, renamed, merged; dead letters replayed, dropped';
