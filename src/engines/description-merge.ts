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

/** The device's display name goes to another device, unless that one has its own; or with null away. */
export async function moveDeviceName(
  client: Client,
  names: SchemaNames,
  device: string,
  to: string | null,
): Promise<void> {
  const query = async (sql: string, parameters: readonly unknown[]) =>
    await client.query(withNames(sql, names), [...parameters]);
  if (to !== null) {
    await query(
      `INSERT INTO :"internal".device_names (device_id, name, named_at)
       SELECT $2, name, named_at FROM :"internal".device_names WHERE device_id = $1
       ON CONFLICT DO NOTHING`,
      [device, to],
    );
  }
  await query('DELETE FROM :"internal".device_names WHERE device_id = $1', [device]);
}
