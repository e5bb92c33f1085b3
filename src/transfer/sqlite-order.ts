/** What a query brings of a SQLite file, Home Assistant's for one: read by Node.js itself. */

import { createHash } from 'node:crypto';
import { accessSync, constants, realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { TidegateError } from '../errors.ts';
import type { ImportOrder } from './importing.ts';
import { RECORDER_MAPPING, recorderQuery } from './layouts.ts';
import { assertDistinct } from './records.ts';
import { unreadable } from './sources.ts';
import { type SqlSource, withLayout } from './sql-order.ts';

type Row = Readonly<Record<string, null | number | bigint | string | Uint8Array>>;

/** Characters of JSON that are handed on at once. */
const PART = 65_536;
/** The only layout that anybody keeps in SQLite. */
const LAYOUT = 'ha_recorder';

/** Extended result codes of SQLite. */
const READONLY_CANTINIT = 1288;
const READONLY_DIRECTORY = 1544;

export function isSqlite(url: string): boolean {
  return url.startsWith('sqlite:');
}

/** As `sqlOrder`, of a file: `sqlite:///config/home-assistant_v2.db`. Nothing is written to it. */
export async function sqliteOrder(
  { url, query, layout, table, name }: SqlSource,
  rest: Pick<ImportOrder, 'mapping' | 'maxErrors' | 'anew' | 'rejects'>,
): Promise<AsyncDisposable & { readonly order: ImportOrder }> {
  if (table !== null || (layout !== null && layout !== LAYOUT))
    throw new TidegateError('usage', `of SQLite there is the layout ${LAYOUT}, without --table, or --query`);
  const path = pathOf(url);
  const sql = query ?? recorderQuery(attribute);
  const hash = createHash('sha256').update(sql).digest('hex').slice(0, 12);
  const { DatabaseSync } = await import('node:sqlite');
  const database = ((): InstanceType<typeof DatabaseSync> => {
    try {
      return new DatabaseSync(path, { readOnly: true });
    } catch (error) {
      throw unreadable(error);
    }
  })();
  let consumed = 0;
  async function* lines(): AsyncGenerator<Uint8Array> {
    try {
      const statement = database.prepare(sql);
      assertDistinct(statement.columns().map(({ name }) => name));
      statement.setReadBigInts(true);
      let text = '';
      for (const row of statement.iterate()) {
        text += lineOf(row);
        if (text.length < PART) continue;
        const bytes = Buffer.from(text);
        text = '';
        consumed += bytes.length;
        yield bytes;
      }
      yield Buffer.from(text);
    } catch (error) {
      throw unreadable(explained(error));
    }
  }
  return {
    order: {
      ...rest,
      source: {
        name: name ?? `${path} ${layout ?? 'query'} ${hash}`,
        total: null,
        consumed: () => consumed,
        open: lines,
      },
      format: 'ndjson',
      delimiter: '',
      mapping: layout === null ? rest.mapping : withLayout(rest.mapping, RECORDER_MAPPING),
    },
    [Symbol.asyncDispose]: async () => database.close(),
  };
}

/** NULL where the attributes are no JSON: the state is a state all the same. */
function attribute(key: string): string {
  return `CASE WHEN json_valid(a.shared_attrs) THEN json_extract(a.shared_attrs, '$.${key}') END`;
}

/** Throws `usage` where there is no such file, or it may not be read. */
function pathOf(url: string): string {
  try {
    const path = fileURLToPath(url.replace(/^sqlite:/, 'file:'));
    accessSync(path, constants.R_OK);
    return realpathSync(path);
  } catch (error) {
    throw new TidegateError('usage', `--from-sql ${url} cannot be read: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** SQLite calls it an attempt to write where a file in WAL mode has no index beside it, and it may not make one. */
function explained(error: unknown): unknown {
  const { errcode, message } = error as { errcode?: number; message?: string };
  return errcode === READONLY_CANTINIT || errcode === READONLY_DIRECTORY
    ? new Error(`${message}: it is in WAL mode, copy it to a folder that may be written to`, { cause: error })
    : error;
}

function lineOf(row: Row): string {
  const members = Object.entries(row).map(([name, value]) => `${JSON.stringify(name)}:${json(name, value)}`);
  return `{${members.join(',')}}\n`;
}

/** Exact: integers of 64 bits are written as they are. */
function json(name: string, value: Row[string]): string {
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Uint8Array)
    throw new TidegateError('import_source', `the column ${name} has bytes; leave it out of the query`);
  // JSON has no infinity; SQLite has no NaN.
  return JSON.stringify(typeof value === 'number' && !Number.isFinite(value) ? String(value) : value);
}
