import type { Client } from 'pg';
import { BoundedMap } from '../bounded-map.ts';
import type { Tags } from './device-series.ts';
import { type SchemaNames, withNames } from './names.ts';

/** What is shown of a series beside its points: the same object as long as it is the same. */
export interface SeriesShown {
  readonly device_id: string;
  readonly device_name: string | null;
  readonly metric_name: string;
  readonly kind: string;
  readonly unit: string | null;
  readonly tags: Tags;
}

interface Known {
  /** The transaction that wrote the row (xmin). */
  readonly version: number;
  /** That which wrote the device's name; NaN where it has none. */
  readonly nameVersion: number;
  readonly series: SeriesShown;
}

/** Some 300 bytes each. */
const MOST = 50_000;

/** Names of series, kept by id and looked up anew where another transaction has written them since. */
export class KnownSeries {
  readonly #names: SchemaNames;
  readonly #known = new BoundedMap<number, Known>(MOST);

  constructor(names: SchemaNames) {
    this.#names = names;
  }

  /**
   * Of rows with such ids and versions; undefined for one that is gone meanwhile. Null where another transaction has
   * written one of the series since its version was read: it may have another name now, and no place among these.
   */
  async find(
    client: Client,
    { ids, versions, nameVersions }: Readonly<Record<'ids' | 'versions' | 'nameVersions', Float64Array>>,
  ): Promise<readonly (SeriesShown | undefined)[] | null> {
    const found: (SeriesShown | undefined)[] = [];
    const missing: number[] = [];
    for (let row = 0; row < ids.length; row++) {
      const id = ids[row] as number;
      const known = this.#known.get(id);
      const isCurrent =
        known !== undefined &&
        known.version === versions[row] &&
        Object.is(known.nameVersion, nameVersions[row]);
      found.push(isCurrent ? known.series : undefined);
      if (!isCurrent) missing.push(id);
    }
    if (missing.length === 0) return found;
    const looked = await this.#look(client, missing);
    for (const [row, id] of ids.entries()) {
      const now = looked.get(id);
      if (now !== undefined && now.version !== versions[row]) return null;
      found[row] ??= now?.series;
    }
    return found;
  }

  async #look(client: Client, ids: readonly number[]): Promise<ReadonlyMap<number, Known>> {
    const { rows } = await client.query<
      SeriesShown & { readonly id: string; readonly version: string; readonly name_version: string | null }
    >({
      name: 'known series',
      text: withNames(
        `SELECT s.series_id AS id, s.xmin::text AS version, n.xmin::text AS name_version, s.device_id, n.name AS device_name,
           s.metric_name, s.kind, s.unit, s.tags
         FROM :"internal".series s LEFT JOIN :"internal".device_names n ON n.device_id = s.device_id
         WHERE s.series_id = ANY ($1::bigint[])`,
        this.#names,
      ),
      values: [ids],
    });
    const looked = new Map<number, Known>();
    for (const { id, version, name_version: nameVersion, ...series } of rows) {
      const known: Known = {
        version: Number(version),
        nameVersion: nameVersion === null ? Number.NaN : Number(nameVersion),
        series,
      };
      looked.set(Number(id), known);
      this.#known.set(Number(id), known);
    }
    return looked;
  }
}
