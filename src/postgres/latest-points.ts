import type { Client } from 'pg';
import { elementsOf } from './binary.ts';
import type { Tags } from './device-series.ts';
import { isoOf } from '../iso-time.ts';
import { JournalTail } from './journal-tail.ts';
import { KnownSeries, type SeriesShown } from './known-series.ts';
import { textsAt } from './latest-texts.ts';
import { likePattern } from './like-pattern.ts';
import { type SchemaNames, withNames } from './names.ts';
import type { QueryPool } from './query-pool.ts';
import { SERIES_VERSION } from './series-version.ts';
import { SharedReading } from './shared-reading.ts';
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

/** The latest points of series, as columns. */
export interface LatestPage {
  readonly series: readonly SeriesShown[];
  readonly ids: Float64Array;
  /** Microseconds since 1970. */
  readonly times: Float64Array;
  /** Null: a text that retention deleted. */
  readonly values: readonly (number | string | null)[];
  /** The last series of a page that is not the last one. */
  readonly next: SeriesPlace | null;
}

/** Series of a page as the folded statistics have them; NaN where they have none. */
interface Folded {
  /** As SERIES_VERSION has it: of the moment that they were read at. */
  readonly version: string;
  readonly ids: Float64Array;
  readonly versions: Float64Array;
  /** Of the devices' names. */
  readonly nameVersions: Float64Array;
  readonly times: Float64Array;
  readonly values: Float64Array;
}

/** A page but for what the journal has: the same as long as its version is. */
interface Kept {
  readonly folded: Folded;
  /** Undefined: it is gone meanwhile. */
  readonly found: readonly (SeriesShown | undefined)[];
}

/** Series of pages that are kept, some 100 bytes each. */
const MOST_KEPT = 50_000;

/** The latest point of each series. Rejects as QueryPool does. */
export class LatestPoints {
  readonly #pool: QueryPool;
  readonly #journal: JournalTail;
  readonly #known: KnownSeries;
  readonly #reading = new SharedReading<LatestPage>();
  /** By question, the one that was asked last at the end. */
  readonly #kept = new Map<string, Kept>();
  #seriesKept = 0;

  constructor(pool: QueryPool) {
    this.#pool = pool;
    this.#journal = new JournalTail(pool);
    this.#known = new KnownSeries(pool.names);
  }

  /** Dashboards ask the same at the same time: who sees the same devices shares the answer. */
  async page(question: LatestQuestion): Promise<LatestPage> {
    const key = JSON.stringify(question);
    return await this.#reading.ask(key, () => this.#page(question, key));
  }

  async #page(question: LatestQuestion, key: string): Promise<LatestPage> {
    const { limit } = question;
    const { version, latest: recent } = await this.#journal.end();
    const known = this.#kept.get(key);
    const { folded, found } =
      known?.folded.version === version
        ? known
        : await this.#pool.lend((client) => this.#named(client, wantedOf(question)));
    this.#keep(key, { folded, found });
    const series: SeriesShown[] = [];
    const times = new Float64Array(Math.min(limit, found.length));
    const ids = new Float64Array(times.length);
    const values: (number | string | null)[] = [];
    for (let row = 0; row < times.length; row++) {
      const one = found[row];
      const tail = recent.get(folded.ids[row] as number);
      const kept = folded.times[row] as number;
      if (one === undefined) continue;
      // Of equal times the one of the journal.
      const isRecent = tail !== undefined && !(tail.time < kept);
      if (!isRecent && Number.isNaN(kept)) continue;
      ids[series.length] = folded.ids[row] as number;
      times[series.length] = isRecent ? tail.time : kept;
      values.push(one.kind === 'text' ? null : isRecent ? tail.value : (folded.values[row] as number));
      series.push(one);
    }
    const page = {
      series,
      ids: ids.subarray(0, series.length),
      times: times.subarray(0, series.length),
      values,
    };
    // Some may be deleted since the page was read.
    const last =
      found.length > limit ? found.slice(0, limit).findLast((one) => one !== undefined) : undefined;
    return {
      ...page,
      values: await withTexts(this.#pool, page),
      next: last === undefined ? null : placeOf(last),
    };
  }

  #keep(key: string, page: Kept): void {
    this.#forget(key);
    this.#kept.set(key, page);
    this.#seriesKept += page.found.length;
    for (const oldest of this.#kept.keys()) {
      if (this.#seriesKept <= MOST_KEPT) return;
      this.#forget(oldest);
    }
  }

