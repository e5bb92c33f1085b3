import type { Client } from 'pg';
import { type SchemaNames, withNames } from './names.ts';
import { moment } from './moments.ts';

/** What a source has of one series: all of its points; the sums only of those below 1e290, so that none overflows. */
export interface SeriesTally {
  readonly deviceId: string;
  readonly metricName: string;
  readonly text: boolean;
  count: number;
  sum: number;
  /** Of the amounts. */
  absolute: number;
  /** Microseconds since 1970. */
  first: number;
  last: number;
}

/** A series of which not the same is stored as the source has. */
export interface Difference {
  readonly deviceId: string;
  readonly metricName: string;
  readonly source: { readonly count: number; readonly sum: number };
  readonly stored: { readonly count: number; readonly sum: number };
}

export interface Comparison {
  readonly series: number;
  readonly points: number;
  /** Fewer points are stored than the source has. */
  readonly fewer: readonly Difference[];
  /** Points that lack there, in all. */
  readonly lacking: number;
  /** As many, with another sum. */
  readonly other: readonly Difference[];
  /** Series that have points of that time that are not of this source. */
  readonly more: number;
}

export const SUMMED = 1e290;
/** Of series that differ; the rest is counted. */
const LISTED = 20;

/** Holds what a source has of each series against what is stored between the first and the last of its times. Null: stopped. */
export async function compareStored(
  client: Client,
  names: SchemaNames,
  tallies: Iterable<SeriesTally>,
  signal: AbortSignal,
): Promise<Comparison | null> {
  const fewer: Difference[] = [];
  const other: Difference[] = [];
  let [series, points, lacking, more] = [0, 0, 0, 0];
  for (const tally of await byStoredName(client, names, tallies)) {
    if (signal.aborted) return null;
    const stored = await storedOf(client, names, tally);
    series++;
    points += tally.count;
    const { deviceId, metricName, count, sum } = tally;
    const difference = { deviceId, metricName, source: { count, sum }, stored };
    if (stored.count < count) {
      lacking += count - stored.count;
      if (fewer.length < LISTED) fewer.push(difference);
    } else if (stored.count > count) more++;
    // Rounding depends on the order of addition.
    else if (!(Math.abs(stored.sum - sum) <= count * 2 ** -51 * tally.absolute) && other.length < LISTED)
      other.push(difference);
  }
  return { series, points, fewer, lacking, other, more };
}

/** Devices that were renamed: under the name that they have now. */
async function byStoredName(
  client: Client,
  names: SchemaNames,
  tallies: Iterable<SeriesTally>,
): Promise<Iterable<SeriesTally>> {
  const { rows } = await client.query<{ alias: string; device_id: string }>(
    withNames('SELECT alias, device_id FROM :"internal".device_aliases WHERE valid_to IS NULL', names),
  );
  if (rows.length === 0) return tallies;
  const current = new Map(rows.map(({ alias, device_id: device }) => [alias, device]));
  const merged = new Map<string, SeriesTally>();
  for (const tally of tallies) {
    const deviceId = current.get(tally.deviceId) ?? tally.deviceId;
    const key = JSON.stringify([deviceId, tally.metricName, tally.text]);
    const known = merged.get(key);
    if (known === undefined) merged.set(key, { ...tally, deviceId });
    else addTally(known, tally);
  }
  return merged.values();
}

export function addTally(to: SeriesTally, from: Omit<SeriesTally, 'deviceId' | 'metricName' | 'text'>): void {
  to.count += from.count;
  to.sum += from.sum;
  to.absolute += from.absolute;
  to.first = Math.min(to.first, from.first);
  to.last = Math.max(to.last, from.last);
}

async function storedOf(
  client: Client,
  names: SchemaNames,
  { deviceId, metricName, text, first, last }: SeriesTally,
): Promise<{ count: number; sum: number }> {
  const range = `${moment('$3')}, ${moment('($4::bigint + 1)')}`;
  const sql = text
    ? `SELECT count(*) AS count, 0::float8 AS sum FROM :"schema".iot_text
       WHERE device_id = $1 AND metric_name = $2 AND "timestamp" >= ${moment('$3')} AND "timestamp" <= ${moment('$4')}`
    : `SELECT count(p.ts) AS count, coalesce(sum(p.value) FILTER (WHERE abs(p.value) < ${SUMMED}), 0) AS sum
       FROM :"internal".series s CROSS JOIN LATERAL :"internal".points_between(s.series_id, ${range}) p
       WHERE s.device_id = $1 AND s.metric_name = $2 AND NOT s.is_text`;
  const { rows } = await client.query<{ count: string; sum: number }>({
    name: `import ${text ? 'texts' : 'points'}`,
    text: withNames(sql, names),
    values: [deviceId, metricName, first, last],
  });
  return { count: Number(rows[0]?.count ?? 0), sum: rows[0]?.sum ?? 0 };
}
