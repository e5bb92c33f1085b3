import type { Client } from 'pg';
import { likePattern } from './device-series.ts';
import { isoTime } from './iso-time.ts';
import { textsAt } from './latest-texts.ts';
import { type SchemaNames, withNames } from './names.ts';
import type { QueryPool } from './query-pool.ts';
import { isVisible, type Visible } from './unknown-device.ts';

/** A series in the order of pages; a metric may have numbers and texts. */
export interface SeriesPlace {
  readonly deviceId: string;
  readonly metricName: string;
  readonly text: boolean;
}

export interface LatestQuestion {
  /** Null: all. */
  readonly devices: readonly string[] | null;
  readonly metrics: readonly string[] | null;
  /** Of names of devices; `*` stands for any characters. */
  readonly match: string;
  readonly visible: Visible;
  /** The last series of the page before; null: from the beginning. */
  readonly after: SeriesPlace | null;
  /** Series, of which those without points are left out of the answer. */
  readonly limit: number;
}

export interface LatestPoint {
  readonly device_id: string;
  readonly metric_name: string;
  readonly kind: string;
  readonly unit: string | null;
  /** Null: a text that retention deleted. */
  readonly value: number | string | null;
  /** ISO 8601. */
  readonly timestamp: string;
}

interface Row extends Omit<LatestPoint, 'timestamp'> {
  readonly is_text: boolean;
  readonly value: number | null;
  readonly time: string | null;
}

/** The latest point of each series. Rejects as QueryPool does. */
export class LatestPoints {
  readonly #pool: QueryPool;

  constructor(pool: QueryPool) {
    this.#pool = pool;
  }

  /** `next`: the last series of a page that is not the last one. */
  async page(
    question: LatestQuestion,
  ): Promise<{ readonly points: readonly LatestPoint[]; readonly next: SeriesPlace | null }> {
    // PostgreSQL holds no such text.
    const named = (list: readonly string[] | null) => list?.filter((name) => !name.includes('\0')) ?? null;
    const { devices, metrics, limit, ...rest } = question;
    // One more tells whether there is a page after this one.
    const wanted = { ...rest, devices: named(devices), metrics: named(metrics), limit: limit + 1 };
    return await this.#pool.lend(async (client) => {
      const { names } = this.#pool;
      const found = await latest(client, names, wanted);
      const page = found.slice(0, limit);
      const last = found.length > limit ? page.at(-1) : undefined;
      const texts = page.filter((row) => row.is_text && row.time !== null);
      const values = await textsAt(client, names, texts);
      const textOf = new Map(texts.map((row, index) => [row, values[index] ?? null]));
      return {
        points: page.flatMap(({ is_text, time, ...row }, index) =>
          time === null
            ? []
            : {
                ...row,
                value: is_text ? (textOf.get(page[index] as Row) ?? null) : row.value,
                timestamp: isoTime(time),
              },
        ),
        next:
          last === undefined
            ? null
            : { deviceId: last.device_id, metricName: last.metric_name, text: last.is_text },
      };
    });
  }
}

/**
 * Of one page of series the folded statistics, looked up one by one, and what the journal adds, read once: grouping by series,
 * as the view iot_latest does, would go through the statistics of all.
 */
async function latest(client: Client, names: SchemaNames, question: LatestQuestion): Promise<Row[]> {
  const parameters: unknown[] = [];
  const parameter = (value: unknown, type: string) => `$${parameters.push(value)}::${type}`;
  const { devices, metrics, match, visible, after, limit } = question;
  const conditions = [
    devices === null ? null : `device_id = ANY (${parameter(devices, 'text[]')})`,
    metrics === null ? null : `metric_name = ANY (${parameter(metrics, 'text[]')})`,
    match === '*' ? null : `device_id LIKE ${parameter(likePattern(match), 'text')}`,
    visible === null ? null : isVisible('device_id', parameter(visible, 'text[]')),
    after === null
      ? null
      : `(device_id, metric_name, is_text) > (${parameter(after.deviceId, 'text')}, ${parameter(after.metricName, 'text')}, ${parameter(after.text, 'boolean')})`,
  ].filter((condition) => condition !== null);
  const { rows } = await client.query<Row>(
    withNames(
      `WITH page AS MATERIALIZED (
         SELECT *, row_number() OVER () AS place FROM (
           SELECT series_id, device_id, metric_name, is_text, kind, unit FROM :"internal".series
           WHERE ${['true', ...conditions].join(' AND ')}
           ORDER BY device_id, metric_name, is_text LIMIT ${parameter(limit, 'integer')}
         ) series
       ), recent AS MATERIALIZED (
         SELECT DISTINCT ON (a.series_id) a.series_id, a.last_time, a.last_value
         FROM :"internal".batches b
         CROSS JOIN LATERAL unnest(b.series_ids, b.last_times, b.last_values) AS a (series_id, last_time, last_value)
         WHERE a.series_id IN (SELECT p.series_id FROM page p)
         ORDER BY a.series_id, a.last_time DESC, b.committed_at DESC
       )
       SELECT p.device_id, p.metric_name, p.is_text, p.kind, p.unit,
         CASE WHEN r.last_time < s.last_time OR r.last_time IS NULL THEN s.last_value ELSE r.last_value END AS value,
         greatest(r.last_time, s.last_time)::text AS time
       FROM page p
       LEFT JOIN LATERAL (
         SELECT last_time, last_value FROM :"internal".series_stats s WHERE s.series_id = p.series_id OFFSET 0
       ) s ON true
       LEFT JOIN recent r USING (series_id)
       ORDER BY p.place`,
      names,
    ),
    parameters,
  );
  return rows;
}
