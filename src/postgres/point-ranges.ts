import type { Client } from 'pg';
import type { SeriesShown } from './known-series.ts';
import { moment } from './moments.ts';
import { type SchemaNames, withNames } from './names.ts';

export interface StoredPoint {
  readonly deviceId: string;
  readonly metricName: string;
  readonly value: number | string;
  /** Microseconds since 1970. */
  readonly timestamp: number;
}

/** Of a series what is later than one time and no later than another, microseconds since 1970. */
export interface PointRange {
  readonly series: Pick<SeriesShown, 'device_id' | 'metric_name' | 'kind'>;
  readonly after: number;
  readonly to: number;
  /** Any so many of them; null: all. */
  readonly most: number | null;
}

/** What is stored in each of the ranges; of numbers and of texts no more than `limit`, the latest ones. */
export async function pointsWithin(
  client: Client,
  names: SchemaNames,
  ranges: readonly PointRange[],
  limit: number,
): Promise<StoredPoint[][]> {
  const found: StoredPoint[][] = ranges.map(() => []);
  for (const text of [false, true]) {
    const rows = [...ranges.keys()].filter((row) => (ranges[row]?.series.kind === 'text') === text);
    if (rows.length > 0) await read(client, names, text, limit, rows, ranges, found);
  }
  return found;
}

async function read(
  client: Client,
  names: SchemaNames,
  text: boolean,
  limit: number,
  rows: readonly number[],
  ranges: readonly PointRange[],
  found: readonly StoredPoint[][],
): Promise<void> {
  const [from, to] = [moment('(w.after + 1)'), moment('(w.until + 1)')];
  const stored = text
    ? `SELECT t.value, t."timestamp" AS ts FROM :"schema".iot_text t
       WHERE t.device_id = w.device_id AND t.metric_name = w.metric_name AND t."timestamp" >= ${from} AND t."timestamp" < ${to}`
    : `SELECT p.value, p.ts FROM :"internal".series s
       CROSS JOIN LATERAL :"internal".points_between(s.series_id, ${from}, ${to}) p
       WHERE s.device_id = w.device_id AND s.metric_name = w.metric_name AND NOT s.is_text`;
  const asked = rows.map((row) => ranges[row] as PointRange);
  const { rows: points } = await client.query<{ place: string; value: number | string; time: string }>(
    withNames(
      `SELECT w.place, p.value, (extract(epoch FROM p.ts) * 1000000)::bigint AS time
       FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[]) WITH ORDINALITY
         AS w (device_id, metric_name, after, until, most, place)
       CROSS JOIN LATERAL (${stored} LIMIT w.most) p ORDER BY p.ts DESC LIMIT $6`,
      names,
    ),
    [
      asked.map(({ series }) => series.device_id),
      asked.map(({ series }) => series.metric_name),
      asked.map(({ after }) => after),
      asked.map((range) => range.to),
      asked.map(({ most }) => most),
      limit,
    ],
  );
  for (const { place, value, time } of points) {
    const row = rows[Number(place) - 1] as number;
    const { device_id: deviceId, metric_name: metricName } = (ranges[row] as PointRange).series;
    found[row]?.push({ deviceId, metricName, value, timestamp: Number(time) });
  }
}
