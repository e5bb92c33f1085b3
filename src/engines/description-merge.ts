import type { Client } from 'pg';
import type { DeviceSeries } from '../postgres/device-series.ts';
import { type SchemaNames, withNames } from '../postgres/names.ts';

/**
 * Of each pair the series that stays keeps what is known of it, and learns from the one that goes what is not. Resolves to
 * how many pairs have units that differ: their points are not converted.
 */
export async function mergeDescriptions(
  client: Client,
  names: SchemaNames,
  pairs: readonly (readonly [from: DeviceSeries, into: DeviceSeries])[],
  dryRun: boolean,
): Promise<number> {
  const ids = [pairs.map(([from]) => from.id), pairs.map(([, into]) => into.id)];
  const { rows } = await client.query<{ units: string }>(
    withNames(
      `SELECT count(*) AS units FROM unnest($1::bigint[], $2::bigint[]) AS k (goes, stays)
       JOIN :"internal".series g ON g.series_id = k.goes JOIN :"internal".series s ON s.series_id = k.stays
       WHERE g.unit <> s.unit`,
      names,
    ),
    ids,
  );
  if (!dryRun) {
    await client.query(
      withNames(
        `UPDATE :"internal".series s SET unit = coalesce(s.unit, g.unit), tags = g.tags || s.tags,
           described_at = greatest(s.described_at, g.described_at)
         FROM unnest($1::bigint[], $2::bigint[]) AS k (goes, stays)
         JOIN :"internal".series g ON g.series_id = k.goes
         WHERE s.series_id = k.stays AND g.described_at IS NOT NULL`,
        names,
      ),
      ids,
    );
  }
  return Number(rows[0]?.units);
}
