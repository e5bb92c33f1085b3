import type { Client } from 'pg';
import { connect } from '../postgres/connection.ts';
import { type SchemaNames, schemaNames, withNames } from '../postgres/names.ts';
import { withConnection } from '../postgres/session.ts';
import { UNTIMED } from './stream.ts';

export interface ScratchOptions {
  readonly url: string;
  /** Of the role that may create schemas. */
  readonly ownerUrl: string;
  readonly schema: string;
}

/** What of the stream is in the database. */
export interface Found {
  readonly stored: number;
  /** Rows beyond the first of a message. */
  readonly duplicates: number;
  /** Rows that the stream does not explain: another value, or another time than the message had. */
  readonly strange: number;
  readonly deadLetters: number;
}

const STATEMENT_TIMEOUT = 30_000;
const CONNECTION = { statementTimeout: STATEMENT_TIMEOUT, applicationName: 'tidegate drill' };

/** The scratch schema of a drill: looked into while the daemon is killed, dropped at the end. */
export class Scratch {
  readonly #options: ScratchOptions;
  readonly #names: SchemaNames;
  #client: Client | null = null;

  constructor(options: ScratchOptions) {
    this.#options = options;
    this.#names = schemaNames(options.schema);
  }

  /** What the server calls itself, and the engine that the scratch schema has. Rejects with a TidegateError. */
  async describe(): Promise<{ server: string; engine: string }> {
    return await this.#ask(async (client) => {
      const { rows } = await client.query<{ server: string; engine: string }>(
        withNames(
          `SELECT 'PostgreSQL ' || current_setting('server_version') AS server, engine FROM :"internal".installation`,
          this.#names,
        ),
      );
      return rows[0] ?? { server: 'PostgreSQL', engine: 'unknown' };
    });
  }

  /** Whether the server answers. */
  async answers(): Promise<boolean> {
    try {
      await this.#ask((client) => client.query('SELECT'));
      return true;
    } catch {
      return false;
    }
  }

  /** Rows so far; null while there is nothing to look into. */
  async rows(): Promise<number | null> {
    try {
      return await this.#ask(async (client) => {
        const { rows } = await client.query<{ rows: string }>(
          withNames('SELECT count(*) AS rows FROM :"schema".iot_data', this.#names),
        );
        return Number(rows[0]?.rows);
      });
    } catch {
      return null;
    }
  }

  /** Compares with the stream of `count` messages whose message 0 has the time `base`, microseconds since 1970. */
  async compare(count: number, base: number): Promise<Found> {
    return await this.#ask(async (client) => {
      const { rows } = await client.query<Record<'stored' | 'rows' | 'strange' | 'letters', string>>(
        withNames(
          `SELECT count(DISTINCT value) FILTER (WHERE expected) AS stored, count(*) FILTER (WHERE expected) AS rows,
             count(*) FILTER (WHERE NOT expected) AS strange,
             (SELECT count(*) FROM :"internal".dead_letters) AS letters
           FROM (
             SELECT value, value >= 0 AND value < $1 AND CASE WHEN metric_name = $3 THEN value::bigint % 2 = 1
               ELSE value::bigint % 2 = 0 AND timestamp = to_timestamp($2::numeric / 1000000) + value::bigint * interval '1 ms' END AS expected
             FROM :"schema".iot_data
           ) rows`,
          this.#names,
        ),
        [count, base, UNTIMED],
      );
      const row = rows[0];
      return {
        stored: Number(row?.stored),
        duplicates: Number(row?.rows) - Number(row?.stored),
        strange: Number(row?.strange),
        deadLetters: Number(row?.letters),
      };
    });
  }

  /** Drops what the drill made. */
  async drop(): Promise<void> {
    await this.close();
    await withConnection({ ...CONNECTION, url: this.#options.ownerUrl }, async (client) => {
      await client.query(
        withNames(
          `DROP SCHEMA IF EXISTS :"schema" CASCADE; DROP SCHEMA IF EXISTS :"internal" CASCADE`,
          this.#names,
        ),
      );
    });
  }

  async close(): Promise<void> {
    await this.#client?.end().catch(() => {});
    this.#client = null;
  }

  /** One connection for all questions; a new one after any failure. */
  async #ask<T>(question: (client: Client) => Promise<T>): Promise<T> {
    try {
      this.#client ??= await connect({ ...CONNECTION, url: this.#options.url });
      return await question(this.#client);
    } catch (error) {
      await this.close();
      throw error;
    }
  }
}
