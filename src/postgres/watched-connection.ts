import { setTimeout as delay } from 'node:timers/promises';
import type { Client, QueryResultRow } from 'pg';
import { TidegateError } from '../errors.ts';
import { type ConnectionOptions, connect } from './connection.ts';
import { sqlstateOf } from './sqlstate.ts';

/** Milliseconds that the server may take to answer. */
const ANSWER = 4_000;
/** Milliseconds more that the answer may be under way. */
const LATENCY = 1_000;

/**
 * A session whose locks stand for a process. Both ends must notice within seconds that the other is gone, whatever
 * became of it: the server frees the locks of a vanished host, and a process that lost its session stops relying on them.
 */
export class WatchedConnection {
  readonly #client: Client;
  readonly #lost = new AbortController();
  /** Settled once the query before is answered. */
  #last: Promise<void> = Promise.resolve();

  constructor(client: Client) {
    this.#client = client;
  }

  /** Rejects with a TidegateError. */
  static async open(options: Omit<ConnectionOptions, 'statementTimeout'>): Promise<WatchedConnection> {
    const client = await connect({ ...options, statementTimeout: ANSWER });
    const connection = new WatchedConnection(client);
    client.once('end', () => connection.#lost.abort(new Error('the connection to PostgreSQL broke')));
    try {
      // The server asks an idle host after 3 s and gives it up 3 s later (manual, "TCP Settings"); Unix sockets ignore it.
      await connection.query(
        `SET tcp_keepalives_idle = 3; SET tcp_keepalives_interval = 1; SET tcp_keepalives_count = 3;
         SET tcp_user_timeout = '6s'; SET idle_session_timeout = 0; SET lock_timeout = '2s'`,
      );
    } catch (error) {
      await connection.close();
      throw error;
    }
    return connection;
  }

  /** Aborted once the session is over. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** One after the other. Rejects with database_unreachable where the session is over. Cuts the connection where no answer comes in time: a half-open one would take minutes. */
  async query<Row extends QueryResultRow>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    const before = this.#last;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#last = promise;
    await before;
    try {
      return await this.#ask<Row>(text, values);
    } finally {
      resolve();
    }
  }

  /** Never rejects. */
  async close(): Promise<void> {
    const closed = new AbortController();
    const late = delay(LATENCY, undefined, { signal: closed.signal }).catch(() => {});
    await Promise.race([this.#client.end().catch(() => {}), late]);
    closed.abort();
  }

  async #ask<Row extends QueryResultRow>(text: string, values: readonly unknown[]): Promise<Row[]> {
    let answered = false;
    const timer = setTimeout(() => {
      // Timers go before sockets: after a busy spell of this process the answer may be here, unread.
      setImmediate(() => {
        if (!answered) void this.#client.end().catch(() => {});
      });
    }, ANSWER + LATENCY);
    try {
      // Without values as text alone: only so may it be several statements.
      const result =
        values.length === 0
          ? await this.#client.query<Row>(text)
          : await this.#client.query<Row>(text, [...values]);
      return result.rows;
    } catch (error) {
      const state = sqlstateOf(error);
      if (state !== null && !/^(08|57P)/.test(state)) throw error;
      const text = error instanceof Error ? error.message : String(error);
      throw new TidegateError('database_unreachable', text, { cause: error });
    } finally {
      answered = true;
      clearTimeout(timer);
    }
  }
}
