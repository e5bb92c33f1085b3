import type { Client } from 'pg';
import { fenced } from '../../postgres/fence.ts';
import { type SchemaNames, withNames } from '../../postgres/names.ts';
import { sqlstateOf } from '../../postgres/sqlstate.ts';
import type { JobContext, JobReport } from '../../scheduler/types.ts';
import type { LevelName, LevelPolicy } from '../engine.ts';
import { type LevelState, LEVEL_STATES } from './aggregate-state.ts';
import { Courtesy } from './courtesy.ts';
import { refreshDirty } from './dirty-refresh.ts';
import { advanceWatermark } from './watermark.ts';

const JOB = 'aggregates';
const QUERY_CANCELED = '57014';
/** Seconds of data that the first transaction of a catch-up takes, and at most. */
const FIRST_SPAN = 3_600;
const LONGEST_SPAN = 86_400;
/** Milliseconds: a transaction that took less is followed by one of twice the span, one that took more by a half. */
const QUICK = 1_000;
const SLOW = 4_000;
/** The part of the budget in which it gives way to others. */
const COURTEOUS = 0.25;
/** Rows that one statement deletes of a level that was switched off. */
const EMPTIED = 100_000;

export interface RefreshOptions {
  readonly levels: Readonly<Record<LevelName, LevelPolicy>>;
  /** Milliseconds after which no more is begun of what can wait: late buckets, and a watermark that is far behind. */
  readonly budget: number;
  /** All levels, whatever their schedule says. */
  readonly force?: boolean;
  /** Microseconds since 1970; default: the server's clock. */
  readonly now?: number;
}

/**
 * One run: brings the levels that are due up to date, the finest first. Recent dirty buckets are computed again completely,
 * then watermarks advance, then older dirty buckets follow, as far as the budget goes; the rest is for the next run.
 * Ended at any moment, it leaves every level as some step left it. Rejects where a writer holds the map's lock for long.
 */
export async function refreshAggregates(
  client: Client,
  names: SchemaNames,
  options: RefreshOptions,
  context: JobContext,
): Promise<JobReport> {
  return await new Refresh(client, names, options, context).run();
}

interface Due {
  readonly level: LevelName;
  readonly enabled: boolean;
  readonly due: boolean;
  readonly watermark: string;
  readonly target: string;
  /** Seconds from the watermark to the target; may be infinite. */
  readonly behind: number;
  readonly recent_from: string;
}

class Refresh {
  readonly #client: Client;
  readonly #names: SchemaNames;
  readonly #options: RefreshOptions;
  readonly #context: JobContext;
  readonly #deadline: number;
  readonly #courtesy: Courtesy;
  readonly #computed = new Map<LevelName, number>();
  readonly #behind = new Set<LevelName>();

  constructor(client: Client, names: SchemaNames, options: RefreshOptions, context: JobContext) {
    this.#client = client;
    this.#names = names;
    this.#options = options;
    this.#context = context;
    const now = performance.now();
    this.#deadline = now + options.budget;
    this.#courtesy = new Courtesy(client, context, now + options.budget * COURTEOUS);
  }

