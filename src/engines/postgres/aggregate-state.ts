import type { Client } from 'pg';
import { type SchemaNames, withNames } from '../../postgres/names.ts';
import type { LevelName } from '../engine.ts';

/** A level as its row of `aggregates` says, times as PostgreSQL writes them. */
export interface LevelState {
  readonly level: LevelName;
  /** The level above; null at the top. */
  readonly next: LevelName | null;
  /** What its rows are computed from: the nearest enabled level below. */
  readonly source: LevelName | 'raw';
  readonly enabled: boolean;
  /** Seconds. */
  readonly width: number;
  readonly watermark: string;
  /** How far the levels below have got. */
  readonly edges: string | null;
}

/** $1: the levels, or NULL for all. Ordered from the finest. */
export const LEVEL_STATES = `
SELECT a.level, (SELECT n.level FROM :"internal".aggregates n WHERE n.position = a.position + 1) AS next,
  coalesce((SELECT b.level FROM :"internal".aggregates b
    WHERE b.position < a.position AND b.enabled ORDER BY b.position DESC LIMIT 1), 'raw') AS source,
  a.enabled, date_part('epoch', a.width) AS width, a.watermark::text AS watermark,
  :"internal".edges(a.position - 1::smallint)::text AS edges
FROM :"internal".aggregates a WHERE a.level = $1 OR $1 IS NULL ORDER BY a.position`;

/** Milliseconds: longer than a refresh rests and computes between its first statement and its commit, as a rule. */
const LEVEL_TIMEOUT = 20_000;

/** For other jobs than the refresh, within their transaction: nobody else changes the level until it ends. */
export async function lockLevel(client: Client, names: SchemaNames, level: LevelName): Promise<void> {
  await client.query(`SET LOCAL lock_timeout = ${LEVEL_TIMEOUT}`);
  await client.query(withNames('SELECT FROM :"internal".aggregates WHERE level = $1 FOR UPDATE', names), [
    level,
  ]);
}

/** A bucket's start in SQL; widths are seconds, so that no daylight saving of the session gets in. */
export function binSql(width: number, moment: string): string {
  return `date_bin(${intervalSql(width)}, ${moment}, timestamptz '2000-01-03 00:00:00+00')`;
}

export function intervalSql(width: number): string {
  return `make_interval(secs => ${width})`;
}

/**
 * An expression of series `s`: buckets before it are never computed, because what they were computed from, or they
 * themselves, were deleted by retention.
 */
export function frozenSql({ level, source }: LevelState): string {
  const cut = (name: string): string => `(SELECT cut FROM :"internal".aggregates WHERE level = '${name}')`;
  return source === 'raw'
    ? `greatest(${cut(level)}, (SELECT raw_cut FROM :"internal".chunk_map), s.raw_cut)`
    : `greatest(${cut(level)}, ${cut(source)})`;
}
