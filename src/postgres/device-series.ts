import type { Client } from 'pg';
import { likePattern } from './like-pattern.ts';
import { type SchemaNames, withNames } from './names.ts';
import { isVisible, type Visible } from './unknown-device.ts';

export interface DeviceSeries {
  readonly id: number;
  readonly metric: string;
  readonly text: boolean;
}

/** One device as iot_devices has it; times in ISO 8601, null where no point is left. */
export interface DeviceSummary {
  readonly device_id: string;
  /** What people call it; null where no message says. */
  readonly device_name: string | null;
  readonly series: number;
  readonly points: number;
  readonly first_seen: string | null;
  readonly last_seen: string | null;
  /** learning, ok or silent; null, and what follows too, where it was never heard live. */
  readonly state: string | null;
  readonly last_arrival: string | null;
  /** Seconds; null while it is learned. */
  readonly expected_interval: number | null;
  /** Seconds; null where it sends no times. */
  readonly clock_skew: number | null;
}

export type Tags = Readonly<Record<string, string>>;

export interface DevicePage {
  /** `*` stands for any characters. */
  readonly match: string;
  readonly state: string | null;
  /** That one of its series has. Default: any. */
  readonly tags?: Tags | null;
  /** The device before the first one; null: from the beginning. */
  readonly after: string | null;
  /** Null: all. */
  readonly limit: number | null;
  readonly visible: Visible;
}

/**
 * By name, as the database orders names. It costs what the page costs, however many devices there are: the index on the
 * names of series is walked from one device to the next, and only their series are added up, as iot_devices does of all.
 */
export async function listDevices(
  client: Client,
  names: SchemaNames,
  { match, state, tags = null, after, limit, visible }: DevicePage,
): Promise<DeviceSummary[]> {
  const time = (column: string): string =>
    `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
  const next = (after: string): string =>
    `SELECT s.device_id FROM :"internal".series s
     WHERE ${after} AND s.device_id LIKE $1 AND ${isVisible('s.device_id', '$5')} AND ($6::jsonb IS NULL OR s.tags @> $6)
     ORDER BY s.device_id LIMIT 1`;
  const { rows } = await client.query<
    Omit<DeviceSummary, 'points' | 'series'> & { readonly series: string; readonly points: string }
  >(
    withNames(
      `WITH RECURSIVE device AS (
         (${next('($3::text IS NULL OR s.device_id > $3)')})
         UNION ALL
         SELECT n.device_id FROM device d CROSS JOIN LATERAL (${next('s.device_id > d.device_id')}) n
       ), page AS MATERIALIZED (
         SELECT d.device_id, h.state, h.last_arrival, h.expected_interval, h.clock_skew FROM device d
         LEFT JOIN LATERAL (
           -- Of the daemon that heard it last.
           SELECT * FROM :"internal".device_states h WHERE h.device_id = d.device_id ORDER BY h.last_arrival DESC LIMIT 1
         ) h ON true
         WHERE $2::text IS NULL OR h.state = $2
         LIMIT $4
       ), its AS MATERIALIZED (
         SELECT s.device_id, s.series_id FROM page JOIN :"internal".series s USING (device_id)
       ), recent AS MATERIALIZED (
         SELECT a.series_id, sum(a.points) AS points, min(a.first_time) AS first_time, max(a.last_time) AS last_time
         FROM :"internal".batches b
         CROSS JOIN LATERAL unnest(b.series_ids, b.series_points, b.first_times, b.last_times)
           AS a (series_id, points, first_time, last_time)
         WHERE a.series_id IN (SELECT i.series_id FROM its i)
         GROUP BY a.series_id
       ), sums AS (
         SELECT i.device_id, count(*) AS series, sum(coalesce(s.points, 0) + coalesce(r.points, 0)) AS points,
           min(least(s.first_time, r.first_time)) AS first_seen, max(greatest(s.last_time, r.last_time)) AS last_seen
         FROM its i
         LEFT JOIN LATERAL (
           SELECT * FROM :"internal".series_stats s WHERE s.series_id = i.series_id OFFSET 0
         ) s ON true
         LEFT JOIN recent r ON r.series_id = i.series_id
         GROUP BY i.device_id
       )
       SELECT p.device_id, n.name AS device_name, s.series, s.points, ${time('s.first_seen')} AS first_seen,
         ${time('s.last_seen')} AS last_seen, p.state, ${time('p.last_arrival')} AS last_arrival, p.expected_interval, p.clock_skew
       FROM page p JOIN sums s USING (device_id) LEFT JOIN :"internal".device_names n USING (device_id)
       ORDER BY p.device_id`,
      names,
    ),
    [likePattern(match), state, after, limit, visible, tags && JSON.stringify(tags)],
  );
  return rows.map(({ device_id, device_name, series, points, ...rest }) => ({
    device_id,
    device_name,
    series: Number(series),
    points: Number(points),
    ...rest,
  }));
}

/** The series of a device whose metric matches. */
export async function seriesOf(
  client: Client,
  names: SchemaNames,
  device: string,
  glob = '*',
): Promise<DeviceSeries[]> {
  const { rows } = await client.query<{ series_id: string; metric_name: string; is_text: boolean }>(
    withNames(
      `SELECT series_id, metric_name, is_text FROM :"internal".series
       WHERE device_id = $1 AND metric_name LIKE $2 ORDER BY series_id`,
      names,
    ),
    [device, likePattern(glob)],
  );
  return rows.map((row) => ({ id: Number(row.series_id), metric: row.metric_name, text: row.is_text }));
}
