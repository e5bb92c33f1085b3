import { connect, type DatabaseUrl } from './connection.ts';
import { KeptConnections } from './kept-connections.ts';
import { schemaNames, withNames } from './names.ts';

export interface QueryLogOptions {
  /** Of a role that may write. */
  readonly url: DatabaseUrl;
  readonly schema: string;
  /** Entries that wait at most; those that come while so many wait are dropped. */
  readonly capacity?: number;
  /** Milliseconds between two attempts to write. */
  readonly interval?: number;
}

export interface QueryLogEntry {
  readonly type: string;
  readonly durationMs: number;
  /** Rows of the answer. */
  readonly count: number;
}

const CAPACITY = 10_000;
const INTERVAL = 1_000;
/** So many are written without waiting for the interval. */
const FULL_BATCH = 100;
/** Milliseconds that one attempt may take. */
const PATIENCE = 10_000;
/** Milliseconds for what waits at the end. */
const FAREWELL = 2_000;

/** An entry is as old as it was when it was sent, whatever this machine's clock says. */
const INSERT = `INSERT INTO :"schema".iot_query_logs (query_type, duration_ms, result_count, created_at)
  SELECT type, duration, count, clock_timestamp() - make_interval(secs => age)
  FROM unnest($1::text[], $2::double precision[], $3::bigint[], $4::double precision[]) AS e (type, duration, count, age)`;

type Noted = QueryLogEntry & { readonly at: number };

/**
 * Writes down how long questions took, in batches and beside them: nobody waits for it, and nothing fails because of it.
 * While the database is away entries wait, up to a bound.
 */
export class QueryLog {
  readonly #connections: KeptConnections;
  readonly #insert: string;
  readonly #capacity: number;
  readonly #interval: number;
  readonly #waiting: Noted[] = [];
  readonly #left = new AbortController();
  #timer: NodeJS.Timeout | null = null;
  #writing: Promise<void> | null = null;
  #stopped = false;
  #dropped = 0;

  constructor({ url, schema, capacity = CAPACITY, interval = INTERVAL }: QueryLogOptions) {
    this.#insert = withNames(INSERT, schemaNames(schema));
    this.#capacity = capacity;
    this.#interval = interval;
    this.#connections = new KeptConnections(async () => {
      const client = await connect({
        url,
        statementTimeout: PATIENCE,
        applicationName: 'tidegate query log',
      });
      // Losing the last of it in a crash is no loss that anybody waits for a disk for.
      await client.query('SET synchronous_commit = off');
      return client;
    });
  }

  /** Entries that found no room. */
  get dropped(): number {
    return this.#dropped;
  }

  note(entry: QueryLogEntry): void {
    if (this.#stopped || this.#waiting.length >= this.#capacity) {
      this.#dropped++;
      return;
    }
    this.#waiting.push({ ...entry, at: performance.now() });
    if (this.#waiting.length === FULL_BATCH) this.#begin();
    else this.#timer ??= setTimeout(() => this.#begin(), this.#interval);
  }

  /** Writes what waits, if the database takes it now. Never rejects. */
  async stop(): Promise<void> {
    this.#stopped = true;
    const late = setTimeout(() => this.#left.abort(), FAREWELL);
    await this.#writing;
    this.#cancel();
    await this.#write();
    clearTimeout(late);
    this.#dropped += this.#waiting.splice(0).length;
    await this.#connections.close();
  }

  #begin(): void {
    this.#cancel();
    this.#writing ??= this.#write().finally(() => {
      this.#writing = null;
      if (this.#waiting.length > 0) this.#timer ??= setTimeout(() => this.#begin(), this.#interval);
    });
  }

  #cancel(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  /** What could not be written waits on: the next attempt may find the database, or its tables, there. */
  async #write(): Promise<void> {
    const entries = this.#waiting.slice();
    if (entries.length === 0) return;
    const now = performance.now();
    const columns = [
      entries.map(({ type }) => type),
      entries.map(({ durationMs }) => durationMs),
      entries.map(({ count }) => count),
      entries.map(({ at }) => (now - at) / 1000),
    ];
    try {
      const patience = AbortSignal.any([AbortSignal.timeout(PATIENCE), this.#left.signal]);
      await this.#connections.use((client) => client.query(this.#insert, columns), patience);
      this.#waiting.splice(0, entries.length);
    } catch {
      // Told by `dropped`, where it lasts.
    }
  }
}
