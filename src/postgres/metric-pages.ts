/**
 * Rows of one series, read page by page: each page is a query of its own over a part of the time, so that no answer holds a
 * snapshot, a connection or more than a page of memory for long. Times are microseconds since 1970.
 */

import type { Client, QueryArrayConfig } from 'pg';
import { elementsOf, nullsOf } from './binary.ts';
import { isoOf } from '../iso-time.ts';
import { type SchemaNames, withNames } from './names.ts';
import { AS_BYTES, ROW_ARRAYS } from './point-pages.ts';

/** Rows in order. */
export interface Page {
  readonly times: Float64Array;
  readonly values: Float64Array | readonly string[];
  /** 1 for each row that has no value; null: all have one. */
  readonly empty: Uint8Array | null;
  /** Up to here, not included, there are no others. */
  readonly end: number;
}

/** The first `limit` rows of from <= time < to, which have a time each. */
export type PageReader = (from: number, to: number, limit: number) => Promise<Page>;

export type Aggregate =
  | 'avg'
  | 'min'
  | 'max'
  | 'sum'
  | 'count'
  | 'first'
  | 'last'
  | 'seconds_true'
  | 'seconds_false';

export interface BucketQuestion {
  readonly device: string;
  readonly metric: string;
  /** As PostgreSQL reads it. */
  readonly interval: string;
  readonly tz: string;
  readonly agg: Aggregate;
  /** Whether buckets without points are among the rows. */
  readonly filled: boolean;
}

const AS_TEXT: QueryArrayConfig['types'] = { getTypeParser: () => (text: string) => text };

const TEXTS = `SELECT (extract(epoch FROM "timestamp") * 1000000)::bigint, value FROM :"schema".iot_text
  WHERE device_id = $1 AND metric_name = $2 AND "timestamp" >= $3 AND "timestamp" < $4 ORDER BY "timestamp" LIMIT $5`;

// The first bucket may have begun before the range: it belongs to the range before.
const BUCKETS = `SELECT ${ROW_ARRAYS} FROM (
  SELECT bucket AS ts, {value}::double precision AS value
  FROM :"schema".iot_aggregate(ARRAY[$1::text], ARRAY[$2::text], $3, $4, $5::interval, $6, $7) WHERE bucket >= $3 LIMIT $8) rows`;
const VALUE: Readonly<Record<Aggregate, string>> = {
  avg: 'avg_value',
  min: 'min_value',
  max: 'max_value',
  sum: 'sum_value',
  count: 'count',
  first: 'first_value',
  last: 'last_value',
  seconds_true: 'seconds_true',
  seconds_false: 'seconds_false',
};

export async function readBuckets(
  client: Client,
  names: SchemaNames,
  { device, metric, interval, tz, agg, filled }: BucketQuestion,
  [from, to, limit]: Parameters<PageReader>,
): Promise<Page> {
  const sql = BUCKETS.replace('{value}', VALUE[agg]);
  const range = [isoOf(from), isoOf(to)];
  const parameters = [device, metric, ...range, interval, tz, filled ? 'null' : 'none', limit];
  const rows = await ask<[Buffer | null, Buffer | null]>(
    client,
    names,
    `buckets ${agg}`,
    sql,
    parameters,
    AS_BYTES,
  );
  const [times, values] = rows[0] ?? [null, null];
  const page =
    times === null || values === null
      ? NOTHING
      : {
          times: elementsOf(times, 'timestamptz'),
          values: elementsOf(values, 'float8'),
          empty: nullsOf(values),
        };
  return { ...page, end: endOf(page.times, to, limit) };
}
const NOTHING = { times: new Float64Array(), values: new Float64Array(), empty: null };

export async function readTexts(
  client: Client,
  names: SchemaNames,
  { device, metric }: { readonly device: string; readonly metric: string },
  [from, to, limit]: Parameters<PageReader>,
): Promise<Page> {
  const parameters = [device, metric, isoOf(from), isoOf(to), limit];
  const rows = await ask<[string, string]>(client, names, 'texts', TEXTS, parameters, AS_TEXT);
  const times = Float64Array.from(rows, ([time]) => Number(time));
  return { times, values: rows.map(([, value]) => value), empty: null, end: endOf(times, to, limit) };
}

/** Where a page is full, there may be more after its last row. */
function endOf(times: Float64Array, to: number, limit: number): number {
  return times.length < limit ? to : (times.at(-1) as number) + 1;
}

/** Named, so that each connection parses and plans it once. */
async function ask<Row extends unknown[]>(
  client: Client,
  names: SchemaNames,
  name: string,
  sql: string,
  values: readonly unknown[],
  types: QueryArrayConfig['types'],
): Promise<Row[]> {
  const { rows } = await client.query<Row>({
    name: `metrics: ${name}`,
    text: withNames(sql, names),
    values: [...values],
    rowMode: 'array',
    types,
  });
  return rows;
}
