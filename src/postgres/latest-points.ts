import type { Client } from 'pg';
import { likePattern } from './device-series.ts';
import { isoOf } from './iso-time.ts';
import { JournalTail } from './journal-tail.ts';
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

interface Row extends Omit<LatestPoint, 'value' | 'timestamp'> {
  readonly series_id: string;
  readonly is_text: boolean;
  /** As the folded statistics have them; times in microseconds since 1970. */
  readonly time: number | null;
  readonly value: number | null;
}

/** The latest point of each series. Rejects as QueryPool does. */
export class LatestPoints {
  readonly #pool: QueryPool;
  readonly #journal: JournalTail;

  constructor(pool: QueryPool) {
    this.#pool = pool;
    this.#journal = new JournalTail(pool.names);
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
      const latest = await this.#journal.latest(client);
      const found = await folded(client, names, wanted);
      const page = withJournal(found.slice(0, limit), latest);
      const last = found.length > limit ? found[limit - 1] : undefined;
      const texts = page.filter(({ is_text }) => is_text);
      const values = await textsAt(client, names, texts);
      const textOf = new Map(texts.map((row, index) => [row, values[index] ?? null]));
      return {
        points: page.map((row) => {
          const { device_id, metric_name, kind, unit, time } = row;
          const value = row.is_text ? (textOf.get(row) ?? null) : row.value;
          return { device_id, metric_name, kind, unit, value, timestamp: time };
        }),
        next:
          last === undefined
            ? null
            : { deviceId: last.device_id, metricName: last.metric_name, text: last.is_text },
      };
    });
  }
}

/** The rows that have a point, with the later of what is folded and what is not; of equal times the latter. */
function withJournal(
  rows: readonly Row[],
  latest: Awaited<ReturnType<JournalTail['latest']>>,
): (Omit<Row, 'time'> & { readonly time: string })[] {
  const recent = latest(new Set(rows.map(({ series_id: id }) => Number(id))));
  return rows.flatMap((row) => {
    const tail = recent.get(Number(row.series_id));
    const { time, value } =
      tail !== undefined && tail.time >= (row.time ?? Number.NEGATIVE_INFINITY) ? tail : row;
    return time === null ? [] : [{ ...row, value, time: isoOf(time) }];
  });
}

/**
 * A page of series with their folded statistics, looked up one by one: grouping by series, as the view iot_latest does, would
 * go through the statistics of all.
 */
async function folded(client: Client, names: SchemaNames, question: LatestQuestion): Promise<Row[]> {
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
      `SELECT p.series_id, p.device_id, p.metric_name, p.is_text, p.kind, p.unit, s.last_value AS value,
         (extract(epoch FROM s.last_time) * 1000000)::float8 AS time
       FROM (
         SELECT series_id, device_id, metric_name, is_text, kind, unit FROM :"internal".series
         WHERE ${['true', ...conditions].join(' AND ')}
         ORDER BY device_id, metric_name, is_text LIMIT ${parameter(limit, 'integer')}
       ) p
       LEFT JOIN LATERAL (
         SELECT last_time, last_value FROM :"internal".series_stats s WHERE s.series_id = p.series_id OFFSET 0
       ) s ON true
       ORDER BY p.device_id, p.metric_name, p.is_text`,
      names,
    ),
    parameters,
  );
  return rows;
}
