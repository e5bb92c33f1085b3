import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from 'pg';
import { fenced } from '../../postgres/fence.ts';
import { type SchemaNames, withNames } from '../../postgres/names.ts';
import { sqlstateOf } from '../../postgres/sqlstate.ts';
import type { JobContext, JobReport } from '../../scheduler/types.ts';
import type { LevelName, LevelPolicy } from '../engine.ts';
import { dirtyRanges, presentRanges, type TimeRange } from './late-ranges.ts';
import { keptLevels, LEVELS } from './levels.ts';

export interface RefreshOptions {
  readonly levels: Readonly<Record<LevelName, LevelPolicy>>;
  /** Milliseconds after which no more late points are begun with. */
  readonly budget: number;
  /** All levels, whatever their schedule says. */
  readonly force?: boolean;
  /** Everything once more: which series have aggregates has changed, which TimescaleDB does not see. */
  readonly anew?: boolean;
}

/** How far a level is: what is before `swept` is computed, or recorded as dirty; `target` is where its policy's window begins. */
interface LevelTarget {
  readonly level: LevelName;
  readonly swept: string;
  readonly target: string;
  /** Until where buckets are kept. */
  readonly end: string;
  readonly due: boolean;
}

/** A policy is at the same times just now: TimescaleDB refuses to wait for it. */
const LOCK_NOT_AVAILABLE = '55P03';
const ATTEMPTS = 60;
/** Milliseconds. */
const PAUSE = 500;

/** Rows of dirty_buckets, one a batch, that are taken at once. */
const SLICE = 500;
/**
 * Buckets that TimescaleDB computes in one transaction, where it can be told: a day of points. Its default of 10 takes ten
 * times as long over the past.
 */
const BUCKETS: Readonly<Record<LevelName, number>> = {
  '1min': 1440,
  '15min': 672,
  '1hour': 672,
  '1day': 364,
};

/**
 * Everything that TimescaleDB's policies, which look back by their start_offset, leave out: the past at the first run, a gap
 * after they stood still, late points. `fence` holds the job's row meanwhile; `client` runs refreshes, which TimescaleDB
 * refuses within a transaction.
 */
export async function refreshAggregates(
  { fence, client }: { readonly fence: Client; readonly client: Client },
  names: SchemaNames,
  options: RefreshOptions,
  context: JobContext,
): Promise<JobReport> {
  return await fenced(fence, names, 'aggregates', context.epoch, async () => {
    await fence.query('SET LOCAL idle_in_transaction_session_timeout = 0');
    return await new Refresh(client, names, options, context).run();
  });
}

class Refresh {
  readonly #client: Client;
  readonly #names: SchemaNames;
  readonly #options: RefreshOptions;
  readonly #context: JobContext;
  #refreshes = 0;
  /** Whether this TimescaleDB can be told how much to do in one transaction. */
  #batched: boolean | null = null;

  constructor(client: Client, names: SchemaNames, options: RefreshOptions, context: JobContext) {
    this.#client = client;
    this.#names = names;
    this.#options = options;
    this.#context = context;
  }

  async run(): Promise<JobReport> {
    await this.#recordFrom();
    const targets = await this.#targets();
    for (const target of targets) await this.#sweep(target);
    const deadline = performance.now() + this.#options.budget;
    let late = 0;
    let left = true;
    while (left && performance.now() < deadline) {
      const taken = await this.#late(targets);
      late += taken;
      left = taken > 0;
    }
    for (const target of targets.filter(({ due }) => due)) await this.#window(target);
    return {
      rows: late,
      detail: `took in late points of ${late} batches by ${this.#refreshes} refreshes${left ? ', more are left for the next run' : ''}`,
    };
  }

  /**
   * From now on points before the latest start of a policy's window are recorded. In a transaction of its own, under the
   * map's lock alone: every writer before it has committed then, and what it did not record is swept below.
   */
  async #recordFrom(): Promise<void> {
    const offsets = keptLevels(this.#options.levels).map((level) => this.#options.levels[level].startOffset);
    const kept = keptLevels(this.#options.levels);
    await this.#client.query("BEGIN; SET LOCAL lock_timeout = '2s'");
    try {
      await this.#query('SELECT pg_advisory_xact_lock(:"internal".chunk_map_lock())');
      await this.#query(
        `UPDATE :"internal".chunk_map SET dirty_before = greatest(dirty_before,
           date_bin('1 minute', now() - make_interval(secs => $1), timestamptz '2000-01-03 00:00:00+00'),
           (SELECT max(_timescaledb_functions.to_timestamp(_timescaledb_functions.cagg_watermark(c.mat_hypertable_id)))
            FROM _timescaledb_catalog.continuous_agg c
            WHERE c.user_view_schema = :'internal' AND c.user_view_name = ANY ($2)))`,
        [
          Math.min(...offsets, 36_500 * 86_400_000) / 1000,
          LEVELS.filter((level) => !kept.includes(level)).map((level) => `aggregate_${level}`),
        ],
      );
      await this.#query('UPDATE :"internal".aggregates SET enabled = level = ANY ($1)', [kept]);
      await this.#client.query('COMMIT');
    } catch (error) {
      await this.#client.query('ROLLBACK').catch(() => {});
      throw error;
    }
  }

