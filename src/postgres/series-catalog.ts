import type { Client } from 'pg';
import { changedMeta, mergedMeta, NOTHING_SAID } from '../pipeline/series-meta.ts';
import type { Series, SeriesKind } from '../pipeline/types.ts';
import { type SchemaNames, withNames } from './names.ts';
import {
  DESCRIPTION,
  type DescriptionRow,
  DEVICE_NAME,
  metaOf,
  type SeriesDescriptions,
} from './series-descriptions.ts';
import { SeriesIds } from './series-ids.ts';

interface FoundSeries extends DescriptionRow {
  readonly position: string;
  readonly series_id: string;
  readonly kind: SeriesKind;
  /** Whether under a former name of its device. */
  readonly renamed: boolean;
  /** Whether its metric has numbers and texts. */
  readonly mixed: boolean;
}

const NONE: ReadonlySet<Series> = new Set();

/**
 * Gives series their ids. Looks up first and inserts only what is missing, since ON CONFLICT would burn an id for every
 * series that exists. Several daemons may do it at once. A device that was renamed is found under its former names too.
 */
export class SeriesCatalog {
  readonly #maxSeries: number;
  readonly #descriptions: SeriesDescriptions;
  readonly #lookup: string;
  readonly #insert: string;
  readonly #latestTexts: string;
  readonly #lookAnew: string;
  readonly #count: string;
  /** Under which `version` each series was last looked up, where that is not 0. */
  readonly #foundAt = new WeakMap<Series, number>();
  #version = 0;
  /** Of series that were looked up under this version. */
  readonly #ids = new SeriesIds();
  /** Series that come under several names: none of them knows alone which text is the latest. */
  readonly #renamed = new Set<number>();

