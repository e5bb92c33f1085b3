import type { Client } from 'pg';
import type { DeviceSeries } from '../postgres/device-series.ts';
import { type SchemaNames, withNames } from '../postgres/names.ts';
import type { OnDuplicate } from '../postgres/rows.ts';
import type { PointPlaces } from './point-places.ts';

/** How many times of one series the other one has too. */
export async function countShared(
  client: Client,
  names: SchemaNames,
  one: DeviceSeries,
  other: DeviceSeries,
): Promise<number> {
  const { rows } = await client.query<{ shared: string }>(
    withNames(
      `SELECT count(*) AS shared FROM (${timesOf(one.text, '$1')}) a JOIN (${timesOf(one.text, '$2')}) b USING (ts)`,
      names,
    ),
    [one.id, other.id],
  );
  return Number(rows[0]?.shared);
}

interface Merge {
  readonly from: DeviceSeries;
  readonly into: DeviceSeries;
  readonly onDuplicate: OnDuplicate;
}

/**
 * Hands a series' points to another one, wherever they are kept, after one of the two lost the times that both have: with
 * keep_first that which goes, with keep_last that which stays. Resolves to how many were lost.
 */
export async function mergeSeries(
  client: Client,
  names: SchemaNames,
  places: PointPlaces,
  { from, into, onDuplicate }: Merge,
): Promise<number> {
  const query = async (sql: string, parameters: readonly unknown[]) =>
    await client.query(withNames(sql, names), [...parameters]);
  const tables = from.text ? ['texts', 'texts_late'] : ['points', 'points_late'];
  const [loser, winner] = onDuplicate === 'keep_first' ? [from, into] : [into, from];
  if (!from.text) {
    // Of a chunk that was compressed a moment ago the rows are still there, and nobody reads them.
    await query(
      `DELETE FROM :"internal".points
       WHERE series_id IN ($1, $2) AND ts <@ (SELECT retired FROM :"internal".chunk_map)`,
      [from.id, into.id],
    );
  }
  let lost = 0;
  for (const table of tables) {
    const { rowCount } = await query(
      `DELETE FROM :"internal".${table} p USING (${timesOf(from.text, '$2')}) w WHERE p.series_id = $1 AND p.ts = w.ts`,
      [loser.id, winner.id],
    );
    lost += rowCount ?? 0;
  }
  if (!from.text) lost += await places.removeSharedCompressed(client, loser.id, winner.id);
  for (const table of tables) {
    await query(`UPDATE :"internal".${table} SET series_id = $2 WHERE series_id = $1`, [from.id, into.id]);
  }
  if (!from.text) await places.moveCompressed(client, from.id, into.id);
  return lost;
}

/** All times of a series, wherever they are. */
function timesOf(text: boolean, id: string): string {
  return text
    ? `SELECT ts FROM :"internal".texts WHERE series_id = ${id}::bigint
       UNION ALL SELECT ts FROM :"internal".texts_late WHERE series_id = ${id}::bigint`
    : `SELECT ts FROM :"internal".points_between(${id}::bigint, '-infinity', 'infinity')`;
}
