import type { Job, JobRun, JobState, JobStore, Leader, RunResult, StartedRun } from '../scheduler/types.ts';
import type { DatabaseUrl } from './connection.ts';
import { LeaderReplaced } from './fence.ts';
import { type JobRunRow, jobRun, milliseconds, RUN_COLUMNS } from './job-rows.ts';
import { type SchemaNames, schemaNames, withNames } from './names.ts';
import { WatchedConnection } from './watched-connection.ts';

export interface JobStoreOptions {
  readonly url: DatabaseUrl;
  readonly schema: string;
}

/** With the session whose lock it holds. */
interface HeldRun extends StartedRun {
  readonly connection: WatchedConnection;
}

/** The session lock of a job; two keys, so that it meets neither leader_lock nor chunk_map_lock. */
const JOB_LOCK = `(SELECT (oid::bigint - 2147483648)::int FROM pg_namespace WHERE nspname = :'internal'), hashtext($1)`;

/**
 * Jobs and their runs in the tables `jobs` and `job_runs`. Who runs a job holds its advisory lock in this object's
 * session: the server frees it when the process vanishes, and a run without an outcome is then known to be lost.
 */
export class PostgresJobStore implements JobStore {
  readonly #options: JobStoreOptions;
  readonly #names: SchemaNames;
  #opening: Promise<WatchedConnection> | null = null;

  constructor(options: JobStoreOptions) {
    this.#options = options;
    this.#names = schemaNames(options.schema);
  }

