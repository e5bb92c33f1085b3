import type { Client } from 'pg';
import { fenced } from '../../postgres/fence.ts';
import { keepHouse } from '../../postgres/housekeeping.ts';
import { type SchemaNames, withNames } from '../../postgres/names.ts';
import { sqlstateOf } from '../../postgres/sqlstate.ts';
import type { JobContext, JobReport } from '../../scheduler/types.ts';
import type { RetentionPolicy } from '../engine.ts';
import { LEVELS } from './levels.ts';

const LOCK_NOT_AVAILABLE = '55P03';

/**
 * Sets the cuts, from which on writers and refreshes leave older times alone, and drops the chunks before them. TimescaleDB's
 * own policies follow a day behind, and are held back where an aggregate has not taken in what they would drop.
 */
export class Retention {
  readonly #client: Client;
  readonly #names: SchemaNames;
  readonly #context: JobContext;
  readonly #done: string[] = [];
  #rows = 0;

  /** `client` is the run's own connection. */
  constructor(client: Client, names: SchemaNames, context: JobContext) {
    this.#client = client;
    this.#names = names;
    this.#context = context;
  }

  async apply(policy: RetentionPolicy): Promise<JobReport> {
    if (policy.raw !== null && (await this.#cutSource('points', policy.raw))) {
      await this.#drop('points', `(SELECT raw_cut FROM :"internal".chunk_map)`);
    }
    if (policy.text !== null && (await this.#cutSource('texts', policy.text))) {
      await this.#drop('texts', `(SELECT text_cut FROM :"internal".chunk_map)`);
    }
    await this.#ownRetentions();
    for (const level of LEVELS) {
      const age = policy.levels[level];
      if (age === null || !(await this.#cutLevel(level, age))) continue;
      await this.#drop(
        `aggregate_${level}`,
        `(SELECT cut FROM :"internal".aggregates WHERE level = '${level}')`,
      );
    }
    const kept = await keepHouse(this.#client, this.#names, policy, this.#context.signal);
    for (const [what, count] of Object.entries(kept)) this.#note(count, what);
    return { rows: this.#rows, detail: this.#done.join('; ') || 'nothing was old enough' };
  }

  #note(count: number, what: string): void {
    if (count === 0) return;
    this.#rows += count;
    this.#done.push(`${count} ${what}`);
  }

  /** Under the map's lock, alone: no batch that saw the old cut is under way then. false: the time has not come. */
  async #cutSource(source: 'points' | 'texts', age: number): Promise<boolean> {
    const column = source === 'points' ? 'raw_cut' : 'text_cut';
    return await this.#fenced(async () => {
      await this.#query('SELECT pg_advisory_xact_lock(:"internal".chunk_map_lock())');
      if (source === 'points' && !(await this.#covered('raw', age))) return false;
      await this.#query(
        `UPDATE :"internal".chunk_map SET ${column} = ${CUT}, version = version + 1 WHERE ${column} < ${CUT}`,
        [age / 1000],
      );
      return true;
    });
  }

  async #cutLevel(level: string, age: number): Promise<boolean> {
    return await this.#fenced(async () => {
      if (!(await this.#covered(level, age))) return false;
      await this.#query(`UPDATE :"internal".aggregates SET cut = greatest(cut, ${CUT}) WHERE level = $2`, [
        age / 1000,
        level,
      ]);
      return true;
    });
  }

  async #covered(source: string, age: number): Promise<boolean> {
    const behind = await uncovered(this.#client, this.#names, source, age);
    if (behind !== null) this.#done.push(behind);
    return behind === null;
  }

  async #drop(table: string, cut: string): Promise<void> {
    try {
      const { rowCount } = await this.#fenced(() =>
        this.#query(
          `SELECT drop_chunks(format('%I.%I', :'internal', '${table}')::regclass, older_than => ${cut})`,
        ),
      );
      this.#note(rowCount ?? 0, `chunks of ${table}`);
    } catch (error) {
      if (sqlstateOf(error) !== LOCK_NOT_AVAILABLE) throw error;
      this.#done.push(`chunks of ${table} wait for readers`);
    }
  }

  /** Series with a retention of their own (policies.series): their rows go, compressed ones by whole batches. */
  async #ownRetentions(): Promise<void> {
    const { rows: ages } = await this.#query<{ age: number }>(
      'SELECT DISTINCT extract(epoch FROM raw_retention)::float8 * 1000 AS age FROM :"internal".series WHERE raw_retention IS NOT NULL',
    );
    for (const { age } of ages) {
      const reached = await this.#fenced(async () => {
        await this.#query('SELECT pg_advisory_xact_lock(:"internal".chunk_map_lock())');
        if (!(await this.#covered('raw', age))) return false;
        await this.#query(
          `UPDATE :"internal".series SET raw_cut = ${CUT}
           WHERE raw_retention = make_interval(secs => $1) AND (raw_cut IS NULL OR raw_cut < ${CUT})`,
          [age / 1000],
        );
        return true;
      });
      if (!reached) continue;
      const { rows: series } = await this.#query<{ series_id: string }>(
        'SELECT series_id FROM :"internal".series WHERE raw_retention = make_interval(secs => $1)',
        [age / 1000],
      );
      let deleted = 0;
      for (const { series_id: id } of series) {
        this.#context.signal.throwIfAborted();
        const { rowCount } = await this.#query(
          `DELETE FROM :"internal".points WHERE series_id = $1 AND ts < (SELECT raw_cut FROM :"internal".series WHERE series_id = $1)`,
          [id],
        );
        deleted += rowCount ?? 0;
      }
      this.#note(deleted, 'points of series with a retention of their own');
    }
  }

  async #fenced<T>(work: () => Promise<T>): Promise<T> {
    this.#context.signal.throwIfAborted();
    return await fenced(this.#client, this.#names, 'retention', this.#context.epoch, work);
  }

  async #query<Row extends object>(sql: string, parameters: readonly unknown[] = []) {
    return await this.#client.query<Row>(withNames(sql, this.#names), [...parameters]);
  }
}

/** Whole days, in UTC: the coarsest bucket. $1: seconds. */
const CUT = `date_trunc('day', now() - make_interval(secs => $1), 'UTC')`;

/**
 * Why points ('raw') or a level's buckets of that age (milliseconds) must be kept: the first aggregate above has not taken
 * all of them in. null where it has, or where there is none.
 */
export async function uncovered(
  client: Client,
  names: SchemaNames,
  source: string,
  age: number,
): Promise<string | null> {
  const { rows } = await client.query<{ level: string; watermark: string; cut: string; dirty: boolean }>(
    withNames(
      `SELECT * FROM (
         SELECT a.level, a.watermark::text AS watermark, ${CUT}::text AS cut, a.watermark < ${CUT} AS behind, EXISTS (
           SELECT FROM :"internal".dirty_buckets d WHERE ${CUT} > ANY (d.buckets)) AS dirty
         FROM :"internal".aggregates a
         WHERE a.enabled AND a.position > coalesce((SELECT position FROM :"internal".aggregates WHERE level = $2), 0)
         ORDER BY a.position LIMIT 1) above
       WHERE behind OR dirty`,
      names,
    ),
    [age / 1000, source],
  );
  const [above] = rows;
  if (above === undefined) return null;
  const reason = above.dirty ? 'has late points to take in' : `is at ${above.watermark}`;
  return `${source} before ${above.cut} is kept: the aggregate ${above.level} ${reason}`;
}
