/** What a database says, relation by relation: to be compared after it was migrated. */

import type { Client } from 'pg';

/** Rows as text, by relation. */
export type Contents = Readonly<Record<string, readonly string[]>>;

/** A relation and, in SQL, what of it is read. */
export type Question = Readonly<Record<string, string>>;

const POINTS = `iot_points(ARRAY['pump-1'], ARRAY['temperature', 'energy', 'running'], '2026-01-01', '2027-01-01')`;
const AGGREGATES = `iot_aggregate(ARRAY['pump-1'], ARRAY['temperature', 'energy', 'running'],
  '2026-01-01', '2027-01-01', '1 hour')`;

/** What a migration moves on where it turns out daemons that are running. */
const MOVED = ['chunk_map.version', 'scheduler.epoch'];

/** Every table and view that is there now, with the columns that it has now, and what people's functions answer. */
export async function questions(client: Client): Promise<Question> {
  const { rows } = await client.query<{ name: string; columns: string }>(
    `SELECT format('%I.%I', n.nspname, c.relname) AS name, string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) AS columns
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
       AND c.relname || '.' || a.attname <> ALL ($1)
     WHERE n.nspname IN ('public', 'tidegate') AND c.relkind IN ('r', 'p', 'v')
       AND NOT c.relispartition AND c.relname <> 'schema_versions'
     GROUP BY c.oid, n.nspname`,
    [MOVED],
  );
  const { rows: functions } = await client.query<{ name: string }>(
    `SELECT DISTINCT proname AS name FROM pg_proc WHERE pronamespace = 'public'::regnamespace`,
  );
  const known = new Set(functions.map(({ name }) => name));
  return {
    ...Object.fromEntries(rows.map(({ name, columns }) => [name, `SELECT ${columns} FROM ${name}`])),
    ...(known.has('iot_points') && { iot_points: `SELECT * FROM ${POINTS}` }),
    ...(known.has('iot_aggregate') && {
      iot_aggregate: `SELECT bucket, device_id, metric_name, avg_value, max_value, min_value, count, sum_value, stddev_value,
        first_value, first_time, last_value, last_time, increase, time_weighted_avg FROM ${AGGREGATES}`,
    }),
  };
}

export async function contents(client: Client, asked: Question): Promise<Contents> {
  const said: Record<string, string[]> = {};
  for (const [name, sql] of Object.entries(asked)) {
    const { rows } = await client.query<{ row: string }>(
      `SELECT q::text COLLATE "C" AS row FROM (${sql}) q ORDER BY 1`,
    );
    said[name] = rows.map(({ row }) => row);
  }
  return said;
}
