/** Which buckets give at most so many rows of each series. */

import type { Client } from 'pg';
import { isoOf } from '../iso-time.ts';
import type { MetricSeries } from './metric-series.ts';
import { type SchemaNames, withNames } from './names.ts';

const MINUTE = 60_000_000;
const DAY = 1_440 * MINUTE;
const LEVELS = [
  { name: '1min', interval: '1 minute', width: MINUTE },
  { name: '15min', interval: '15 minutes', width: 15 * MINUTE },
  { name: '1hour', interval: '1 hour', width: 60 * MINUTE },
  { name: '1day', interval: '1 day', width: DAY },
] as const;

export interface ChosenBucket {
  readonly name: string;
  /** As PostgreSQL reads it. */
  readonly interval: string;
  /** Microseconds. */
  readonly width: number;
}

/** From <= time < to, in microseconds since 1970. */
interface Range {
  readonly from: number;
  readonly to: number;
}

/** Null: the points themselves are few enough. */
export async function chooseBucket(
  client: Client,
  names: SchemaNames,
  series: readonly MetricSeries[],
  range: Range,
  maxPoints: number,
): Promise<ChosenBucket | null> {
  if (await areFew(client, names, series, range, maxPoints)) return null;
  const { from, to } = await extent(client, names, series, range);
  const length = to - from;
  // Days are an hour shorter where clocks are put forward, so that one more may begin.
  const most = (width: number) => (width < DAY ? maxPoints : Math.max(1, maxPoints - 1));
  const level = LEVELS.find(({ width }) => length <= most(width) * width);
  if (level !== undefined) return level;
  const days = Math.ceil(length / DAY / most(DAY));
  return { name: `${days}d`, interval: `${days} days`, width: days * DAY };
}

/** Counts no further than it must. */
async function areFew(
  client: Client,
  names: SchemaNames,
  series: readonly MetricSeries[],
  { from, to }: Range,
  most: number,
): Promise<boolean> {
  for (const { id, device, metric, text } of series) {
    const [name, source, which] = text
      ? ['texts', TEXTS, [device, metric]]
      : ['points', `:"internal".points_between($1, $2, $3)`, [id]];
    const { rows } = await client.query<{ count: string }>({
      name: `metrics: count of ${name}`,
      text: withNames(`SELECT count(*) FROM (SELECT FROM ${source} LIMIT $${which.length + 3}) rows`, names),
      values: [...which, isoOf(from), isoOf(to), most + 1],
    });
    if (Number(rows[0]?.count) > most) return false;
  }
  return true;
}
const TEXTS = `:"schema".iot_text WHERE device_id = $1 AND metric_name = $2 AND "timestamp" >= $3 AND "timestamp" < $4`;

/** The days of the range that have points. */
async function extent(
  client: Client,
  names: SchemaNames,
  series: readonly MetricSeries[],
  range: Range,
): Promise<Range> {
  const unique = (values: readonly string[]) => [...new Set(values)];
  const { rows } = await client.query<{ first: string | null; last: string | null }>({
    name: 'metrics: extent',
    text: withNames(
      `SELECT (extract(epoch FROM min(bucket)) * 1000000)::bigint AS first, (extract(epoch FROM max(bucket)) * 1000000)::bigint AS last
       FROM :"schema".iot_aggregate($1::text[], $2::text[], $3, $4, '1 day')`,
      names,
    ),
    values: [
      unique(series.map(({ device }) => device)),
      unique(series.map(({ metric }) => metric)),
      isoOf(range.from),
      isoOf(range.to),
    ],
  });
  const { first = null, last = null } = rows[0] ?? {};
  return {
    from: Math.max(range.from, first === null ? range.from : Number(first)),
    to: Math.min(range.to, last === null ? range.to : Number(last) + DAY),
  };
}
