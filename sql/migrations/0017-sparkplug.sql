-- compatible_from: 4
-- Births and deaths of Sparkplug edge nodes and their devices: what the aliases meant in messages received after them.

-- Written in the transaction of the batch that a birth came with, read at the start and for replays. One daemon's, by its
-- client id: another one may be at another broker.
CREATE TABLE :"internal".edge_events (
  client_id text NOT NULL,
  edge text NOT NULL,
  device text NOT NULL, -- empty: the edge node itself
  received_at timestamptz NOT NULL,
  kind text NOT NULL CHECK (kind IN ('birth', 'death')),
  bd_seq bigint,
  definition bytea, -- of a birth: a Sparkplug payload with the names, aliases and datatypes of its metrics, without values
  PRIMARY KEY (client_id, edge, device, received_at)
);
