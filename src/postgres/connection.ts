import type { Duplex } from 'node:stream';
import { Client, type ClientConfig } from 'pg';
import { TidegateError } from '../errors.ts';
import { sqlstateOf } from './sqlstate.ts';

/** A function is asked at every connection: the password may have changed. */
export type DatabaseUrl = string | (() => string);

export interface ConnectionOptions {
  readonly url: DatabaseUrl;
  /** Milliseconds; 0 is none. */
  readonly statementTimeout: number;
  /** Shown in pg_stat_activity. */
  readonly applicationName: string;
  /** Whether a server that Tidegate could not live in will do, as it is only read from. */
  readonly anyVersion?: boolean;
}

const CONNECT_TIMEOUT = 5_000;
/** PostgreSQL 15 as server_version_num. */
const OLDEST = 150_000;

/**
 * Opens one connection with Tidegate's session settings. `synchronous_commit` is set here because guarantee G1 rests
 * on it, whatever the server's or the role's default is. Rejects with a TidegateError.
 */
export async function connect(options: ConnectionOptions): Promise<Client> {
  const url = typeof options.url === 'string' ? options.url : options.url();
  const config: ClientConfig = {
    connectionString: withLibpqTls(url),
    application_name: options.applicationName,
    connectionTimeoutMillis: CONNECT_TIMEOUT,
    keepAlive: true,
  };
  let client: Client;
  try {
    client = new Client(config);
  } catch (error) {
    throw describeConnectionError(error, url);
  }
  // A connection that breaks while idle emits 'error'; its next use fails and says so.
  client.on('error', () => {});
  try {
    await client.connect();
    const { rows } = await client.query<{ version: number }>(
      `SELECT current_setting('server_version_num')::int AS version`,
    );
    const version = rows[0]?.version ?? 0;
    if (version < OLDEST && options.anyVersion !== true) {
      throw new TidegateError(
        'database_unsupported',
        `${addressOf(url)} is PostgreSQL ${Math.floor(version / 10_000)}; Tidegate needs 15 or newer`,
      );
    }
    await client.query(
      `SET synchronous_commit = on; SET TimeZone = 'UTC'; SET datestyle = 'ISO'; SET extra_float_digits = 1;
       SET client_min_messages = warning; SET statement_timeout = ${Math.floor(options.statementTimeout)};
       SET idle_in_transaction_session_timeout = '60s'; SET tcp_keepalives_idle = 30`,
    );
    return client;
  } catch (error) {
    await client.end().catch(() => {});
    throw describeConnectionError(error, url);
  }
}

/** Ends a connection at once, without a farewell that a server which is not there would never answer. */
export function cutOff(client: Client): void {
  // Not among the types of `pg`.
  const { connection } = client as unknown as { connection: { stream: Duplex } };
  connection.stream.destroy();
}

/**
 * `sslmode` means what it means to every other program that reads such a URL (PostgreSQL manual, libpq, "SSL Support");
 * without this, `pg` takes `require` for `verify-full` and warns about it.
 */
function withLibpqTls(url: string): string {
  return /[?&]sslmode=/.test(url) && !url.includes('uselibpqcompat=') ? `${url}&uselibpqcompat=true` : url;
}

/** Host, port and database of a URL, without the password. */
export function addressOf(url: string): string {
  try {
    const { hostname, port, pathname, searchParams } = new URL(url);
    const host = searchParams.get('host') ?? decodeURIComponent(hostname);
    return `${host || 'localhost'}:${port || searchParams.get('port') || '5432'}${decodeURIComponent(pathname)}`;
  } catch {
    return 'database.url';
  }
}

const REFUSED = new Set(['28P01', '28000', '3D000', '42501']);

/** Turns what `pg`, the socket or TLS threw into one clear error. */
function describeConnectionError(error: unknown, url: string): TidegateError {
  if (error instanceof TidegateError) return error;
  const cause = error instanceof AggregateError ? (error.errors[0] as unknown) : error;
  const text = cause instanceof Error ? cause.message : String(cause);
  const state = sqlstateOf(cause);
  const detail = `${addressOf(url)}: ${text}`;
  const options = { cause: error };
  if (state !== null && REFUSED.has(state)) return new TidegateError('database_refused', detail, options);
  const code = (cause as { code?: unknown } | null)?.code;
  if (typeof code === 'string') {
    // The text may hold anything then, a host called ssl.example for one.
    const tls = /^(ERR_TLS|ERR_SSL|EPROTO|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO)/.test(code);
    return new TidegateError(tls ? 'database_tls' : 'database_unreachable', detail, options);
  }
  if (/certificate|SSL/i.test(text)) return new TidegateError('database_tls', detail, options);
  if (/SASL|password/i.test(text)) return new TidegateError('database_refused', detail, options);
  return new TidegateError('database_unreachable', detail, options);
}
