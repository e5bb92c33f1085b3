import { readNotice } from '../demo/notice.ts';
import { TidegateError } from '../errors.ts';
import { connect } from '../postgres/connection.ts';
import { table } from './table.ts';

/** As PostgreSQL writes them: a timestamp keeps its microseconds, a float its digits. */
const AS_TEXT = { getTypeParser: () => (text: unknown) => text };

/** Asks the database of the demo that runs on `dataFolder`; resolves to the answer as a table. */
export async function queryDemo(dataFolder: string, sql: string): Promise<string> {
  const { database } = await readNotice(dataFolder);
  const client = await connect({
    url: database,
    statementTimeout: 0,
    applicationName: 'tidegate demo query',
  });
  try {
    const results = [
      await client.query<(string | null)[]>({ text: sql, rowMode: 'array', types: AS_TEXT }),
    ].flat();
    // Several statements give several results, of which the last is the answer.
    const result = results.at(-1);
    if (result === undefined || result.fields.length === 0) return result?.command ?? '';
    return table(
      result.fields.map(({ name }) => name),
      result.rows,
    );
  } catch (error) {
    throw new TidegateError('query_failed', (error as Error).message, { cause: error });
  } finally {
    await client.end();
  }
}
