import type { Client } from 'pg';
import { type SchemaNames, withNames } from '../../postgres/names.ts';
import { deviationBetween } from '../added-buckets.ts';
import type { BucketCounts, PointPlaces, Target } from '../point-places.ts';
import { LEVELS } from './levels.ts';
import type { LevelName } from '../engine.ts';

/**
 * Corrections of what TimescaleDB keeps. Points are rows to it, compressed or not; the rows of continuous aggregates lie in
 * hypertables of their own, which their owner may change. A refresh computes anew what it can.
 */
export class TimescalePlaces implements PointPlaces {
  readonly compressedSummary = null;
  readonly #names: SchemaNames;

  constructor(names: SchemaNames) {
    this.#names = names;
  }

  async prepare(client: Client): Promise<void> {
    await client.query('SET LOCAL timescaledb.max_tuples_decompressed_per_dml_transaction = 0');
  }

  async countCompressed(): Promise<number> {
    return 0;
  }

  async removeCompressed(): Promise<number> {
    return 0;
  }

  async removeSharedCompressed(): Promise<number> {
    return 0;
  }

  async moveCompressed(): Promise<void> {}

  async countBuckets(client: Client, { series, from, to, whole }: Target): Promise<BucketCounts> {
    let count = 0;
    for (const [level, table] of await this.#tables(client)) {
      const time = `r.bucket > $2::timestamptz - l.width AND r.bucket < $3 AND r.bucket < ${frozenBefore(level)}`;
      const { rows } = await client.query<{ buckets: string }>(
        withNames(
          `SELECT count(*) AS buckets FROM ${table} r JOIN :"internal".series s USING (series_id)
           CROSS JOIN (SELECT width FROM :"internal".aggregates WHERE level = '${level}') l
           WHERE r.series_id = ANY ($1) AND ${whole ? '$2 <> $3' : time}`,
          this.#names,
        ),
        [series, from, to],
      );
      count += Number(rows[0]?.buckets);
    }
    return whole ? { buckets: count, frozen: 0 } : { buckets: 0, frozen: count };
  }

  async removeBuckets(client: Client, series: readonly number[]): Promise<number> {
    let removed = 0;
    for (const [, table] of await this.#tables(client)) {
      const { rowCount } = await client.query(`DELETE FROM ${table} WHERE series_id = ANY ($1)`, [series]);
      removed += rowCount ?? 0;
    }
    return removed;
  }

  async moveBuckets(client: Client, from: number, into: number): Promise<void> {
    for (const [level, table] of await this.#tables(client)) {
      const frozen = `(SELECT ${frozenBefore(level)} FROM :"internal".series s WHERE s.series_id = $1)`;
      for (const sql of [addSql(table, frozen), moveSql(table, frozen)]) {
        await client.query(withNames(sql, this.#names), [from, into]);
      }
    }
    await this.removeBuckets(client, [from]);
  }

  /** Where the rows of each level lie. */
  async #tables(client: Client): Promise<[LevelName, string][]> {
    const { rows } = await client.query<{ view: string; table: string }>(
      withNames(
        `SELECT view_name AS view,
           format('%I.%I', materialization_hypertable_schema, materialization_hypertable_name) AS "table"
         FROM timescaledb_information.continuous_aggregates WHERE view_schema = :'internal'`,
        this.#names,
      ),
    );
    return LEVELS.flatMap((level) => {
      const found = rows.find(({ view }) => view === `aggregate_${level}`);
      return found === undefined ? [] : [[level, found.table] as [LevelName, string]];
    });
  }
}

/** An expression of series `s`: rows of the level before it are never computed again. */
function frozenBefore(level: LevelName): string {
  return `greatest(s.raw_cut, (SELECT raw_cut FROM :"internal".chunk_map), (
    SELECT max(b.cut) FROM :"internal".aggregates a JOIN :"internal".aggregates b ON b.position <= a.position
    WHERE a.level = '${level}'))`;
}

/** Rows of buckets that both series have, added up (see src/engines/postgres/bucket-corrections.ts). */
function addSql(table: string, frozen: string): string {
  return `UPDATE ${table} a SET
      count = a.count + o.count, excluded = a.excluded + o.excluded, sum = a.sum + o.sum,
      min = least(a.min, o.min), max = greatest(a.max, o.max),
      first_value = CASE WHEN o.first_time < a.first_time THEN o.first_value ELSE a.first_value END,
      first_time = least(a.first_time, o.first_time),
      last_value = CASE WHEN o.last_time > a.last_time THEN o.last_value ELSE a.last_value END,
      last_time = greatest(a.last_time, o.last_time),
      folded = ARRAY[a.folded[1] + o.folded[1] + ${deviationBetween('a', 'o')}, a.folded[2] + o.folded[2], a.folded[3] + o.folded[3],
        a.folded[4] + o.folded[4], a.folded[5] + o.folded[5]]
    FROM ${table} o
    WHERE a.series_id = $2 AND o.series_id = $1 AND a.bucket = o.bucket AND o.bucket < ${frozen}`;
}

function moveSql(table: string, frozen: string): string {
  return `UPDATE ${table} o SET series_id = $2 WHERE o.series_id = $1 AND o.bucket < ${frozen}
    AND NOT EXISTS (SELECT FROM ${table} a WHERE a.series_id = $2 AND a.bucket = o.bucket)`;
}
