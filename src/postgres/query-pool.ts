import PQueue from 'p-queue';
import type { Client } from 'pg';
import { TidegateError } from '../errors.ts';
import { connect, type DatabaseUrl } from './connection.ts';
import { KeptConnections } from './kept-connections.ts';
import { describeLoss } from './lost-connection.ts';
import { type SchemaNames, schemaNames } from './names.ts';
import { sqlstateOf } from './sqlstate.ts';

export interface QueryPoolOptions {
  readonly url: DatabaseUrl;
  readonly schema: string;
  /** Milliseconds; 0 is none. */
  readonly statementTimeout: number;
  /** Questions that are answered at once; more of them wait. */
  readonly connections: number;
  /** Whether the schema is there to be asked. Default: it is. */
  readonly isReady?: () => boolean;
}

/**
 * Of a session that answers questions: it cannot write, and it plans for the short ones, which are most. Parallel workers
 * and JIT cost such a question more than they bring.
 */
const SESSION = `SET default_transaction_read_only = on; SET max_parallel_workers_per_gather = 0; SET jit = off`;

/** Reads on connections of its own, kept for the next question. */
export class QueryPool {
  readonly names: SchemaNames;
  readonly #connections: KeptConnections;
  readonly #turns: PQueue;
  readonly #isReady: () => boolean;

  constructor({ url, schema, statementTimeout, connections, isReady = () => true }: QueryPoolOptions) {
    this.names = schemaNames(schema);
    this.#isReady = isReady;
    this.#turns = new PQueue({ concurrency: connections });
    this.#connections = new KeptConnections(async () => {
      const client = await connect({ url, statementTimeout, applicationName: 'tidegate queries' });
      await client.query(SESSION);
      // So that a query ends with its connection. Servers on some systems cannot look, and refuse.
      await client.query(`SET client_connection_check_interval = '1s'`).catch(() => {});
      return client;
    });
  }

  /**
   * Gives `work` a connection, in turn. Where `signal` aborts it rejects with its reason, and what the server was doing is
   * cut off. Rejects with a TidegateError: `database_unreachable` and the like, `query_timeout`; or as `work` does.
   */
  async lend<T>(work: (client: Client) => Promise<T>, signal?: AbortSignal): Promise<T> {
    return await this.#turns.add(
      async () => {
        if (!this.#isReady())
          throw new TidegateError('database_unreachable', 'the database is not ready yet');
        try {
          return await this.#connections.use(work, signal);
        } catch (error) {
          throw described(error);
        }
      },
      signal === undefined ? {} : { signal },
    );
  }

  /** Cuts off what is under way. */
  async close(): Promise<void> {
    await this.#connections.close();
  }
}

/** What a question can end with although there is nothing wrong with it. */
function described(error: unknown): unknown {
  const state = sqlstateOf(error);
  const { message } = error as Error;
  if (state === '57014') return new TidegateError('query_timeout', message, { cause: error });
  if (state?.startsWith('53')) return new TidegateError('database_unreachable', message, { cause: error });
  return describeLoss(error);
}
