import { createHash } from 'node:crypto';
import { addAbortSignal } from 'node:stream';
import { TidegateError } from '../errors.ts';
import { addressOf } from '../postgres/connection.ts';
import { connectSource, jsonLines, queryColumns } from '../postgres/query-source.ts';
import type { ImportOrder } from './importing.ts';
import { LAYOUTS } from './layouts.ts';
import type { MappingOptions } from './mapping.ts';
import { assertDistinct } from './records.ts';
import { unreadable } from './sources.ts';

export interface SqlSource {
  readonly url: string;
  readonly query: string | null;
  /** One of LAYOUTS. */
  readonly layout: string | null;
  readonly table: string | null;
  /** What the source is known by; null: by its address and its query. */
  readonly name: string | null;
}

/** The order to import what a query brings; its connection ends when it is disposed of. Rejects with a TidegateError. */
export async function sqlOrder(
  { url, query, layout, table, name }: SqlSource,
  rest: Pick<ImportOrder, 'mapping' | 'maxErrors' | 'anew' | 'rejects'>,
): Promise<AsyncDisposable & { readonly order: ImportOrder }> {
  if (query !== null && table !== null) throw new TidegateError('usage', '--table belongs to --layout');
  const client = await connectSource(url);
  const end = async (): Promise<void> => {
    await client.end().catch(() => {});
  };
  try {
    const laid = layout === null ? null : await LAYOUTS[layout]?.query(client, table);
    const sql = laid?.sql ?? (query as string);
    assertDistinct(await queryColumns(client, sql));
    const hash = createHash('sha256').update(sql).digest('hex').slice(0, 12);
    let consumed = 0;
    async function* lines(signal: AbortSignal): AsyncGenerator<Uint8Array> {
      try {
        const rows: AsyncIterable<Uint8Array> = addAbortSignal(signal, jsonLines(client, sql));
        for await (const part of rows) {
          consumed += part.length;
          yield part;
        }
      } catch (error) {
        throw unreadable(error);
      }
    }
    return {
      order: {
        ...rest,
        source: {
          name: name ?? `${addressOf(url)} ${table ?? layout ?? 'query'} ${hash}`,
          total: null,
          consumed: () => consumed,
          open: lines,
        },
        format: 'ndjson',
        delimiter: '',
        mapping: laid == null ? rest.mapping : withLayout(rest.mapping, laid.mapping),
      },
      [Symbol.asyncDispose]: end,
    };
  } catch (error) {
    await end();
    throw unreadable(error);
  }
}

/** What is named by hand wins. */
export function withLayout(given: MappingOptions, laid: Partial<MappingOptions>): MappingOptions {
  const named = Object.entries(given).filter(
    ([, value]) => value !== null && !(Array.isArray(value) && value.length === 0),
  );
  return { ...given, ...laid, ...Object.fromEntries(named) };
}
