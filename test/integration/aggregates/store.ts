import type { Client } from 'pg';
import type { LevelName, LevelPolicy } from '../../../src/engines/engine.ts';
import { compressChunk, type NamedChunk } from '../../../src/engines/postgres/compaction.ts';
import { packLevel } from '../../../src/engines/postgres/frame-packing.ts';
import { type RefreshOptions, refreshAggregates } from '../../../src/engines/postgres/refresh.ts';
import { timestamptzArray, float8Array, int8Array } from '../../../src/postgres/binary.ts';
import { schemaNames } from '../../../src/postgres/names.ts';
import type { JobReport } from '../../../src/scheduler/types.ts';

export const NAMES = schemaNames('public');
/** Microseconds. */
export const SECOND = 1_000_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
export const WIDTHS = { '1min': MINUTE, '15min': 15 * MINUTE, '1hour': HOUR, '1day': DAY } as const;
export const LEVELS = Object.keys(WIDTHS) as LevelName[];
/** A Monday. */
export const TODAY = Date.parse('2026-03-02T00:00:00Z') * 1000;
export const CONTEXT = { signal: new AbortController().signal, epoch: 0 };

export interface WrittenPoint {
  readonly series: number;
  /** Microseconds since 1970. */
  readonly time: number;
  readonly value: number;
}

/** Defaults of the configuration, in milliseconds. */
export function levels(enabled: Partial<Record<LevelName, boolean>> = {}): Record<LevelName, LevelPolicy> {
  const policy = (level: LevelName, startOffset: number, endOffset: number): LevelPolicy => ({
    enabled: enabled[level] ?? true,
    startOffset: startOffset / 1000,
    endOffset: endOffset / 1000,
    scheduleInterval: WIDTHS[level] / 1000,
  });
  return {
    '1min': policy('1min', HOUR, MINUTE),
    '15min': policy('15min', 4 * HOUR, 15 * MINUTE),
    '1hour': policy('1hour', DAY, HOUR),
    '1day': policy('1day', 30 * DAY, DAY),
  };
}

export async function refresh(client: Client, options: Partial<RefreshOptions> = {}): Promise<JobReport> {
  return await refreshAggregates(
    client,
    NAMES,
    { levels: levels(), budget: 60_000, force: true, ...options },
    CONTEXT,
  );
}

/** Series 1, 2, ... of one device, with the names m1, m2, ... */
export async function addSeries(client: Client, count: number): Promise<void> {
  await client.query(
    `INSERT INTO tidegate.series (device_id, metric_name, is_text, kind)
     SELECT 'device', 'm' || n, false, 'gauge' FROM generate_series(1, $1::int) AS n`,
    [count],
  );
}

export async function openChunk(client: Client, time: number): Promise<void> {
  await client.query(
    `SELECT tidegate.open_chunk('points', to_timestamp($1::double precision / 1000000), interval '1 day')`,
    [time],
  );
}

/** What writers do, but for the commit: under the map's lock they see what is to be recorded as dirty. */
export async function write(client: Client, points: readonly WrittenPoint[]): Promise<void> {
  await client.query('SELECT pg_advisory_xact_lock_shared(tidegate.chunk_map_lock())');
  const columns = [
    int8Array(points.map(({ series }) => series)),
    timestamptzArray(points.map(({ time }) => time)),
    float8Array(points.map(({ value }) => value)),
  ];
  await client.query(
    `WITH batch AS (SELECT * FROM unnest($1::bigint[], $2::timestamptz[], $3::float8[]) AS b (series_id, ts, value)),
     placed AS (
       SELECT b.*, EXISTS (SELECT FROM tidegate.chunks c
         WHERE c.source = 'points' AND c.state = 'open' AND c.range_start <= b.ts AND c.range_end > b.ts) AS covered
       FROM batch b),
     hot AS (INSERT INTO tidegate.points SELECT series_id, ts, value FROM placed WHERE covered ON CONFLICT DO NOTHING)
     INSERT INTO tidegate.points_late SELECT series_id, ts, value FROM placed p
       WHERE NOT covered AND NOT EXISTS (
         SELECT FROM tidegate.closed_points(p.series_id, p.ts, p.ts + interval '1 microsecond'))
     ON CONFLICT DO NOTHING`,
    columns,
  );
  await client.query(
    `INSERT INTO tidegate.dirty_buckets (batch_id, series_ids, buckets)
     SELECT gen_random_uuid(), array_agg(series_id), array_agg(minute) FROM (
       SELECT DISTINCT series_id, date_bin('1 minute', ts, '2000-01-03 00:00+00') AS minute
       FROM unnest($1::bigint[], $2::timestamptz[]) AS b (series_id, ts)) minutes
     WHERE minute < (SELECT dirty_before FROM tidegate.chunk_map)
     HAVING count(*) > 0`,
    columns.slice(0, 2),
  );
}

/** Packs what all levels keep, and turns the chunks of points into segments. */
export async function compress(reader: Client, writer: Client): Promise<void> {
  for (const level of LEVELS) await packLevel(writer, NAMES, level, 0, CONTEXT);
  const { rows } = await writer.query<NamedChunk>(
    `SELECT chunk_id AS id, leaf AS name, state, range_start::text AS "from", range_end::text AS "to"
     FROM tidegate.chunks WHERE source = 'points' AND state = 'open'`,
  );
  for (const chunk of rows) await compressChunk({ reader, writer }, NAMES, chunk, CONTEXT);
}

export async function writeBatch(client: Client, points: readonly WrittenPoint[]): Promise<void> {
  await client.query('BEGIN');
  await write(client, points);
  await client.query('COMMIT');
}
