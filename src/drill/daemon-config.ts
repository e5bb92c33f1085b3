import type { Config } from '../config/load.ts';
import { TIMED, UNTIMED } from './stream.ts';

/** What names a drill at the broker and in the database. */
export interface DrillNames {
  readonly schema: string;
  readonly clientId: string;
  /** Of topics. */
  readonly prefix: string;
}

/**
 * The configuration file of the drill's daemon: the operator's broker and database, and whatever bears on the guarantees,
 * as they are; a schema, a session and routes of its own. JSON, which is YAML too.
 */
export function daemonConfig(
  { mqtt, database, ingest, shutdown_timeout: timeout }: Config,
  names: DrillNames,
): string {
  const { on_duplicate, batch, queue } = ingest;
  const file = {
    components: ['ingest'],
    shutdown_timeout: ms(timeout),
    mqtt: {
      urls: mqtt.urls,
      client_id: names.clientId,
      username: mqtt.username,
      password: mqtt.password,
      protocol_version: mqtt.protocol_version === 5 ? '5' : '3.1.1',
      keepalive: ms(mqtt.keepalive),
      session_expiry: ms(mqtt.session_expiry),
      receive_maximum: mqtt.receive_maximum,
      tls: mqtt.tls,
    },
    database: {
      url: database.url,
      migrate_url: database.migrate_url,
      engine: database.engine,
      schema: names.schema,
      writers: database.writers,
      statement_timeout: ms(database.statement_timeout),
    },
    ingest: {
      on_duplicate,
      batch: { ...batch, max_wait: ms(batch.max_wait), min_wait: ms(batch.min_wait) },
      queue,
    },
    log: { level: 'info', format: 'json' },
    routes: [TIMED, UNTIMED].map((metric) => ({
      topic: `${names.prefix}/{device_id}/${metric}`,
      metric_name: metric,
      format: metric === TIMED ? 'json' : 'value',
    })),
  };
  return JSON.stringify(withoutNulls(file), null, 2);
}

function ms(duration: number): string {
  return `${duration}ms`;
}

/** A key that is not set is left out. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value;
  const set = Object.entries(value).filter(([, inner]) => inner !== null);
  return Object.fromEntries(set.map(([key, inner]) => [key, withoutNulls(inner)]));
}
