import type { Client } from 'pg';
import { type SchemaNames, withNames } from '../../postgres/names.ts';
import { binSql, frozenSql, intervalSql, type LevelState, LEVEL_STATES } from './aggregate-state.ts';
import type { Courtesy } from './courtesy.ts';

/** Series that one statement computes: for a minute of a point a second, less than 0.1 s. */
const SERIES = 1_000;

export interface AdvanceStep {
  readonly computed: number;
  /** Whether the level is as far as it can be. */
  readonly arrived: boolean;
}

interface AdvanceOptions {
  /** As PostgreSQL writes it; what is before it was announced to writers (dirty_before). */
  readonly target: string;
  /** Seconds that are computed at most, whole buckets. */
  readonly span: number;
  /** Looks where data goes on: where there is none, nothing is computed. */
  readonly skip: boolean;
}

/**
 * One step of one level, within the caller's transaction: computes the buckets from the watermark on, for all series, and
 * advances it, never past the level that these rows are computed from. Between its statements it rests: what is written
 * meanwhile, also of series that are new, is in the queue.
 */
export async function advanceWatermark(
  client: Client,
  names: SchemaNames,
  level: LevelState['level'],
  { target, span, skip }: AdvanceOptions,
  courtesy: Courtesy,
): Promise<AdvanceStep> {
  const query = async <Row extends object>(sql: string, parameters: readonly unknown[]) =>
    await client.query<Row>(withNames(sql, names), [...parameters]);

  await query('SELECT FROM :"internal".aggregates WHERE level = $1 FOR UPDATE', [level]);
  const { rows: states } = await query<LevelState>(LEVEL_STATES, [level]);
  const state = states[0] as LevelState;
  const { rows } = await query<Step>(stepSql(state, skip), [target, span]);
  const step = rows[0] as Step;
  if (step.arrived) return { computed: 0, arrived: true };
  let computed = 0;
  if (step.first !== null) {
    // A few points of each series, from many pages: a bitmap for each of them costs more than it orders.
    await client.query('SET LOCAL enable_bitmapscan = off');
    const { rows: slices } = await query<Slice>(SLICES, []);
    for (const { after, last } of slices) {
      const inserted = await query(computeSql(state, step.frozen), [
        step.first,
        step.stop,
        state.edges,
        after,
        last,
      ]);
      computed += inserted.rowCount ?? 0;
      await courtesy.rest();
    }
  }
  await query('UPDATE :"internal".aggregates SET watermark = $2 WHERE level = $1', [level, step.stop]);
  return { computed, arrived: step.last };
}

interface Step {
  readonly arrived: boolean;
  /** The first bucket to compute; null where there is no data before the target. */
  readonly first: string | null;
  readonly stop: string;
  readonly last: boolean;
  /** Whether there are series of which not all of this may be computed. */
  readonly frozen: boolean;
}

/** Series after the one, up to the other, by number. */
interface Slice {
  readonly after: string;
  readonly last: string;
}

const SLICES = `
SELECT lag(last, 1, 0::bigint) OVER (ORDER BY last) AS after, last FROM (
  SELECT max(series_id) AS last FROM (
    SELECT series_id, (row_number() OVER (ORDER BY series_id) - 1) / ${SERIES} AS part
    FROM :"internal".series WHERE aggregated AND NOT is_text
  ) parts GROUP BY part
) slices ORDER BY last`;

/** $1 and $2: the range, $3: the edges of the levels below, $4 and $5: the slice. The range stands there as it is where it can, so that the planner leaves out partitions. */
function computeSql(state: LevelState, frozen: boolean): string {
  return `
INSERT INTO :"internal".aggregate_${state.level}
WITH s AS MATERIALIZED (
  SELECT s.series_id, s.counter_tolerance, s.counter_rollover, date_part('epoch', s.longest_hold) AS hold,
    ${frozenSql(state)} AS frozen
  FROM :"internal".series s WHERE s.aggregated AND NOT s.is_text AND s.series_id > $4 AND s.series_id <= $5)
SELECT s.series_id, c.* FROM s CROSS JOIN LATERAL :"internal".computed_${state.level}(
  s.series_id, ${frozen ? 'greatest($1::timestamptz, s.frozen)' : '$1::timestamptz'}, $2::timestamptz, $3::timestamptz[],
  s.counter_tolerance, s.counter_rollover, s.hold) c`;
}

/** $1 the target, $2 seconds. */
function stepSql(state: LevelState, skip: boolean): string {
  const { level, source, width } = state;
  const own = `(SELECT watermark FROM :"internal".aggregates WHERE level = '${level}')`;
  const below =
    source === 'raw'
      ? '$1::timestamptz'
      : `(SELECT watermark FROM :"internal".aggregates WHERE level = '${source}')`;
  return `
WITH wanted AS (
  SELECT ${own} AS watermark, ${binSql(width, `least($1::timestamptz, ${below})`)} AS target
), began AS (
  SELECT watermark, target, ${binSql(width, skip ? `greatest(watermark, (${nextDataSql(source)}))` : 'watermark')} AS first
  FROM wanted
), step AS (
  SELECT watermark, target, first, CASE WHEN first < target THEN least(first + ${intervalSql(1)} * $2, target) ELSE target END AS stop
  FROM began
)
SELECT NOT coalesce(target > watermark, false) AS arrived, CASE WHEN first < target THEN first END::text AS first,
  stop::text AS stop, stop = target AS last,
  EXISTS (SELECT FROM :"internal".series s WHERE ${frozenSql(state)} > first) AS frozen
FROM step`;
}

/** When data goes on after \`watermark\`; infinity where it does not. */
function nextDataSql(source: LevelState['source']): string {
  if (source === 'raw') {
    return `SELECT coalesce(least(
    (SELECT min(greatest(c.range_start, watermark)) FROM :"internal".chunks c WHERE c.source = 'points' AND c.range_end > watermark),
    (SELECT min(l.ts) FROM :"internal".points_late l WHERE l.ts >= watermark)), 'infinity')`;
  }
  return `SELECT coalesce(least(
    (SELECT min(first.bucket) FROM :"internal".series s CROSS JOIN LATERAL (
      SELECT a.bucket FROM :"internal".aggregate_${source} a
      WHERE a.series_id = s.series_id AND a.bucket >= watermark ORDER BY a.bucket LIMIT 1) first),
    (SELECT min(greatest(f.start_bucket, watermark)) FROM :"internal".frames_${source} f WHERE f.end_bucket >= watermark)), 'infinity')`;
}
