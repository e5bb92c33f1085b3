import type { Client } from 'pg';
import { type SchemaNames, withNames } from '../../postgres/names.ts';
import { frozenSql, intervalSql, type LevelState, LEVEL_STATES } from './aggregate-state.ts';

/** Seconds of points that one statement reads: a statement has a time-out. */
const SPAN = 28 * 86_400;

/** Deletes all that the levels keep of series, within the caller's transaction. */
export async function dropSeriesRows(
  client: Client,
  names: SchemaNames,
  series: readonly string[],
): Promise<void> {
  if (series.length === 0) return;
  for (const { level } of await lockedLevels(client, names)) {
    for (const table of [`aggregate_${level}`, `frames_${level}`]) {
      await client.query(withNames(`DELETE FROM :"internal".${table} WHERE series_id = ANY ($1)`, names), [
        series,
      ]);
    }
  }
}

/**
 * Computes all that the levels keep of one series, up to their watermarks, within the caller's transaction. What a writer
 * commits meanwhile is in the queue.
 */
export async function recomputeSeries(client: Client, names: SchemaNames, series: string): Promise<void> {
  const levels = await lockedLevels(client, names);
  await dropSeriesRows(client, names, [series]);
  for (const state of levels) {
    if (!state.enabled || state.watermark === '-infinity') continue;
    const { rows } = await client.query<{ first: string; stop: string }>(withNames(spansSql(state), names), [
      series,
    ]);
    for (const { first, stop } of rows) {
      await client.query(
        withNames(
          `INSERT INTO :"internal".aggregate_${state.level}
           SELECT s.series_id, c.* FROM :"internal".series s
           CROSS JOIN LATERAL :"internal".computed_${state.level}(s.series_id, greatest($2::timestamptz, ${frozenSql(state)}),
             $3::timestamptz, $4::timestamptz[], s.counter_tolerance, s.counter_rollover, date_part('epoch', s.longest_hold)) c
           WHERE s.series_id = $1 AND s.aggregated AND NOT s.is_text`,
          names,
        ),
        [series, first, stop, state.edges],
      );
    }
  }
}

/** Spans on the grid of 28 days that hold points of a series ($1) before the watermark. */
function spansSql({ level }: LevelState): string {
  const start = `date_bin(${intervalSql(SPAN)}, p.ts, timestamptz '2000-01-03 00:00:00+00')`;
  return `
SELECT start::text AS first, least(start + ${intervalSql(SPAN)}, a.watermark)::text AS stop
FROM :"internal".aggregates a
CROSS JOIN LATERAL (
  SELECT DISTINCT ${start} AS start FROM :"internal".points_between($1, '-infinity', a.watermark) p
) spans
WHERE a.level = '${level}' AND start < a.watermark ORDER BY start`;
}

async function lockedLevels(client: Client, names: SchemaNames): Promise<LevelState[]> {
  await client.query(withNames('SELECT FROM :"internal".aggregates ORDER BY position FOR UPDATE', names));
  const { rows } = await client.query<LevelState>(withNames(LEVEL_STATES, names), [null]);
  return rows;
}
