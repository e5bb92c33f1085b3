import type { Client } from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { connect, type ConnectionOptions } from './connection.ts';

/**
 * The rows of a query as JSON objects, one a line. JSON has no raw control characters, so with such ones for quotes and
 * delimiters COPY changes none of it.
 */
export function jsonLines(client: Client, query: string): AsyncIterable<Uint8Array> {
  const text = query.replace(/[\s;]+$/, '');
  return client.query(
    copyTo(
      `COPY (SELECT to_json(q) FROM (${text}\n) q) TO STDOUT (FORMAT csv, QUOTE e'\\x01', DELIMITER e'\\x02')`,
    ),
  );
}

/** A connection that can only read, to a PostgreSQL of any version. Rejects with a TidegateError. */
export async function connectSource(url: ConnectionOptions['url']): Promise<Client> {
  const client = await connect({
    url,
    statementTimeout: 0,
    applicationName: 'tidegate import source',
    anyVersion: true,
  });
  await client.query('SET default_transaction_read_only = on; SET extra_float_digits = 3');
  return client;
}
