/**
 * Rows of one series, read page by page: each page is a query of its own over a part of the time, so that no answer holds a
 * snapshot, a connection or more than a page of memory for long. Times are microseconds since 1970.
 */

import type { Client, QueryArrayConfig } from 'pg';
import { isoOf, isoTime } from './iso-time.ts';
import { type SchemaNames, withNames } from './names.ts';

/** Rows in order. */
export interface Page {
  /** ISO 8601 in UTC with microseconds. */
  readonly timestamps: string[];
  readonly values: (string | null)[];
}

/** The first `limit` rows of from <= time < to, which have a time each. */
export type PageReader = (client: Client, from: number, to: number, limit: number) => Promise<Page>;

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

/** Values as the server writes them. */
const AS_TEXT: QueryArrayConfig['types'] = { getTypeParser: () => (text: string) => text };
/** One text for all rows: ten times as fast to read as rows, which the server's protocol takes apart field by field. */
const IN_ONE = `string_agg(ts::text || ',' || coalesce(value::text, ''), ';')`;

const POINTS = `SELECT ${IN_ONE} FROM (
  SELECT ts, value FROM :"internal".points_between($1, $2, $3) ORDER BY ts LIMIT $4) rows`;

const TEXTS = `SELECT "timestamp"::text, value FROM :"schema".iot_text
  WHERE device_id = $1 AND metric_name = $2 AND "timestamp" >= $3 AND "timestamp" < $4 ORDER BY "timestamp" LIMIT $5`;

// The first bucket may have begun before the range: it belongs to the range before.
const BUCKETS = `SELECT ${IN_ONE} FROM (
  SELECT bucket AS ts, {value} AS value
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

export function pointPages(names: SchemaNames, seriesId: string): PageReader {
  return async (client, from, to, limit) =>
    await inOne(client, names, 'points', POINTS, [seriesId, isoOf(from), isoOf(to), limit]);
}

export function bucketPages(names: SchemaNames, question: BucketQuestion): PageReader {
  const { device, metric, interval, tz, agg, filled } = question;
  const sql = BUCKETS.replace('{value}', VALUE[agg]);
  return async (client, from, to, limit) => {
    const range = [isoOf(from), isoOf(to)];
    const parameters = [device, metric, ...range, interval, tz, filled ? 'null' : 'none', limit];
    return await inOne(client, names, `buckets ${agg}`, sql, parameters);
  };
}

export function textPages(names: SchemaNames, device: string, metric: string): PageReader {
  return async (client, from, to, limit) => {
    const parameters = [device, metric, isoOf(from), isoOf(to), limit];
    const rows = await ask<[string, string]>(client, names, 'texts', TEXTS, parameters);
    return { timestamps: rows.map(([time]) => isoTime(time)), values: rows.map(([, value]) => value) };
  };
}

async function inOne(
  client: Client,
  names: SchemaNames,
  name: string,
  sql: string,
  parameters: readonly unknown[],
): Promise<Page> {
  const page: Page = { timestamps: [], values: [] };
  const [row] = await ask<[string | null]>(client, names, name, sql, parameters);
  const text = row?.[0] ?? '';
  for (let at = 0; at < text.length; ) {
    const comma = text.indexOf(',', at);
    const semicolon = text.indexOf(';', comma);
    const end = semicolon < 0 ? text.length : semicolon;
    page.timestamps.push(isoTime(text.slice(at, comma)));
    page.values.push(comma + 1 === end ? null : text.slice(comma + 1, end));
    at = end + 1;
  }
  return page;
}

/** Named, so that each connection parses and plans it once. */
async function ask<Row extends unknown[]>(
  client: Client,
  names: SchemaNames,
  name: string,
  sql: string,
  values: readonly unknown[],
): Promise<Row[]> {
  const { rows } = await client.query<Row>({
    name: `metrics: ${name}`,
    text: withNames(sql, names),
    values: [...values],
    rowMode: 'array',
    types: AS_TEXT,
  });
  return rows;
}

/** Microseconds of what `iso` wrote. */
export function microseconds(timestamp: string): number {
  return Date.parse(`${timestamp.slice(0, 23)}Z`) * 1000 + Number(timestamp.slice(23, 26));
}
