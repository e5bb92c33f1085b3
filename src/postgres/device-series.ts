import type { Client } from 'pg';
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

/** By name, in the order of its bytes. */
export async function listDevices(
  client: Client,
  names: SchemaNames,
  { match, state, tags = null, after, limit, visible }: DevicePage,
): Promise<DeviceSummary[]> {
  const time = (column: string): string =>
    `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS ${column}`;
  const { rows } = await client.query<
    Omit<DeviceSummary, 'points' | 'series'> & { readonly series: string; readonly points: string }
  >(
    withNames(
      `SELECT device_id, device_name, series, points, ${time('first_seen')}, ${time('last_seen')},
         state, ${time('last_arrival')}, expected_interval, clock_skew
       FROM :"schema".iot_devices
       WHERE device_id LIKE $1 AND ($2::text IS NULL OR state = $2)
         AND ($3::text IS NULL OR device_id COLLATE "C" > $3) AND ${isVisible('device_id', '$5')}
         AND ($6::jsonb IS NULL OR device_id IN (SELECT s.device_id FROM :"internal".series s WHERE s.tags @> $6))
       ORDER BY device_id COLLATE "C" LIMIT $4`,
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

export function likePattern(glob: string): string {
  return glob.replaceAll(/[\\%_]/g, String.raw`\$&`).replaceAll('*', '%');
}
