import type { Client } from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { likePattern } from './like-pattern.ts';
import { type SchemaNames, withNames } from './names.ts';

export interface ExportSelection {
  /** Names, `*` for any characters; empty: all. */
  readonly devices: readonly string[];
  readonly metrics: readonly string[];
  /** ISO 8601; from <= time < to. Null: without a bound. */
  readonly from: string | null;
  readonly to: string | null;
}

export interface ExportedSeries {
  readonly id: string;
  readonly text: boolean;
  /** Points that it has had, by the statistics; and whether something is known of it beyond them. */
  readonly points: number;
  readonly described: boolean;
  /** Of its first and last point, microseconds since 1970; null where it never had one. */
  readonly first: number | null;
  readonly last: number | null;
}

/** Bytes of lines, and after the last of them how many they are. */
export interface CopiedLines extends AsyncIterable<Uint8Array> {
  readonly rowCount: number;
}

export type ExportFormat = 'csv' | 'ndjson';

/** Of CSV, in this order. */
export const EXPORT_COLUMNS = [
  'device_id',
  'metric_name',
  'kind',
  'timestamp',
  'value',
  'unit',
  'tags',
  'device_name',
] as const;

/** Control characters that JSON never has: COPY changes nothing of a line with such quotes and delimiters. */
const WITH: Readonly<Record<ExportFormat, string>> = {
  csv: `(FORMAT csv)`,
  ndjson: `(FORMAT csv, QUOTE e'\\x01', DELIMITER e'\\x02')`,
};

/** The series that are meant, by device, metric and kind. */
export async function exportedSeries(
  client: Client,
  names: SchemaNames,
  { devices, metrics }: ExportSelection,
): Promise<ExportedSeries[]> {
  const { rows } = await client.query<Omit<ExportedSeries, 'points'> & { points: string }>(
    withNames(
      `SELECT s.series_id::text AS id, s.is_text AS text, coalesce(a.points, 0) AS points,
         s.unit IS NOT NULL OR s.tags <> '{}' OR n.name IS NOT NULL AS described,
         (extract(epoch FROM a.first_time) * 1000000)::float8 AS first,
         (extract(epoch FROM a.last_time) * 1000000)::float8 AS last
       FROM :"internal".series s LEFT JOIN :"internal".series_activity a USING (series_id)
       LEFT JOIN :"internal".device_names n USING (device_id)
       WHERE (cardinality($1::text[]) = 0 OR s.device_id LIKE ANY ($1)) AND (cardinality($2::text[]) = 0 OR s.metric_name LIKE ANY ($2))
       ORDER BY s.device_id COLLATE "C", s.metric_name COLLATE "C", s.is_text`,
      names,
    ),
    [devices.map(likePattern), metrics.map(likePattern)],
  );
  return rows.map((row) => ({ ...row, points: Number(row.points) }));
}

/** The series' lines: what is known of it first, where that is something. */
export function descriptionLine(
  client: Client,
  names: SchemaNames,
  id: string,
  format: ExportFormat,
): CopiedLines {
  const tags = `CASE WHEN s.tags <> '{}' THEN s.tags END`;
  const row =
    format === 'csv'
      ? `s.device_id, s.metric_name, s.kind, NULL, NULL, s.unit, ${tags}, n.name`
      : // All that records have is named, as the first one tells an import what there is.
        `json_build_object('device_id', s.device_id, 'metric_name', s.metric_name, 'kind', s.kind,
           'timestamp', NULL, 'value', NULL, 'unit', s.unit, 'tags', ${tags}, 'device_name', n.name)`;
  return lines(
    client,
    names,
    `SELECT ${row} FROM :"internal".series s LEFT JOIN :"internal".device_names n USING (device_id) WHERE s.series_id = ${id}`,
    format,
  );
}

/** Its points of from <= time < to (ISO 8601), in order of time. */
export function pointLines(
  client: Client,
  names: SchemaNames,
  { id, text }: Pick<ExportedSeries, 'id' | 'text'>,
  { from, to }: { readonly from: string; readonly to: string },
  format: ExportFormat,
): CopiedLines {
  const time = `to_char(p.ts, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
  const row =
    format === 'csv'
      ? `s.device_id, s.metric_name, s.kind, ${time}, p.value, NULL, NULL, NULL`
      : `json_build_object('device_id', s.device_id, 'metric_name', s.metric_name, 'kind', s.kind,
           'timestamp', ${time}, 'value', p.value)`;
  const table = (name: string): string =>
    `SELECT ts, value FROM :"internal".${name} WHERE series_id = ${id} AND ts >= '${from}' AND ts < '${to}'`;
  const points = text
    ? `${table('texts')} UNION ALL ${table('texts_late')}`
    : `SELECT ts, value FROM :"internal".points_between(${id}, '${from}', '${to}')`;
  return lines(
    client,
    names,
    `SELECT ${row} FROM (${points}) p CROSS JOIN :"internal".series s WHERE s.series_id = ${id} ORDER BY p.ts`,
    format,
  );
}

function lines(client: Client, names: SchemaNames, query: string, format: ExportFormat): CopiedLines {
  return client.query(copyTo(withNames(`COPY (${query}) TO STDOUT ${WITH[format]}`, names)));
}
