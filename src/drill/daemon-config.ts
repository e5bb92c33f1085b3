import type { Config } from '../config/load.ts';
import { TIMED, UNTIMED } from './stream.ts';

/** What names a drill at the broker and in the database. */
export interface DrillNames {
  readonly schema: string;
  readonly clientId: string;
  /** Of topics. */
  readonly prefix: string;
  /** A folder of its own for the spool; null where the operator has none. */
  readonly spool: string | null;
}

/**
 * The configuration file of the drill's daemon: the operator's broker and database, and whatever bears on the guarantees,
 * as they are; a schema, a session and routes of its own. JSON, which is YAML too.
 */
export function daemonConfig(
  { mqtt, database, ingest, spool, shutdown_timeout: timeout }: Config,
  names: DrillNames,
): string {
  const { on_duplicate, batch, queue, ledger } = ingest;
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
      // Nothing is said of it, nobody is to take it for a daemon.
      status: { enabled: false },
      events: { enabled: false },
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
      ledger,
      batch: { ...batch, max_wait: ms(batch.max_wait), min_wait: ms(batch.min_wait) },
      queue,
    },
    spool: { path: names.spool, after: ms(spool.after), max_bytes: spool.max_bytes, on_full: spool.on_full },
    devices: { max: 0 },
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
