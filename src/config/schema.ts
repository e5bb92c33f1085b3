/** The configuration: every key, once. The loader, the sample file and the manual all read this. */

import { type Key, listKeys, type NamedKey, type ValuesOf } from './key.ts';
import { database } from './sections/database.ts';
import { devices } from './sections/devices.ts';
import { ingest } from './sections/ingest.ts';
import { mqtt } from './sections/mqtt.ts';
import { dead_letters, policies } from './sections/policies.ts';
import { general, http, log, routes } from './sections/service.ts';
import { sparkplug } from './sections/sparkplug.ts';
import { spool } from './sections/spool.ts';

export const SCHEMA = {
  mqtt,
  database,
  ingest,
  spool,
  devices,
  sparkplug,
  dead_letters,
  policies,
  http,
  log,
  ...general,
  routes: routes satisfies Key,
} as const;

export const SECTION_DOCS: Readonly<Record<string, string>> = {
  mqtt: 'The broker and the session.',
  'mqtt.status': 'A message of our own.',
  'mqtt.events': 'Messages of our own, not retained.',
  'mqtt.home_assistant': 'Messages for its MQTT discovery.',
  'mqtt.victron': 'A keepalive, for the preset victron.',
  'mqtt.tls': 'For mqtts:// and wss://.',
  database: 'Where the points go.',
  ingest: 'How messages are batched, bounded and judged.',
  'ingest.batch': 'A batch is one transaction.',
  'ingest.queue': 'Batches that wait for a writer.',
  'ingest.limits': 'Beyond them a message, or a part of it, becomes a dead letter.',
  spool: 'Messages on disk while the database is away, or slower than they come.',
  devices: 'When a device counts as silent; how often it publishes is learned.',
  sparkplug: 'Of routes with format sparkplug_b.',
  'sparkplug.rebirth': 'Asking edge nodes to publish their birth anew.',
  dead_letters: 'Messages that could not be stored.',
  policies: 'How stored data is kept. The component scheduler applies them.',
  'policies.aggregates': 'Each is computed from the one before it, the first from the points.',
  'policies.aggregates.1min': 'iot_data_1min.',
  'policies.aggregates.15min': 'iot_data_15min; local days, weeks and months are computed from it.',
  'policies.aggregates.1hour': 'iot_data_1hour.',
  'policies.aggregates.1day': 'iot_data_1day.',
  'policies.compression': 'Of points, texts and aggregates.',
  'policies.retention': 'Whole days are deleted, and no point before the aggregates have it.',
  http: 'The API, health and metrics.',
  'http.tls': 'HTTPS.',
  'http.cors': 'Cross-origin resource sharing.',
  log: 'The log, on standard output.',
};

/** What convict makes of the schema; `loadConfig` makes a Config of it. */
export type Settings = ValuesOf<typeof SCHEMA>;

export const KEYS: readonly NamedKey[] = listKeys(SCHEMA);
