import type { Client } from 'pg';
import type { Tags } from './device-series.ts';
import { isoTime } from './iso-time.ts';
import { textsAt } from './latest-texts.ts';
import { type SchemaNames, withNames } from './names.ts';

/** A series of a device with its latest point; times in ISO 8601, null where no point is left. */
export interface DeviceMetric {
  readonly metric_name: string;
  readonly kind: string;
  readonly unit: string | null;
  readonly tags: Tags;
  /** Null too where it was a text that retention deleted. */
  readonly value: number | string | null;
  readonly timestamp: string | null;
  readonly points: number;
  readonly first_seen: string | null;
  readonly last_seen: string | null;
}

interface Row {
  readonly device_id: string;
  readonly metric_name: string;
  readonly kind: string;
  readonly unit: string | null;
  readonly tags: Tags;
  readonly points: string;
  readonly first: string | null;
  readonly time: string | null;
  readonly value: number | null;
}

/** By name; none where there is no such device. What the journal adds to the folded statistics is read once. */
export async function metricsOf(client: Client, names: SchemaNames, device: string): Promise<DeviceMetric[]> {
  const { rows } = await client.query<Row>(
    withNames(
      `WITH its AS MATERIALIZED (
         SELECT * FROM :"internal".series WHERE device_id = $1
       ), recent AS MATERIALIZED (
         SELECT a.series_id, sum(a.points) AS points, min(a.first_time) AS first_time, max(a.last_time) AS last_time,
           (array_agg(a.last_value ORDER BY a.last_time DESC, b.committed_at DESC))[1] AS last_value
         FROM :"internal".batches b
         CROSS JOIN LATERAL unnest(b.series_ids, b.series_points, b.first_times, b.last_times, b.last_values)
           AS a (series_id, points, first_time, last_time, last_value)
         WHERE a.series_id IN (SELECT i.series_id FROM its i)
         GROUP BY a.series_id
       )
       SELECT i.device_id, i.metric_name, i.kind, i.unit, i.tags, coalesce(s.points, 0) + coalesce(r.points, 0) AS points,
         least(s.first_time, r.first_time)::text AS first, greatest(s.last_time, r.last_time)::text AS time,
         CASE WHEN r.last_time < s.last_time OR r.last_time IS NULL THEN s.last_value ELSE r.last_value END AS value
       FROM its i
       LEFT JOIN LATERAL (
         SELECT * FROM :"internal".series_stats s WHERE s.series_id = i.series_id OFFSET 0
       ) s ON true
       LEFT JOIN recent r ON r.series_id = i.series_id
       ORDER BY i.metric_name COLLATE "C", i.is_text`,
      names,
    ),
    [device],
  );
  const texts = rows.filter(({ kind, time }) => kind === 'text' && time !== null);
  const values = await textsAt(client, names, texts);
  const textOf = new Map(texts.map((row, index) => [row, values[index] ?? null]));
  return rows.map((row) => {
    const last = row.time === null ? null : isoTime(row.time);
    return {
      metric_name: row.metric_name,
      kind: row.kind,
      unit: row.unit,
      tags: row.tags,
      value: row.kind === 'text' ? (textOf.get(row) ?? null) : row.value,
      timestamp: last,
      points: Number(row.points),
      first_seen: row.first === null ? null : isoTime(row.first),
      last_seen: last,
    };
  });
}