  async #targets(): Promise<LevelTarget[]> {
    const { levels, force = false } = this.#options;
    const kept = keptLevels(levels);
    const { rows } = await this.#query<LevelTarget>(
      `SELECT a.level, a.watermark::text AS swept,
         date_bin(a.width, now() - make_interval(secs => o.start_offset), origin)::text AS target,
         date_bin(a.width, now() - make_interval(secs => o.end_offset), origin)::text AS "end",
         $5 OR a.refreshed_at <= now() - make_interval(secs => o.every) AS due
       FROM unnest($1::text[], $2::float8[], $3::float8[], $4::float8[]) AS o (level, start_offset, end_offset, every)
       JOIN :"internal".aggregates a USING (level), (SELECT timestamptz '2000-01-03 00:00:00+00') AS b (origin)
       ORDER BY a.position`,
      [
        kept,
        kept.map((level) => levels[level].startOffset / 1000),
        kept.map((level) => levels[level].endOffset / 1000),
        kept.map((level) => levels[level].scheduleInterval / 1000),
        force,
      ],
    );
    return rows;
  }

  /** What a policy's window has left behind it since the last run, all of it at the first one. */
  async #sweep({ level, swept, target, end }: LevelTarget): Promise<void> {
    const { anew = false } = this.#options;
    const [from, to] = anew ? ['-infinity', end] : [swept, target];
    for (const range of await presentRanges(this.#client, this.#names, level, from, to)) {
      await this.#refresh(level, range);
      if (!anew) await this.#advance(level, range.to);
    }
    await this.#advance(level, target);
  }

  async #advance(level: LevelName, to: string): Promise<void> {
    await this.#query(
      'UPDATE :"internal".aggregates SET watermark = $2 WHERE level = $1 AND watermark < $2::timestamptz',
      [level, to],
    );
  }

  /** Some batches' late points, through all levels. Their rows go last: ended before, the next run does it all again. */
  async #late(targets: readonly LevelTarget[]): Promise<number> {
    const { rows } = await this.#query<{ ctid: string }>(
      `SELECT ctid::text FROM :"internal".dirty_buckets ORDER BY written_at LIMIT ${SLICE}`,
    );
    if (rows.length === 0) return 0;
    const ctids = rows.map(({ ctid }) => ctid);
    for (const level of LEVELS) {
      const target = targets.find((candidate) => candidate.level === level);
      const to = target?.end ?? (await this.#kept(level));
      if (to === null) continue;
      for (const range of await dirtyRanges(this.#client, this.#names, level, to, ctids)) {
        await this.#refresh(level, range);
      }
    }
    await this.#query('DELETE FROM :"internal".dirty_buckets WHERE ctid = ANY ($1::text[]::tid[])', [ctids]);
    return ctids.length;
  }

  /** Until where a level that was switched off keeps rows; null where it never kept any. */
  async #kept(level: LevelName): Promise<string | null> {
    const { rows } = await this.#query<{ until: string | null }>(
      `SELECT nullif(_timescaledb_functions.to_timestamp(_timescaledb_functions.cagg_watermark(mat_hypertable_id)), '-infinity')::text AS until
       FROM _timescaledb_catalog.continuous_agg WHERE user_view_schema = :'internal' AND user_view_name = $1`,
      [`aggregate_${level}`],
    );
    return rows[0]?.until ?? null;
  }

  /** What the policy does too, at its own times: whoever comes first. */
  async #window({ level, target, end }: LevelTarget): Promise<void> {
    for (const range of await presentRanges(this.#client, this.#names, level, target, end)) {
      await this.#refresh(level, range);
    }
    await this.#query('UPDATE :"internal".aggregates SET refreshed_at = now() WHERE level = $1', [level]);
  }

  async #refresh(level: LevelName, { from, to }: TimeRange): Promise<void> {
    this.#context.signal.throwIfAborted();
    this.#batched ??= await this.#takesOptions();
    const force = this.#options.anew === true ? ', force => true' : '';
    const options = this.#batched ? `, options => '{"buckets_per_batch": ${BUCKETS[level]}}'` : '';
    const sql = `CALL refresh_continuous_aggregate(format('%I.%I', :'internal', $1::text)::regclass, $2::timestamptz, $3::timestamptz${force}${options})`;
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#query(sql, [`aggregate_${level}`, from, to]);
        break;
      } catch (error) {
        if (sqlstateOf(error) !== LOCK_NOT_AVAILABLE || attempt === ATTEMPTS) throw error;
        await delay(PAUSE, undefined, { signal: this.#context.signal });
      }
    }
    this.#refreshes++;
  }

  async #takesOptions(): Promise<boolean> {
    const { rows } = await this.#query<{ found: boolean }>(
      `SELECT 'options' = ANY (proargnames) AS found FROM pg_proc p JOIN pg_extension e ON e.extnamespace = p.pronamespace
       WHERE e.extname = 'timescaledb' AND p.proname = 'refresh_continuous_aggregate'`,
    );
    return rows.some(({ found }) => found);
  }

  async #query<Row extends object>(sql: string, parameters: readonly unknown[] = []) {
    return await this.#client.query<Row>(withNames(sql, this.#names), [...parameters]);
  }
}
