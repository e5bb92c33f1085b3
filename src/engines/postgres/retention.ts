import type { Client } from 'pg';
import { deleteInBatches } from '../../postgres/batched-delete.ts';
import { fenced } from '../../postgres/fence.ts';
import { keepHouse } from '../../postgres/housekeeping.ts';
import { type SchemaNames, withNames } from '../../postgres/names.ts';
import type { JobContext, JobReport } from '../../scheduler/types.ts';
import type { LevelName, RetentionPolicy } from '../engine.ts';
import { lockLevel } from './aggregate-state.ts';
import { whenUnlocked } from './patience.ts';

const JOB = 'retention';

/** What deletes what is too old: whole chunks, whole days, never before the aggregates above have taken it in. */
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
    if (policy.raw !== null) await this.#source('points', policy.raw);
    if (policy.text !== null) await this.#source('texts', policy.text);
    await this.#ownRetentions();
    for (const [level, retention] of Object.entries(policy.levels) as [LevelName, number | null][]) {
      if (retention !== null) await this.#level(level, retention);
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

  /** Points or texts: the cut first, from which on writers leave out what is older; then the chunks before it. */
  async #source(source: 'points' | 'texts', retention: number): Promise<void> {
    const cut = await this.#cut(source, retention);
    if (cut === null) return;
    const { rows: chunks } = await this.#query<{ chunk_id: string }>(
      `SELECT chunk_id FROM :"internal".chunks WHERE source = $1 AND range_end <= $2 ORDER BY range_start`,
      [source, cut],
    );
    let dropped = 0;
    for (const { chunk_id: id } of chunks) {
      const gone = await whenUnlocked(this.#context.signal, () =>
        this.#fenced(async (timeout) => {
          await timeout();
          await this.#query('SELECT :"internal".drop_chunk($1)', [id]);
        }),
      );
      if (gone) dropped++;
    }
    this.#note(dropped, `chunks of ${source}`);
    if (dropped < chunks.length) {
      this.#done.push(`${chunks.length - dropped} chunks of ${source} wait for readers`);
    }
    this.#note(await this.#delete(`${source}_late`, 'ts < $1', [cut]), `late ${source}`);
    if (source === 'points') {
      await whenUnlocked(this.#context.signal, () =>
        this.#fenced(async (timeout) => {
          await timeout();
          await this.#query('SELECT :"internal".drop_empty_segment_partitions($1)', [cut]);
        }),
      );
    }
  }

  /** Sets the cut under the map's lock, alone; null where an aggregate has not taken in all before it yet. */
  async #cut(source: 'points' | 'texts', retention: number): Promise<string | null> {
    return await this.#fenced(async () => {
      await this.#query('SELECT pg_advisory_xact_lock(:"internal".chunk_map_lock())');
      const cut = await this.#cutOf(retention);
      if (source === 'points' && !(await this.#covered('raw', cut))) return null;
      const column = source === 'points' ? 'raw_cut' : 'text_cut';
      await this.#query(
        `UPDATE :"internal".chunk_map SET ${column} = $1, version = version + 1 WHERE ${column} < $1`,
        [cut],
      );
      return cut;
    });
  }

  /** Whole days, in UTC: the coarsest bucket. */
  async #cutOf(retention: number): Promise<string> {
    const { rows } = await this.#query<{ cut: string }>(
      `SELECT date_trunc('day', now() - make_interval(secs => $1), 'UTC')::text AS cut`,
      [retention / 1000],
    );
    return (rows[0] as { cut: string }).cut;
  }

  /** Whether the first enabled aggregate above a source has computed all of it before the cut. Says so where not. */
  async #covered(source: string, cut: string): Promise<boolean> {
    const { rows } = await this.#query<{ level: string; watermark: string; dirty: boolean }>(
      `WITH above AS (
         SELECT * FROM :"internal".aggregates
         WHERE enabled AND position > coalesce((SELECT position FROM :"internal".aggregates WHERE level = $1), 0)
         ORDER BY position LIMIT 1)
       SELECT level, watermark::text AS watermark, EXISTS (
         SELECT FROM :"internal".dirty_buckets d JOIN :"internal".aggregates b USING (level)
         WHERE b.position <= above.position AND $2::timestamptz > ANY (d.buckets)) AS dirty
       FROM above WHERE watermark < $2::timestamptz OR EXISTS (
         SELECT FROM :"internal".dirty_buckets d JOIN :"internal".aggregates b USING (level)
         WHERE b.position <= above.position AND $2::timestamptz > ANY (d.buckets))`,
      [source, cut],
    );
    const [behind] = rows;
    if (behind === undefined) return true;
    this.#done.push(
      `${source} before ${cut} is kept: the aggregate ${behind.level} ${behind.dirty ? 'has buckets to compute again' : `is at ${behind.watermark}`}`,
    );
    return false;
  }

  /** Series with a retention of their own (policies.series). Segments go once all of their points are too old. */
  async #ownRetentions(): Promise<void> {
    const cuts = await this.#fenced(async () => {
      await this.#query('SELECT pg_advisory_xact_lock(:"internal".chunk_map_lock())');
      const { rows } = await this.#query<{ retention: string }>(
        'SELECT DISTINCT extract(epoch FROM raw_retention) * 1000 AS retention FROM :"internal".series WHERE raw_retention IS NOT NULL',
      );
      const reached: string[] = [];
      for (const { retention } of rows) {
        const cut = await this.#cutOf(Number(retention));
        if (!(await this.#covered('raw', cut))) continue;
        await this.#query(
          `UPDATE :"internal".series SET raw_cut = $1
           WHERE raw_retention = make_interval(secs => $2) AND (raw_cut IS NULL OR raw_cut < $1)`,
          [cut, Number(retention) / 1000],
        );
        reached.push(cut);
      }
      return reached;
    });
    if (cuts.length === 0) return;
    const old = (column: string): string =>
      withNames(
        `(series_id, ${column}) IN (SELECT p.series_id, p.${column} FROM :"internal".series s JOIN :"internal".TABLE p USING (series_id)
           WHERE s.raw_cut IS NOT NULL AND p.${column} < s.raw_cut LIMIT 10000)`,
        this.#names,
      );
    for (const [table, column] of [
      ['points', 'ts'],
      ['points_late', 'ts'],
      ['segments', 'end_ts'],
    ] as const) {
      this.#note(
        await this.#deleteByKey(table, old(column).replace('TABLE', table)),
        `${table} of series with a retention of their own`,
      );
    }
  }

  async #level(level: LevelName, retention: number): Promise<void> {
    const cut = await this.#fenced(async () => {
      await lockLevel(this.#client, this.#names, level);
      const wanted = await this.#cutOf(retention);
      if (!(await this.#covered(level, wanted))) return null;
      await this.#query(
        'UPDATE :"internal".aggregates SET cut = greatest(cut, $2::timestamptz) WHERE level = $1',
        [level, wanted],
      );
      return wanted;
    });
    if (cut === null) return;
    this.#note(await this.#delete(`aggregate_${level}`, 'bucket < $1', [cut]), `buckets of ${level}`);
    this.#note(
      await this.#delete(`frames_${level}`, 'end_bucket < $1', [cut]),
      `compressed runs of ${level}`,
    );
    await this.#query('DELETE FROM :"internal".chunks WHERE source = $1 AND range_end <= $2', [level, cut]);
  }

  async #delete(table: string, condition: string, parameters: readonly unknown[]): Promise<number> {
    const { signal } = this.#context;
    return await deleteInBatches(
      this.#client,
      withNames(`:"internal"."${table}"`, this.#names),
      condition,
      parameters,
      signal,
    );
  }

  /** Of a partitioned table a row's ctid does not name the row. */
  async #deleteByKey(table: string, condition: string): Promise<number> {
    for (let total = 0; ; ) {
      this.#context.signal.throwIfAborted();
      const { rowCount } = await this.#query(`DELETE FROM :"internal".${table} WHERE ${condition}`);
      if (rowCount === null || rowCount === 0) return total;
      total += rowCount;
    }
  }

  /** `work` is handed what makes a statement give up where readers hold a table for long. */
  async #fenced<T>(work: (timeout: () => Promise<void>) => Promise<T>): Promise<T> {
    this.#context.signal.throwIfAborted();
    return await fenced(this.#client, this.#names, JOB, this.#context.epoch, () =>
      work(async () => {
        await this.#client.query(`SET LOCAL lock_timeout = '100ms'`);
      }),
    );
  }

  async #query<Row extends object>(sql: string, parameters: readonly unknown[] = []) {
    return await this.#client.query<Row>(withNames(sql, this.#names), [...parameters]);
  }
}
