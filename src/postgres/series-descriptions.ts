import type { Client } from 'pg';
import { NOTHING_SAID } from '../pipeline/series-meta.ts';
import type { Series, SeriesMeta } from '../pipeline/types.ts';
import { storableText } from './dead-letter-rows.ts';
import { type SchemaNames, withNames } from './names.ts';

/** Points of a series before and after are not of one unit: nobody converts those that are there. */
export interface UnitChange {
  readonly deviceId: string;
  readonly metricName: string;
  readonly before: string;
  readonly after: string;
}

/** How a series is described in the database. */
export interface DescriptionRow {
  readonly unit: string | null;
  readonly tags: Readonly<Record<string, string>>;
  readonly device_name: string | null;
  /** Microseconds since 1970; null where no message said anything. */
  readonly described_at: number | null;
}

/** Columns of a DescriptionRow, of the series `s`. */
export const DESCRIPTION = `s.unit, s.tags, n.name AS device_name,
  (extract(epoch FROM s.described_at) * 1000000)::float8 AS described_at`;
export const DEVICE_NAME = 'LEFT JOIN :"internal".device_names n ON n.device_id = s.device_id';

/**
 * Writes what messages say of series beside points, where it is not what the database has. The message that was received
 * last wins, whatever the order in which they are written; an older one adds what was not known.
 */
export class SeriesDescriptions {
  readonly #newest: boolean;
  readonly #onUnitChange: (change: UnitChange) => void;
  readonly #change: string;
  readonly #name: string;

  /** `newest`: false where all messages count as old ones. */
  constructor(names: SchemaNames, newest: boolean, onUnitChange: (change: UnitChange) => void) {
    this.#newest = newest;
    this.#onUnitChange = onUnitChange;
    // Locked in the order of the key, so that two writers do not wait for each other in a circle.
    this.#change = withNames(
      `WITH said AS MATERIALIZED (
         SELECT series_id, kind, unit, tags, timestamptz 'epoch' + microseconds * interval '1 microsecond' AS at
         FROM unnest($1::bigint[], $2::text[], $3::text[], $4::jsonb[], $5::float8[]) AS k (series_id, kind, unit, tags, microseconds)
       ), locked AS MATERIALIZED (
         SELECT k.*, k.at >= coalesce(s.described_at, '-infinity') AS newer
         FROM :"internal".series s JOIN said k USING (series_id) ORDER BY series_id FOR NO KEY UPDATE OF s
       )
       UPDATE :"internal".series s SET kind = k.kind,
         unit = CASE WHEN k.newer THEN coalesce(k.unit, s.unit) ELSE coalesce(s.unit, k.unit) END,
         tags = CASE WHEN k.newer OR s.tags = '{}' THEN coalesce(k.tags, s.tags) ELSE s.tags END,
         described_at = greatest(s.described_at, k.at)
       FROM locked k WHERE s.series_id = k.series_id RETURNING s.series_id`,
      names,
    );
    this.#name = withNames(
      `INSERT INTO :"internal".device_names AS d (device_id, name, named_at)
       SELECT DISTINCT ON (s.device_id) s.device_id, k.name,
         coalesce(timestamptz 'epoch' + k.microseconds * interval '1 microsecond', '-infinity')
       FROM unnest($1::bigint[], $2::text[], $3::float8[]) AS k (series_id, name, microseconds)
       JOIN :"internal".series s USING (series_id)
       ORDER BY s.device_id, k.microseconds DESC NULLS LAST
       ON CONFLICT (device_id) DO UPDATE SET name = excluded.name, named_at = excluded.named_at
       WHERE d.name <> excluded.name AND d.named_at <= excluded.named_at`,
      names,
    );
  }

  /** Of series that have ids. */
  async write(client: Client, changed: readonly Series[]): Promise<void> {
    if (changed.length === 0) return;
    const said = changed.map((series) => ({ series, kind: series.kind, meta: series.meta }));
    const ids = said.map(({ series }) => series.id);
    const times = said.map(({ series }) =>
      this.#newest && series.described !== null ? series.describedAt : null,
    );
    const { rows } = await client.query<{ series_id: string }>(this.#change, [
      ids,
      said.map(({ series, kind }) => (this.#newest ? kind : (series.storedKind ?? kind))),
      said.map(({ meta }) => textOrNull(meta.unit)),
      said.map(({ meta }) => tagsOrNull(meta.tags)),
      times,
    ]);
    const named = said.flatMap(({ series, meta }, index) =>
      meta.deviceName === undefined || meta.deviceName === series.storedMeta?.deviceName
        ? []
        : [[series.id, textOrNull(meta.deviceName), times[index]] as const],
    );
    if (named.length > 0) {
      const column = (index: 0 | 1 | 2) => named.map((row) => row[index]);
      await client.query(this.#name, [column(0), column(1), column(2)]);
    }
    // One that was merged into another by hand is looked up anew, and written then.
    const written = new Set(rows.map(({ series_id: id }) => Number(id)));
    for (const { series, kind, meta } of said) {
      if (!written.has(series.id as number)) continue;
      const before = series.storedMeta?.unit;
      const { deviceId, metricName } = series;
      if (before !== undefined && meta.unit !== undefined && meta.unit !== before)
        this.#onUnitChange({ deviceId, metricName, before, after: meta.unit });
      series.storedKind = kind;
      series.storedMeta = meta;
    }
  }
}

/** What the row says. */
export function metaOf({ unit, tags, device_name: name }: DescriptionRow): SeriesMeta {
  const isTagged = Object.keys(tags).length > 0;
  if (unit === null && name === null && !isTagged) return NOTHING_SAID;
  return {
    ...(unit !== null && { unit }),
    ...(isTagged && { tags }),
    ...(name !== null && { deviceName: name }),
  };
}

function textOrNull(text: string | undefined): string | null {
  return text === undefined ? null : storableText(text.toWellFormed());
}

/** JSON, whose escapes PostgreSQL reads: of what it cannot hold, none may be left. */
function tagsOrNull(tags: SeriesMeta['tags']): string | null {
  if (tags === undefined) return null;
  return JSON.stringify(
    Object.fromEntries(Object.entries(tags).map(([key, tag]) => [textOrNull(key), textOrNull(tag)])),
  );
}
