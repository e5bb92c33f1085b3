import type { Readable } from 'node:stream';
import type { Client } from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { TidegateError } from '../errors.ts';
import { connect } from './connection.ts';

/**
 * The rows of a query as JSON objects, one a line. JSON has no raw control characters, so with such ones for quotes and
 * delimiters COPY changes none of it.
 */
export function jsonLines(client: Client, query: string): Readable {
  return client.query(
    copyTo(
      `COPY (SELECT to_json(q) FROM ${nested(query)}) TO STDOUT (FORMAT csv, QUOTE e'\\x01', DELIMITER e'\\x02')`,
    ),
  );
}

/** The names of its columns; it is not run. */
export async function queryColumns(client: Client, query: string): Promise<string[]> {
  const { fields } = await client.query(`SELECT * FROM ${nested(query)} LIMIT 0`);
  return fields.map(({ name }) => name);
}

function nested(query: string): string {
  return `(${query.replace(/[\s;]+$/, '')}\n) q`;
}

/** A connection that can only read, to a PostgreSQL of any version. Rejects with a TidegateError. */
export async function connectSource(url: string): Promise<Client> {
  if (!/^postgres(ql)?:/.test(url))
    throw new TidegateError(
      'usage',
      '--from-sql takes postgres://user@host/database or sqlite:///path/to/file.db',
    );
  let client: Client;
  try {
    client = await connect({
      url,
      statementTimeout: 0,
      applicationName: 'tidegate import source',
      anyVersion: true,
    });
  } catch (error) {
    if (!(error instanceof TidegateError)) throw error;
    throw new TidegateError(error.code, `--from-sql ${error.message}`, { cause: error });
  }
  await client.query('SET default_transaction_read_only = on; SET extra_float_digits = 3');
  return client;
}