  async run(): Promise<JobReport> {
    const now = await this.#now();
    await this.#switch();
    const levels = await this.#levels(now);
    const due = levels.filter((level) => level.enabled && level.due);
    await this.#announce(due.map(({ target }) => target));
    for (const level of levels) {
      if (!level.enabled) {
        await this.#dirty(level, false);
        if (!(await this.#emptied(level))) this.#behind.add(level.level);
      } else if (level.due) {
        await this.#dirty(level, false);
        if (!(await this.#advance(level))) this.#behind.add(level.level);
      }
    }
    for (const level of levels.filter((level) => level.due || !level.enabled)) {
      // What levels below handed on meanwhile.
      await this.#dirty(level, false);
      if (!(await this.#dirty(level, true))) this.#behind.add(level.level);
    }
    const complete = due.map(({ level }) => level).filter((level) => !this.#behind.has(level));
    await this.#fenced(() =>
      this.#query('UPDATE :"internal".aggregates SET refreshed_at = $2 WHERE level = ANY ($1)', [
        complete,
        now,
      ]),
    );
    return this.#report(due);
  }

  async #now(): Promise<string> {
    const { now } = this.#options;
    const { rows } = await this.#query<{ now: string }>(
      now === undefined
        ? 'SELECT clock_timestamp()::text AS now'
        : `SELECT (timestamptz '1970-01-01 00:00:00+00' + $1 * interval '1 microsecond')::text AS now`,
      now === undefined ? [] : [now],
    );
    return (rows[0] as { now: string }).now;
  }

  /** Enables and disables levels. A level that is switched off keeps nothing; switched on, it begins anew. */
  async #switch(): Promise<void> {
    const { levels } = this.#options;
    const names = Object.keys(levels) as LevelName[];
    await this.#fenced(() =>
      this.#query(
        `UPDATE :"internal".aggregates a SET enabled = w.enabled,
           watermark = CASE WHEN w.enabled THEN a.watermark ELSE '-infinity' END,
           refreshed_at = '-infinity'
         FROM unnest($1::text[], $2::boolean[]) AS w (level, enabled)
         WHERE a.level = w.level AND a.enabled <> w.enabled`,
        [names, names.map((name) => levels[name].enabled)],
      ),
    );
  }

  /**
   * Every level with what this run makes of it. A level is due once in each interval of its schedule: the hourly one with the
   * first run of an hour.
   */
  async #levels(now: string): Promise<Due[]> {
    const { levels, force } = this.#options;
    const names = Object.keys(levels) as LevelName[];
    const seconds = (pick: (policy: LevelPolicy) => number) => names.map((name) => pick(levels[name]) / 1000);
    const { rows } = await this.#query<Due>(
      `SELECT *, date_part('epoch', target::timestamptz) - date_part('epoch', watermark::timestamptz) AS behind FROM (
       SELECT a.level, a.position, a.enabled, a.watermark::text AS watermark,
         $6 OR floor(date_part('epoch', $1::timestamptz) / w.every) <> floor(date_part('epoch', a.refreshed_at) / w.every) AS due,
         date_bin(a.width, $1::timestamptz - make_interval(secs => w.ended), timestamptz '2000-01-03 00:00:00+00')::text AS target,
         ($1::timestamptz - make_interval(secs => w.started))::text AS recent_from
       FROM :"internal".aggregates a
       JOIN unnest($2::text[], $3::float8[], $4::float8[], $5::float8[]) AS w (level, every, ended, started) USING (level)
       ) due ORDER BY position`,
      [
        now,
        names,
        seconds(({ scheduleInterval }) => scheduleInterval),
        seconds(({ endOffset }) => endOffset),
        seconds(({ startOffset }) => startOffset),
        force ?? false,
      ],
    );
    return rows;
  }

  /**
   * From here on writers record what they write before the targets as dirty. Those that did not know have committed: they
   * hold the map's lock shared until then. So what is read after this is all there is, or is in the queue.
   */
  async #announce(targets: readonly string[]): Promise<void> {
    if (targets.length === 0) return;
    const { rows } = await this.#query<{ known: boolean }>(
      'SELECT dirty_before >= ALL ($1::timestamptz[]) AS known FROM :"internal".chunk_map',
      [targets],
    );
    if (rows[0]?.known === true) return;
    await this.#fenced(async () => {
      await this.#query('SELECT pg_advisory_xact_lock(:"internal".chunk_map_lock())');
      await this.#query(
        `UPDATE :"internal".chunk_map
         SET dirty_before = greatest(dirty_before, (SELECT max(target) FROM unnest($1::timestamptz[]) AS target))`,
        [targets],
      );
    });
  }

  /**
   * What is in the queue by now: writers may add to it faster than it is worked off. Resolves to whether all of that was
   * done; what is recent is not left before it is.
   */
  async #dirty({ level, recent_from: recentFrom }: Due, late: boolean): Promise<boolean> {
    const { rows } = await this.#query<{ until: string }>('SELECT clock_timestamp()::text AS until');
    const options = { late, recentFrom, until: (rows[0] as { until: string }).until };
    for (;;) {
      const step = await this.#fenced(() => refreshDirty(this.#client, this.#names, level, options));
      this.#count(level, step.computed);
      if (step.taken === 0) return true;
      if (late && this.#exhausted()) return false;
      await this.#courtesy.rest();
    }
  }

  /** Resolves to whether the level arrived where its policy wants it to be. */
  async #advance({ level, target, watermark, behind }: Due): Promise<boolean> {
    if (watermark === '-infinity' && !(await this.#emptied({ level }))) return false;
    const { rows } = await this.#query<LevelState>(LEVEL_STATES, [level]);
    const { width, source } = rows[0] as LevelState;
    const longest = Math.max(LONGEST_SPAN, 16 * width);
    let span = Math.max(width, FIRST_SPAN);
    let skip = behind > span;
    for (;;) {
      const started = performance.now();
      try {
        const options = { target, span, skip };
        const step = await this.#fenced(() =>
          advanceWatermark(this.#client, this.#names, level, options, this.#courtesy),
        );
        this.#count(level, step.computed);
        if (step.arrived) return source === 'raw' || !this.#behind.has(source);
        skip = step.computed === 0;
      } catch (error) {
        if (sqlstateOf(error) !== QUERY_CANCELED || span <= width) throw error;
        span = Math.max(width, Math.floor(span / 4 / width) * width);
        continue;
      }
      if (this.#exhausted()) return false;
      const took = performance.now() - started;
      if (took < QUICK) span = Math.min(longest, span * 2);
      else if (took > SLOW) span = Math.max(width, Math.floor(span / 2 / width) * width);
    }
  }

  /** Deletes what a level kept when it was switched off. Resolves to whether nothing is left. */
  async #emptied({ level }: Pick<Due, 'level'>): Promise<boolean> {
    for (const table of [`aggregate_${level}`, `frames_${level}`]) {
      for (;;) {
        const deleted = await this.#fenced(() =>
          this.#query(
            `DELETE FROM :"internal"."${table}" WHERE ctid = ANY (ARRAY(SELECT ctid FROM :"internal"."${table}" LIMIT ${EMPTIED}))
             AND (SELECT watermark FROM :"internal".aggregates WHERE level = $1) = '-infinity'`,
            [level],
          ),
        );
        if (deleted.rowCount === 0) break;
        if (this.#exhausted()) return false;
      }
    }
    await this.#query('DELETE FROM :"internal".chunks WHERE source = $1', [level]);
    return true;
  }

  #exhausted(): boolean {
    return performance.now() > this.#deadline;
  }

  #count(level: LevelName, computed: number): void {
    this.#computed.set(level, (this.#computed.get(level) ?? 0) + computed);
  }

  #report(due: readonly Due[]): JobReport {
    const rows = [...this.#computed.values()].reduce((sum, count) => sum + count, 0);
    const parts = due.map(
      ({ level }) =>
        `${level}: ${this.#computed.get(level) ?? 0} buckets${this.#behind.has(level) ? ', more to do' : ''}`,
    );
    return { rows, detail: parts.join('; ') || 'nothing was due' };
  }

  async #fenced<T>(work: () => Promise<T>): Promise<T> {
    this.#context.signal.throwIfAborted();
    return await fenced(this.#client, this.#names, JOB, this.#context.epoch, work);
  }

  async #query<Row extends object>(sql: string, parameters: readonly unknown[] = []) {
    return await this.#client.query<Row>(withNames(sql, this.#names), [...parameters]);
  }
}
