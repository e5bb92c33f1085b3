/** Count, mean and deviation of a long range of points, out of the aggregates that cover it. */

import type { Client } from 'pg';
import { type SchemaNames, withNames } from './names.ts';

const MINUTE = 60e6;

/** Levels of aggregates, the finest first, with their widths in microseconds. All of them begin at 1970-01-01 UTC too. */
const LEVELS = [
  { level: '1min', width: MINUTE, interval: '1 minute' },
  { level: '15min', width: 15 * MINUTE, interval: '15 minutes' },
  { level: '1hour', width: 60 * MINUTE, interval: '1 hour' },
  { level: '1day', width: 24 * 60 * MINUTE, interval: '1 day' },
] as const;

/** Where a range is read: microseconds since 1970, from <= time < to; null: without an end. */
interface Part {
  readonly level: 'raw' | (typeof LEVELS)[number]['level'];
  readonly from: number;
  readonly to: number | null;
  /** Of the buckets. */
  readonly interval: string;
}

/**
 * The range from a moment on: points up to the next minute, minutes up to the next quarter of an hour, and so on up to days,
 * each of them whole. A series that is not aggregated has points alone.
 */
function partsFrom(from: number, aggregated: boolean): Part[] {
  if (!aggregated) return [{ level: 'raw', from, to: null, interval: '1 day' }];
  const parts: Part[] = [];
  let start = from;
  for (const [index, { width }] of LEVELS.entries()) {
    const to = Math.ceil(from / width) * width;
    if (to > start) parts.push({ ...finer(index), from: start, to });
    start = to;
  }
  return [...parts, { ...finer(LEVELS.length), from: start, to: null }];
}

function finer(index: number): Pick<Part, 'level' | 'interval'> {
  const below = LEVELS[index - 1];
  return below === undefined
    ? { level: 'raw', interval: '1 minute' }
    : { level: below.level, interval: below.interval };
}

/** What a bucket says of its points; `excluded` are those that sums do not cover (NaN, infinite, beyond 1e140). */
interface Bucket {
  readonly count: number;
  readonly excluded: number;
  readonly sum: number;
  /** Of the squares of deviations from the mean. */
  readonly m2: number;
  readonly min: number;
  readonly max: number;
}

/** Of the points that sums cover. */
export interface Moments {
  readonly count: number;
  /** Null where there are none. */
  readonly mean: number | null;
  /** Of a sample: divided by count - 1. Null where there are fewer than two. */
  readonly stddev: number | null;
  /** Whether all points are equal, whatever rounding made of the deviation; null: the buckets do not tell. */
  readonly constant: boolean | null;
}

/** Deviations add up, each about the mean of the whole (Chan, Golub, LeVeque 1979). */
function merged(buckets: readonly Bucket[]): Moments {
  let [count, sum, excluded] = [0, 0, 0];
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const bucket of buckets) {
    count += bucket.count - bucket.excluded;
    sum += bucket.sum;
    excluded += bucket.excluded;
    min = Math.min(min, bucket.min);
    max = Math.max(max, bucket.max);
  }
  if (count === 0) return { count, mean: null, stddev: null, constant: null };
  const mean = sum / count;
  let m2 = 0;
  for (const bucket of buckets) {
    const its = bucket.count - bucket.excluded;
    if (its > 0) m2 += bucket.m2 + its * (bucket.sum / its - mean) ** 2;
  }
  return {
    count,
    mean,
    stddev: count > 1 ? Math.sqrt(m2 / (count - 1)) : null,
    constant: excluded > 0 ? null : min === max,
  };
}

/** SQL of a moment that a parameter gives in microseconds since 1970. */
export function moment(parameter: string): string {
  return `(timestamptz 'epoch' + ${parameter}::bigint * interval '1 microsecond')`;
}

/** Of a numeric series, from a moment (microseconds since 1970) on. */
export async function momentsFrom(
  client: Client,
  names: SchemaNames,
  { id, aggregated }: { readonly id: string; readonly aggregated: boolean },
  from: number,
): Promise<Moments> {
  const parts = partsFrom(from, aggregated);
  const selects = parts.map(({ level, to, interval }, index) => {
    const end = to === null ? `'infinity'` : moment(`$${index + 3}`);
    return `SELECT r.count, r.excluded, r.sum, r.m2, r.min, r.max
      FROM :"internal".regrouped('${level}', s, ${moment(`$${index + 2}`)}, ${end}, interval '${interval}', 0, 'UTC') r`;
  });
  const { rows } = await client.query<Bucket & { readonly count: string; readonly excluded: string }>(
    withNames(
      `SELECT r.* FROM :"internal".series s CROSS JOIN LATERAL (${selects.join(' UNION ALL ')}) r WHERE s.series_id = $1`,
      names,
    ),
    [id, ...parts.map((part) => part.from)],
  );
  const moments = merged(
    rows.map((row) => ({ ...row, count: Number(row.count), excluded: Number(row.excluded) })),
  );
  const constant = moments.constant ?? (await isConstant(client, names, id, from));
  return { ...moments, constant };
}

/** Whether the points that sums cover are all equal. */
async function isConstant(client: Client, names: SchemaNames, id: string, from: number): Promise<boolean> {
  const points = `FROM :"internal".points_between($1, ${moment('$2')}, 'infinity')`;
  const { rows } = await client.query<{ varies: boolean }>(
    withNames(
      `SELECT EXISTS (
         SELECT ${points} WHERE abs(value) <= 1e140
           AND value <> (SELECT value ${points} WHERE abs(value) <= 1e140 LIMIT 1)
       ) AS varies`,
      names,
    ),
    [id, from],
  );
  return rows[0]?.varies === false;
}
