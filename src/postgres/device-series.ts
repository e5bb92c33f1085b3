import type { Client } from 'pg';
import { type SchemaNames, withNames } from './names.ts';

export interface DeviceSeries {
  readonly id: number;
  readonly metric: string;
  readonly text: boolean;
}

/** One device as iot_devices has it; times in ISO 8601, null where no point is left. */
export interface DeviceSummary {
  readonly device_id: string;
  readonly series: number;
  readonly points: number;
  readonly first_seen: string | null;
  readonly last_seen: string | null;
}

/** `*` in a glob stands for any characters. */
export async function listDevices(
  client: Client,
  names: SchemaNames,
  glob: string,
): Promise<DeviceSummary[]> {
  const time = (column: string): string =>
    `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS ${column}`;
  const { rows } = await client.query<Omit<DeviceSummary, 'points' | 'series'> & Record<string, string>>(
    withNames(
      `SELECT device_id, series, points, ${time('first_seen')}, ${time('last_seen')}
       FROM :"schema".iot_devices WHERE device_id LIKE $1 ORDER BY device_id COLLATE "C"`,
      names,
    ),
    [likePattern(glob)],
  );
  return rows.map(({ series, points, ...rest }) => ({
    ...rest,
    series: Number(series),
    points: Number(points),
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

function likePattern(glob: string): string {
  return glob.replaceAll(/[\\%_]/g, String.raw`\$&`).replaceAll('*', '%');
}
