import type { Client } from 'pg';
import { TidegateError } from '../errors.ts';
import { type SchemaNames, withNames } from './names.ts';

/** Numbers and texts of a metric are series of their own. */
export interface MetricSeries {
  readonly id: string;
  readonly device: string;
  readonly metric: string;
  readonly text: boolean;
}

/**
 * All pairs of the devices and metrics that there are, by device, metric and kind, in the order of their bytes. Throws a
 * `device_unknown`; metrics may be unknown.
 */
export async function findSeries(
  client: Client,
  names: SchemaNames,
  devices: readonly string[],
  metrics: readonly string[],
): Promise<MetricSeries[]> {
  const { rows } = await client.query<{
    device: string;
    known: boolean;
    id: string | null;
    metric: string;
    text: boolean;
  }>({
    name: 'metrics: series',
    text: withNames(
      `SELECT d.device, s.series_id::text AS id, s.metric_name AS metric, s.is_text AS text,
         s.series_id IS NOT NULL OR EXISTS (SELECT FROM :"internal".series k WHERE k.device_id = d.device) AS known
       FROM unnest($1::text[]) AS d (device)
       LEFT JOIN :"internal".series s ON s.device_id = d.device AND s.metric_name = ANY ($2::text[])
       ORDER BY d.device COLLATE "C", s.metric_name COLLATE "C", s.is_text`,
      names,
    ),
    values: [[...devices], [...metrics]],
  });
  const unknown = rows.find(({ known }) => !known);
  if (unknown !== undefined) {
    throw new TidegateError('device_unknown', `there is no device ${JSON.stringify(unknown.device)}`);
  }
  return rows.flatMap(({ id, device, metric, text }) => (id === null ? [] : [{ id, device, metric, text }]));
}
