import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { Lead, Leadership } from '../scheduler/types.ts';
import type { DatabaseUrl } from './connection.ts';
import { type SchemaNames, schemaNames, withNames } from './names.ts';
import { checkWritable, SCHEMA_VERSION_COLUMNS, type SchemaVersionRow } from './schema-version.ts';
import { WatchedConnection } from './watched-connection.ts';

export interface LeaderOptions {
  readonly url: DatabaseUrl;
  readonly schema: string;
  /** Shown to people beside the name of the host. */
  readonly clientId: string;
}

/** Milliseconds between two signs of life. */
const HEARTBEAT = 2_000;

/**
 * The lead is a session's advisory lock: the server frees it with the session, however that ends. Its number goes up
 * with every leader, so that a transaction of the one before can tell (fence.ts).
 */
export class PostgresLeadership implements Leadership {
  readonly #options: LeaderOptions;
  readonly #names: SchemaNames;
  /** Kept while another process leads. */
  #connection: WatchedConnection | null = null;
  #epoch: number | null = null;
  #beating = new AbortController();

  constructor(options: LeaderOptions) {
    this.#options = options;
    this.#names = schemaNames(options.schema);
  }

  /** Rejects where somebody migrated the schema so that this version may not lead. */
  async tryAcquire(): Promise<Lead | null> {
    if (this.#connection?.lost.aborted === true) this.#connection = null;
    const { url, clientId } = this.#options;
    this.#connection ??= await WatchedConnection.open({ url, applicationName: 'tidegate scheduler' });
    const connection = this.#connection;
    const [attempt] = await connection.query<{ locked: boolean; pid: number }>(
      this.#sql('SELECT pg_try_advisory_lock(:"internal".leader_lock()) AS locked, pg_backend_pid() AS pid'),
    );
    if (attempt?.locked !== true) return null;
    const [schema] = await connection.query<SchemaVersionRow>(this.#sql(`SELECT ${SCHEMA_VERSION_COLUMNS}`));
    if (schema !== undefined) checkWritable(schema);
    const [row] = await connection.query<{ epoch: string }>(
      this.#sql(
        `UPDATE :"internal".scheduler SET epoch = epoch + 1, leader = $1, since = clock_timestamp() RETURNING epoch`,
      ),
      [`${clientId}@${hostname()}`],
    );
    const epoch = Number(row?.epoch);
    this.#epoch = epoch;
    this.#beating = new AbortController();
    const lost = new AbortController();
    void this.#beat(connection, attempt.pid, epoch, this.#beating.signal, lost);
    return { epoch, lost: lost.signal };
  }

  async release(): Promise<void> {
    const connection = this.#connection;
    const epoch = this.#epoch;
    this.#connection = null;
    this.#epoch = null;
    this.#beating.abort();
    if (connection === null) return;
    if (epoch !== null && !connection.lost.aborted) {
      const text = 'UPDATE :"internal".scheduler SET leader = NULL, since = NULL WHERE epoch = $1';
      await connection.query(this.#sql(text), [epoch]).catch(() => {});
    }
    await connection.close();
  }

  /** Aborts `lost` once the lead can no longer be relied on. */
  async #beat(
    connection: WatchedConnection,
    pid: number,
    epoch: number,
    released: AbortSignal,
    lost: AbortController,
  ): Promise<void> {
    const signal = AbortSignal.any([connection.lost, released]);
    try {
      for (;;) {
        await delay(HEARTBEAT, undefined, { signal });
        const [row] = await connection.query<{ epoch: string; pid: number }>(
          this.#sql('SELECT epoch, pg_backend_pid() AS pid FROM :"internal".scheduler'),
        );
        // Another session answers: a proxy gave ours, with its lock, to somebody else.
        if (Number(row?.epoch) !== epoch || row?.pid !== pid) break;
      }
    } catch {
      // Released, cut, or the server does not answer.
    }
    lost.abort(new Error('the lead was lost'));
  }

  #sql(text: string): string {
    return withNames(text, this.#names);
  }
}
