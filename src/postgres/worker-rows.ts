import type { Client } from 'pg';
import type { BatchTotals } from '../pipeline/types.ts';
import type { ConnectionOptions } from './connection.ts';
import { COUNTS, totalsFrom, type TotalsRow } from './journal.ts';
import { type SchemaNames, schemaNames, withNames } from './names.ts';
import { withConnection } from './session.ts';

export interface WorkerRowsOptions extends Omit<ConnectionOptions, 'applicationName'> {
  readonly schema: string;
  /** Of the daemon. */
  readonly clientId: string;
}

export interface KnownWorker {
  readonly clientId: string;
  /** ISO 8601. */
  readonly since: string;
  readonly totals: BatchTotals;
  /** Whether the broker may have a session of it. */
  readonly session: boolean;
}

/** Those whose client id begins with $1. */
const KNOWN = `SELECT t.client_id, t.since,
    ${COUNTS.map((count) => `t.${count} + coalesce(b.${count}, 0) AS ${count}`).join(', ')},
    EXISTS (SELECT FROM :"internal".sessions s WHERE s.client_id = t.client_id) AS session
  FROM :"internal".ingest_totals t LEFT JOIN (
    SELECT client_id, ${COUNTS.map((count) => `sum(${count}) AS ${count}`).join(', ')}
    FROM :"internal".batches WHERE starts_with(client_id, $1) GROUP BY client_id
  ) b USING (client_id)
  WHERE starts_with(t.client_id, $1) ORDER BY t.client_id`;

/** What the database knows of the workers of a daemon, of now and of before. Methods reject with a TidegateError. */
export class WorkerRows {
  readonly #options: WorkerRowsOptions;
  readonly #names: SchemaNames;

  constructor(options: WorkerRowsOptions) {
    this.#options = options;
    this.#names = schemaNames(options.schema);
  }

  /** All of those whose client id begins like this. */
  async known(beginning: string): Promise<readonly KnownWorker[]> {
    return await this.#within(async (client) => {
      const { rows } = await client.query<
        TotalsRow & { readonly client_id: string; readonly since: Date; readonly session: boolean }
      >(withNames(KNOWN, this.#names), [beginning]);
      return rows.map((row) => ({
        clientId: row.client_id,
        since: row.since.toISOString(),
        totals: totalsFrom(row),
        session: row.session,
      }));
    });
  }

  /** Before the broker gets a session of them: where the workers become fewer, it is to be found again. */
  async remember(clientIds: readonly string[]): Promise<void> {
    await this.#within(async (client) => {
      await client.query(
        withNames(
          `WITH t AS (
             INSERT INTO :"internal".ingest_totals (client_id) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING
           )
           INSERT INTO :"internal".sessions (client_id, epoch) SELECT unnest($1::text[]), 0 ON CONFLICT DO NOTHING`,
          this.#names,
        ),
        [clientIds],
      );
    });
  }

  /** The broker has no session of it any more. What it stored stays in the account. */
  async forget(clientId: string): Promise<void> {
    await this.#within(async (client) => {
      await client.query(
        withNames(
          `WITH d AS (DELETE FROM :"internal".deliveries WHERE client_id = $1)
           DELETE FROM :"internal".sessions WHERE client_id = $1`,
          this.#names,
        ),
        [clientId],
      );
    });
  }

  async #within<T>(work: (client: Client) => Promise<T>): Promise<T> {
    const { url, statementTimeout, clientId } = this.#options;
    const applicationName = `tidegate ${clientId} workers`;
    return await withConnection({ url, statementTimeout, applicationName }, work);
  }
}
