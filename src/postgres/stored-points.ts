import { moment } from './moments.ts';
import { withNames } from './names.ts';
import type { QueryPool } from './query-pool.ts';

/** Where a number or a text would be, its time in microseconds since 1970. */
interface Point {
  readonly deviceId: string;
  readonly metricName: string;
  readonly value: number | string;
  readonly timestamp: number;
}

/** Those of the points that are stored, numbers or texts as they are, with the values that are stored. */
export async function storedPoints(pool: QueryPool, points: readonly Point[]): Promise<Point[]> {
  const found: Point[] = [];
  for (const kind of ['number', 'string'] as const) {
    const its = points.filter(({ value }) => typeof value === kind);
    if (its.length === 0) continue;
    const stored =
      kind === 'string'
        ? `SELECT value FROM :"schema".iot_text t
           WHERE t.device_id = w.device_id AND t.metric_name = w.metric_name AND t."timestamp" = ${moment('w.time')}`
        : `SELECT p.value FROM :"internal".series s
           CROSS JOIN LATERAL :"internal".points_between(s.series_id, ${moment('w.time')}, ${moment('(w.time + 1)')}) p
           WHERE s.device_id = w.device_id AND s.metric_name = w.metric_name AND NOT s.is_text`;
    const { rows } = await pool.lend((client) =>
      client.query<{ place: string; value: number | string }>(
        withNames(
          `SELECT w.place, p.value
           FROM unnest($1::text[], $2::text[], $3::bigint[]) WITH ORDINALITY AS w (device_id, metric_name, time, place)
           CROSS JOIN LATERAL (${stored}) p ORDER BY w.place`,
          pool.names,
        ),
        [
          its.map(({ deviceId }) => deviceId),
          its.map(({ metricName }) => metricName),
          its.map(({ timestamp }) => timestamp),
        ],
      ),
    );
    for (const { place, value } of rows) found.push({ ...(its[Number(place) - 1] as Point), value });
  }
  return found;
}
