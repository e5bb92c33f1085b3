import type { Client } from 'pg';
import { likePattern, type Tags } from './device-series.ts';
import { isoOf, isoTime } from './iso-time.ts';
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
  /** That the series have. Default: any. */
  readonly tags?: Tags | null;
  readonly visible: Visible;
  /** The last series of the page before; null: from the beginning. */
  readonly after: SeriesPlace | null;
  /** Series, of which those without points are left out of the answer. */
  readonly limit: number;
}

export interface LatestPoint {
  readonly device_id: string;
  readonly device_name: string | null;
  readonly metric_name: string;
  readonly kind: string;
  readonly unit: string | null;
  readonly tags: Tags;
  /** Null: a text that retention deleted. */
  readonly value: number | string | null;
  /** ISO 8601. */
  readonly timestamp: string;
}

/** As the folded statistics have it; the time as PostgreSQL prints it, the value where JSON has no number for it as a text. */
type Row = readonly [
  seriesId: number,
  deviceId: string,
  metricName: string,
  isText: boolean,
  kind: string,
  unit: string | null,
  tags: Tags,
  deviceName: string | null,
  value: number | string | null,
  time: string | null,
];

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
      const last = found.length > limit ? found[limit - 1] : undefined;
      return {
        points: await withTexts(client, names, withJournal(found.slice(0, limit), latest)),
        next: last === undefined ? null : { deviceId: last[1], metricName: last[2], text: last[3] },
      };
    });
  }
}

interface Found extends LatestPoint {
  readonly isText: boolean;
}

/** Those that have a point, with the later of what is folded and what is not; of equal times the latter. */
function withJournal(rows: readonly Row[], latest: Awaited<ReturnType<JournalTail['latest']>>): Found[] {
  const recent = latest(new Set(rows.map(([seriesId]) => seriesId)));
  return rows.flatMap(
    ([seriesId, device_id, metric_name, isText, kind, unit, tags, device_name, value, time]) => {
      const series = { device_id, device_name, metric_name, kind, unit, tags, isText };
      const tail = recent.get(seriesId);
      const [kept, came] = [time === null ? '' : isoTime(time), tail === undefined ? '' : isoOf(tail.time)];
      // Times that are printed so are in the order of their texts.
      if (tail !== undefined && came >= kept) return [{ ...series, value: tail.value, timestamp: came }];
      return kept === ''
        ? []
        : [{ ...series, value: value === null ? null : Number(value), timestamp: kept }];
    },
  );
}

async function withTexts(
  client: Client,
  names: SchemaNames,
  found: readonly Found[],
): Promise<LatestPoint[]> {
  const texts = found.filter(({ isText }) => isText);
  const values = await textsAt(
    client,
    names,
    texts.map(({ timestamp: time, ...place }) => ({ ...place, time })),
  );
  const textOf = new Map(texts.map((one, index) => [one, values[index] ?? null]));
  return found.map((one) => {
    const { isText, ...point } = one;
    return isText ? { ...point, value: textOf.get(one) ?? null } : point;
  });
}

/**
 * A page of series with their folded statistics, looked up one by one: grouping by series, as the view iot_latest does, would
 * go through the statistics of all. In one value, which is read ten times as fast as rows.
 */
async function folded(client: Client, names: SchemaNames, question: LatestQuestion): Promise<readonly Row[]> {
  const parameters: unknown[] = [];
  const parameter = (value: unknown, type: string) => `$${parameters.push(value)}::${type}`;
  const { devices, metrics, match, tags = null, visible, after, limit } = question;
  const conditions = [
    devices === null ? null : `device_id = ANY (${parameter(devices, 'text[]')})`,
    metrics === null ? null : `metric_name = ANY (${parameter(metrics, 'text[]')})`,
    match === '*' ? null : `device_id LIKE ${parameter(likePattern(match), 'text')}`,
    tags === null ? null : `tags @> ${parameter(JSON.stringify(tags), 'jsonb')}`,
    visible === null ? null : isVisible('device_id', parameter(visible, 'text[]')),
    after === null
      ? null
      : `(device_id, metric_name, is_text) > (${parameter(after.deviceId, 'text')}, ${parameter(after.metricName, 'text')}, ${parameter(after.text, 'boolean')})`,
  ].filter((condition) => condition !== null);
  const { rows } = await client.query<{ page: readonly Row[] | null }>({
    // Each kind of question is planned once by a connection. Names have 63 bytes.
    name: `latest ${[devices, metrics, tags, visible, after].map((part) => Number(part !== null)).join('')}${Number(match !== '*')}`,
    text: withNames(
      `SELECT json_agg(json_build_array(p.series_id, p.device_id, p.metric_name, p.is_text, p.kind, p.unit, p.tags, n.name,
         s.last_value, s.last_time::text) ORDER BY p.place) AS page
       FROM (
         SELECT *, row_number() OVER () AS place FROM (
           SELECT series_id, device_id, metric_name, is_text, kind, unit, tags FROM :"internal".series
           WHERE ${['true', ...conditions].join(' AND ')}
           ORDER BY device_id, metric_name, is_text LIMIT ${parameter(limit, 'integer')}
         ) series
       ) p
       LEFT JOIN LATERAL (
         SELECT last_time, last_value FROM :"internal".series_stats s WHERE s.series_id = p.series_id OFFSET 0
       ) s ON true
       LEFT JOIN :"internal".device_names n ON n.device_id = p.device_id`,
      names,
    ),
    values: parameters,
  });
  return rows[0]?.page ?? [];
}