  constructor(names: SchemaNames, maxSeries: number, descriptions: SeriesDescriptions) {
    this.#maxSeries = maxSeries;
    this.#descriptions = descriptions;
    this.#lookup = withNames(
      `SELECT k.position, s.series_id, s.kind, ${DESCRIPTION}, a.alias IS NOT NULL AS renamed, ${HAS_OTHER} AS mixed
       FROM unnest($1::text[], $2::text[], $3::boolean[]) WITH ORDINALITY AS k (device_id, metric_name, is_text, position)
       ${CURRENT_NAME}
       JOIN :"internal".series s ON s.device_id = coalesce(a.device_id, k.device_id)
         AND s.metric_name = k.metric_name AND s.is_text = k.is_text
       ${DEVICE_NAME}`,
      names,
    );
    const lookAnew = 'UPDATE :"internal".chunk_map SET series_version = series_version + 1';
    // The order of the key keeps two daemons that insert the same series from waiting for each other in a circle. Writers that
    // know the texts of a metric are to learn that these are not alone any more, even if this one ends before it knows itself.
    this.#insert = withNames(
      `WITH created AS (
         INSERT INTO :"internal".series AS s (device_id, metric_name, is_text, kind, route)
         SELECT coalesce(a.device_id, k.device_id), k.metric_name, k.is_text, k.kind, k.route
         FROM unnest($1::text[], $2::text[], $3::boolean[], $4::text[], $5::text[]) AS k (device_id, metric_name, is_text, kind, route)
         ${CURRENT_NAME}
         ORDER BY 1, 2, 3
         ON CONFLICT DO NOTHING
         RETURNING NOT s.is_text AND ${HAS_OTHER} AS mixed)
       ${lookAnew} WHERE EXISTS (SELECT FROM created WHERE mixed)`,
      names,
    );
    this.#latestTexts = withNames(
      `SELECT k.position, t.value, extract(epoch FROM t.ts) * 1000000 AS microseconds
       FROM unnest($1::bigint[]) WITH ORDINALITY AS k (series_id, position)
       CROSS JOIN LATERAL (
         (SELECT ts, value FROM :"internal".texts WHERE series_id = k.series_id ORDER BY ts DESC LIMIT 1)
         UNION ALL
         (SELECT ts, value FROM :"internal".texts_late WHERE series_id = k.series_id ORDER BY ts DESC LIMIT 1)
         ORDER BY ts DESC LIMIT 1) t`,
      names,
    );
    this.#lookAnew = withNames(lookAnew, names);
    this.#count = withNames(`SELECT count(*) AS series FROM :"internal".series`, names);
  }

  /** Of what was last looked up; chunk_map.series_version grows with every correction by hand. */
  get version(): number {
    return this.#version;
  }

  /** To be called with the number that the database has. What was looked up before is looked up anew when it is wanted. */
  changed(version: number): void {
    if (version <= this.#version) return;
    this.#version = version;
    this.#ids.clear();
  }

  /** Fills `id`, and for texts `latestText`; writes changed kinds and descriptions. Returns those that `max_series` refuses, without an id. */
  async resolve(client: Client, wanted: readonly Series[]): Promise<ReadonlySet<Series>> {
    if (wanted.every((series) => this.#isSettled(series))) return NONE;
    let missing = wanted.filter((series) =>
      series.id === undefined ? !this.#recall(series) : this.#isOutdated(series),
    );
    const refused = new Set<Series>();
    if (missing.length > 0) {
      missing = await this.#find(client, missing);
      const room = missing.length === 0 ? 0 : await this.#room(client);
      for (const series of missing.slice(room)) refused.add(series);
      const created = missing.slice(0, room);
      // One that was deleted by hand is described anew.
      for (const series of created) series.storedMeta = undefined;
      if (created.length > 0) {
        const { rowCount: told } = await client.query(this.#insert, [
          ...keys(created),
          created.map(({ kind }) => kind),
          created.map(({ route }) => route),
        ]);
        await this.#find(client, created);
        // Of texts that another one created at the same time.
        if (told === 0 && created.some(({ text, mixed }) => !text && mixed))
          await client.query(this.#lookAnew);
      }
    }
    const silent = wanted.filter(
      (one) =>
        one.text &&
        !refused.has(one) &&
        (one.latestText === undefined || this.#renamed.has(one.id as number)),
    );
    await this.#findLatestTexts(client, silent);
    const changed = wanted.filter(
      (one) => (one.kind !== one.storedKind || one.meta !== one.storedMeta) && !refused.has(one),
    );
    for (const series of changed) this.#ids.forget(series);
    await this.#descriptions.write(client, changed);
    return refused;
  }

  /** Whether there is nothing to look up or to write of it, as of nearly all of nearly all batches. */
  #isSettled(series: Series): boolean {
    return (
      series.id !== undefined &&
      series.kind === series.storedKind &&
      series.meta === series.storedMeta &&
      !(series.text && (series.latestText === undefined || this.#renamed.has(series.id))) &&
      !this.#isOutdated(series)
    );
  }

  /** Whether its object was forgotten, but not its id. */
  #recall(series: Series): boolean {
    if (series.text) return false;
    if (!this.#ids.recall(series)) return false;
    series.storedMeta = NOTHING_SAID;
    if (this.#version > 0) this.#foundAt.set(series, this.#version);
    return true;
  }

  /** Returns those that are not there. */
  async #find(client: Client, wanted: readonly Series[]): Promise<Series[]> {
    // As of before the look-up: of what is corrected meanwhile, the transaction that follows learns.
    const version = this.#version;
    const { rows } = await client.query<FoundSeries>(this.#lookup, keys(wanted));
    const missing = new Set(wanted);
    for (const row of rows) {
      const series = wanted[Number(row.position) - 1] as Series;
      if (series.id !== undefined) series.latestText = undefined;
      series.id = Number(row.series_id);
      series.storedKind = row.kind;
      series.mixed = row.mixed;
      const stored = metaOf(row);
      // What was written before may have been corrected by hand since.
      const said =
        series.storedMeta === undefined ? series.meta : changedMeta(series.storedMeta, series.meta);
      const isNewer =
        row.described_at === null || (series.describedAt !== null && series.describedAt >= row.described_at);
      series.meta = mergedMeta(stored, isNewer ? said : mergedMeta(said, stored));
      series.storedMeta = stored;
      if (row.renamed) this.#renamed.add(series.id);
      if (version > 0) this.#foundAt.set(series, version);
      const isPlain = stored === NOTHING_SAID && row.described_at === null && !series.text && !row.renamed;
      if (isPlain && version === this.#version) this.#ids.keep(series, series.id, row.kind);
      missing.delete(series);
    }
    return [...missing];
  }

  #isOutdated(series: Series): boolean {
    return this.#version > 0 && (this.#foundAt.get(series) ?? 0) < this.#version;
  }

  async #findLatestTexts(client: Client, wanted: readonly Series[]): Promise<void> {
    if (wanted.length === 0) return;
    const { rows } = await client.query<{ position: string; value: string; microseconds: string }>(
      this.#latestTexts,
      [wanted.map(({ id }) => id)],
    );
    for (const row of rows) {
      const series = wanted[Number(row.position) - 1] as Series;
      series.latestText = { value: row.value, timestamp: Math.round(Number(row.microseconds)) };
    }
  }

  async #room(client: Client): Promise<number> {
    const { rows } = await client.query<{ series: string }>(this.#count);
    return Math.max(0, this.#maxSeries - Number(rows[0]?.series ?? 0));
  }
}

/** Where the device of `k` has another name now. */
const CURRENT_NAME = 'LEFT JOIN :"internal".device_aliases a ON a.alias = k.device_id AND a.valid_to IS NULL';

/** Whether the metric of the series `s` has numbers and texts. */
const HAS_OTHER = `EXISTS (SELECT FROM :"internal".series o
  WHERE o.device_id = s.device_id AND o.metric_name = s.metric_name AND o.is_text <> s.is_text)`;

function keys(series: readonly Series[]): [string[], string[], boolean[]] {
  return [
    series.map(({ deviceId }) => deviceId),
    series.map(({ metricName }) => metricName),
    series.map(({ text }) => text),
  ];
}