  /** Where nothing changes it locks no row, which a run under way may hold. */
  async register(jobs: readonly Pick<Job, 'name' | 'every'>[]): Promise<void> {
    if (jobs.length === 0) return;
    await this.#query(
      `INSERT INTO :"internal".jobs AS j (name, schedule_interval)
       SELECT name, t.schedule_interval
       FROM unnest($1::text[], $2::double precision[]) AS w (name, every)
       CROSS JOIN LATERAL make_interval(secs => w.every / 1000) AS t (schedule_interval)
       LEFT JOIN :"internal".jobs k USING (name)
       WHERE k.schedule_interval IS DISTINCT FROM t.schedule_interval
       ON CONFLICT (name) DO UPDATE SET schedule_interval = excluded.schedule_interval,
         next_run = least(j.next_run, clock_timestamp() + excluded.schedule_interval)
       WHERE j.schedule_interval <> excluded.schedule_interval`,
      [jobs.map(({ name }) => name), jobs.map(({ every }) => every)],
    );
  }

  async waits(): Promise<ReadonlyMap<string, number>> {
    const rows = await this.#query<{ name: string; wait: string }>(
      `SELECT name, extract(epoch FROM next_run) * 1000 - extract(epoch FROM clock_timestamp()) * 1000 AS wait
       FROM :"internal".jobs`,
    );
    return new Map(rows.map(({ name, wait }) => [name, Number(wait)]));
  }

  async begin(job: string, epoch: number | null): Promise<StartedRun | null> {
    const connection = await this.#connection();
    const query = <Row extends object>(text: string, values: readonly unknown[]) =>
      connection.query<Row>(withNames(text, this.#names), values);
    const [lock] = await query<{ locked: boolean }>(`SELECT pg_try_advisory_lock(${JOB_LOCK}) AS locked`, [
      job,
    ]);
    if (lock?.locked !== true) return null;
    try {
      // By whoever works on it, though its session was lost: the run would wait for it in vain.
      const [state] = await query<{ held: boolean }>(
        `SELECT EXISTS (SELECT FROM :"internal".jobs WHERE name = $1)
           AND NOT EXISTS (SELECT FROM :"internal".jobs WHERE name = $1 FOR UPDATE SKIP LOCKED) AS held`,
        [job],
      );
      if (state?.held === true) {
        await this.#unlock(connection, job);
        return null;
      }
      const [row] = await query<{ run_id: string; epoch: string; started: string; failures: number | null }>(
        `WITH vanished AS (
           UPDATE :"internal".job_runs SET outcome = 'lost', finished_at = clock_timestamp(), error = 'its process vanished'
           WHERE job = $1 AND outcome IS NULL
         )
         INSERT INTO :"internal".job_runs (job, epoch)
         SELECT $1, epoch FROM :"internal".scheduler WHERE $2::bigint IS NULL OR epoch = $2
         RETURNING run_id, epoch, ${milliseconds('started_at')} AS started,
           (SELECT failures FROM :"internal".jobs WHERE name = $1) AS failures`,
        [job, epoch],
      );
      if (row === undefined)
        throw new LeaderReplaced(`another process leads since ${job} was due (epoch ${epoch})`);
      const run: HeldRun = {
        id: row.run_id,
        job,
        epoch: Number(row.epoch),
        startedAt: Number(row.started),
        failures: row.failures ?? 0,
        lost: connection.lost,
        connection,
      };
      return run;
    } catch (error) {
      await this.#unlock(connection, job);
      throw error;
    }
  }

  async finish(run: StartedRun, result: RunResult): Promise<JobRun> {
    const { connection } = run as HeldRun;
    try {
      const [row] = await this.#query<JobRunRow>(
        `WITH next AS (
           UPDATE :"internal".jobs SET failures = $6, next_run = clock_timestamp() + make_interval(secs => $7)
           WHERE name = $8
         )
         UPDATE :"internal".job_runs
         SET finished_at = clock_timestamp(), outcome = $2, rows = $3, detail = $4, error = $5
         WHERE run_id = $1 RETURNING ${RUN_COLUMNS}`,
        [
          run.id,
          result.outcome,
          result.rows,
          result.detail,
          result.error,
          result.failures,
          result.wait / 1000,
          run.job,
        ],
      );
      // Retention may have been faster.
      return row === undefined ? { ...result, ...run, finishedAt: run.startedAt } : jobRun(row);
    } finally {
      await this.#unlock(connection, run.job);
    }
  }

  async list(names: readonly string[], runs: number): Promise<JobState[]> {
    const jobs = await this.#query<{
      name: string;
      every: string;
      next: string;
      failures: number;
      success: string | null;
    }>(
      `SELECT name, ${milliseconds('schedule_interval')} AS every, ${milliseconds('next_run')} AS next, failures,
         (SELECT ${milliseconds('finished_at')} FROM :"internal".job_runs
          WHERE job = name AND outcome = 'succeeded' ORDER BY started_at DESC LIMIT 1) AS success
       FROM unnest($1::text[]) WITH ORDINALITY AS t (name, place) JOIN :"internal".jobs USING (name) ORDER BY place`,
      [names],
    );
    const history = await this.#query<JobRunRow>(
      `SELECT ${RUN_COLUMNS} FROM unnest($1::text[]) AS t (name) CROSS JOIN LATERAL (
         SELECT * FROM :"internal".job_runs WHERE job_runs.job = t.name ORDER BY started_at DESC, run_id DESC LIMIT $2
       ) AS latest`,
      [names, runs],
    );
    return jobs.map(({ name, every, next, failures, success }) => ({
      name,
      every: Number(every),
      nextRun: Number(next),
      failures,
      lastSuccess: success === null ? null : Number(success),
      runs: history.filter(({ job }) => job === name).map(jobRun),
    }));
  }

  async leader(): Promise<Leader> {
    const [row] = await this.#query<{ epoch: string; leader: string | null; since: string | null }>(
      `SELECT epoch, leader, ${milliseconds('since')} AS since FROM :"internal".scheduler`,
    );
    const since = row?.since ?? null;
    return {
      epoch: Number(row?.epoch ?? 0),
      name: row?.leader ?? null,
      since: since === null ? null : Number(since),
    };
  }

  /** Never rejects. A run under way loses its right. */
  async close(): Promise<void> {
    const opening = this.#opening;
    this.#opening = null;
    await opening?.then((connection) => connection.close()).catch(() => {});
  }

  async #query<Row extends object>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    const connection = await this.#connection();
    return await connection.query<Row>(withNames(text, this.#names), values);
  }

  async #unlock(connection: WatchedConnection, job: string): Promise<void> {
    if (connection.lost.aborted) return;
    const text = withNames(`SELECT pg_advisory_unlock(${JOB_LOCK})`, this.#names);
    // Where it fails the session is over, and the lock with it.
    await connection.query(text, [job]).catch(() => connection.close());
  }

  /** The present session, or a new one where that broke. */
  async #connection(): Promise<WatchedConnection> {
    for (;;) {
      const opening = (this.#opening ??= WatchedConnection.open({
        url: this.#options.url,
        applicationName: 'tidegate jobs',
      }));
      const forget = () => {
        if (this.#opening === opening) this.#opening = null;
      };
      opening.catch(forget);
      const connection = await opening;
      if (!connection.lost.aborted) return connection;
      forget();
    }
  }
}
