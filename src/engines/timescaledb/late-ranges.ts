import type { Client } from 'pg';
import { type SchemaNames, withNames } from '../../postgres/names.ts';
import type { LevelName } from '../engine.ts';
import { sourceOf } from './levels.ts';

/** As PostgreSQL writes times: from <= time < to. */
export interface TimeRange {
  readonly from: string;
  readonly to: string;
}

const ORIGIN = `timestamptz '2000-01-03 00:00:00+00'`;

/** The chunks of a level's source. What was dropped must not be computed again: it would be deleted. */
const PRESENT = `(SELECT tstzrange(c.range_start, c.range_end) AS chunk FROM timescaledb_information.chunks c
  WHERE (c.hypertable_schema, c.hypertable_name) IN (
    SELECT :'internal'::name, $1::name
    UNION ALL
    SELECT a.materialization_hypertable_schema, a.materialization_hypertable_name
    FROM timescaledb_information.continuous_aggregates a WHERE a.view_schema = :'internal' AND a.view_name = $1))`;

/** Before it nothing is computed again: the level's source, or the level itself, was deleted by retention. */
const FROZEN = `(SELECT greatest(
    (SELECT cut FROM :"internal".aggregates WHERE level = $2),
    (SELECT s.cut FROM :"internal".aggregates l JOIN :"internal".aggregates s ON s.level = l.source WHERE l.level = $2),
    CASE WHEN $2 = '1min' THEN greatest((SELECT raw_cut FROM :"internal".chunk_map),
      (SELECT max(raw_cut) FROM :"internal".series)) END))`;

/** What there is to compute of a level in [from, to), a range for each chunk of its source. */
export async function presentRanges(
  client: Client,
  names: SchemaNames,
  level: LevelName,
  from: string,
  to: string,
): Promise<TimeRange[]> {
  return await ranges(
    client,
    names,
    level,
    `tstzmultirange(tstzrange($3::timestamptz, greatest($3::timestamptz, $4)))`,
    [from, to],
  );
}

/**
 * The buckets of a level before `to` that rows of dirty_buckets (by ctid) lie in, with their neighbours: a refresh costs more
 * than the buckets in it, and TimescaleDB leaves out those that did not change.
 */
export async function dirtyRanges(
  client: Client,
  names: SchemaNames,
  level: LevelName,
  to: string,
  rows: readonly string[],
): Promise<TimeRange[]> {
  const dirty = `(SELECT coalesce(range_agg(tstzrange(bin, bin + span)), '{}') * tstzmultirange(tstzrange(NULL, $3))
    FROM (SELECT DISTINCT date_bin(span, bucket, ${ORIGIN}) AS bin, span
      FROM :"internal".dirty_buckets d CROSS JOIN unnest(d.buckets) AS u (bucket)
      CROSS JOIN (SELECT CASE $2 WHEN '1min' THEN interval '1 hour' WHEN '15min' THEN interval '6 hours'
        ELSE interval '1 day' END AS span) w
      WHERE d.ctid = ANY ($4::text[]::tid[])) bins)`;
  return await ranges(client, names, level, dirty, [to, [...rows]]);
}

async function ranges(
  client: Client,
  names: SchemaNames,
  level: LevelName,
  wanted: string,
  parameters: readonly unknown[],
): Promise<TimeRange[]> {
  const { rows } = await client.query<TimeRange>(
    withNames(
      `SELECT lower(r)::text AS "from", upper(r)::text AS "to"
       FROM (SELECT ${wanted} * tstzmultirange(tstzrange(${FROZEN}, NULL)) AS wanted) w
       CROSS JOIN ${PRESENT} c CROSS JOIN unnest(wanted * tstzmultirange(chunk)) AS u (r)
       ORDER BY lower(r)`,
      names,
    ),
    [sourceOf(level), level, ...parameters],
  );
  return rows;
}