  #forget(key: string): void {
    this.#seriesKept -= this.#kept.get(key)?.found.length ?? 0;
    this.#kept.delete(key);
  }

  /** A page and its names, of one moment: after a renaming between the two questions a page would end elsewhere. */
  async #named(client: Client, wanted: LatestQuestion): Promise<Kept> {
    const { names } = this.#pool;
    const folded = await read(client, names, wanted);
    const found = await this.#known.find(client, folded);
    if (found !== null) return { folded, found };
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    try {
      const anew = await read(client, names, wanted);
      return { folded: anew, found: (await this.#known.find(client, anew)) ?? [] };
    } finally {
      await client.query('COMMIT');
    }
  }
}

/** What the database is asked for. */
function wantedOf({ devices, metrics, limit, ...rest }: LatestQuestion): LatestQuestion {
  // PostgreSQL holds no such text.
  const named = (list: readonly string[] | null) => list?.filter((name) => !name.includes('\0')) ?? null;
  // One more tells whether there is a page after this one.
  return { ...rest, devices: named(devices), metrics: named(metrics), limit: limit + 1 };
}

function placeOf({ device_id: deviceId, metric_name: metricName, kind }: SeriesShown): SeriesPlace {
  return { deviceId, metricName, text: kind === 'text' };
}

async function withTexts(
  pool: QueryPool,
  { series, times, values }: Pick<LatestPage, 'series' | 'times' | 'values'>,
): Promise<LatestPage['values']> {
  const rows = [...series.keys()].filter((row) => series[row]?.kind === 'text');
  if (rows.length === 0) return values;
  const places = rows.map((row) => ({ ...(series[row] as SeriesShown), time: isoOf(times[row] as number) }));
  const texts = await pool.lend((client) => textsAt(client, pool.names, places));
  const all = [...values];
  for (const [index, row] of rows.entries()) all[row] = texts[index] ?? null;
  return all;
}

/**
 * A page of series with their folded statistics, looked up one by one: grouping by series, as the view iot_latest does, would
 * go through the statistics of all. As arrays, which are read many times as fast as rows.
 */
async function read(client: Client, names: SchemaNames, question: LatestQuestion): Promise<Folded> {
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
  const { rows } = await client.query<[string, ...(Buffer | null)[]]>({
    // Each kind of question is planned once by a connection. Names have 63 bytes.
    name: `latest ${[devices, metrics, tags, visible, after].map((part) => Number(part !== null)).join('')}${Number(match !== '*')}`,
    text: withNames(
      `SELECT ${SERIES_VERSION}, array_send(array_agg(series_id)), array_send(array_agg(version)), array_send(array_agg(name_version)),
         array_send(array_agg(last_time)), array_send(array_agg(last_value))
       FROM (
         SELECT p.series_id, p.version, n.xmin AS name_version, s.last_time, s.last_value FROM (
           SELECT series_id, xmin AS version, device_id, metric_name, is_text FROM :"internal".series
           WHERE ${['true', ...conditions].join(' AND ')}
           ORDER BY device_id, metric_name, is_text LIMIT ${parameter(limit, 'integer')}
         ) p
         LEFT JOIN LATERAL (
           SELECT last_time, last_value FROM :"internal".series_stats s WHERE s.series_id = p.series_id OFFSET 0
         ) s ON true
         LEFT JOIN :"internal".device_names n ON n.device_id = p.device_id
         ORDER BY p.device_id, p.metric_name, p.is_text
       ) page`,
      names,
    ),
    values: parameters,
    rowMode: 'array',
  });
  const [version = '', ids, versions, nameVersions, times, values] = rows[0] ?? [];
  if (!ids || !versions || !nameVersions || !times || !values) return { version, ...NOTHING };
  return {
    version,
    ids: elementsOf(ids, 'int8'),
    versions: elementsOf(versions, 'xid'),
    nameVersions: elementsOf(nameVersions, 'xid'),
    times: elementsOf(times, 'timestamptz'),
    values: elementsOf(values, 'float8'),
  };
}
const NOTHING: Omit<Folded, 'version'> = {
  ids: new Float64Array(),
  versions: new Float64Array(),
  nameVersions: new Float64Array(),
  times: new Float64Array(),
  values: new Float64Array(),
};
