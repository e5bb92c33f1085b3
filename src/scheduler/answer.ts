/** What is known of the jobs, as JSON for programs: the API and the command line say the same. */

import type { JobRun, JobState, Leader } from './types.ts';

export interface JobRunAnswer {
  /** Times in ISO 8601. */
  readonly started_at: string;
  readonly finished_at: string | null;
  readonly outcome: JobRun['outcome'];
  readonly rows: number | null;
  readonly detail: string | null;
  readonly error: string | null;
}

interface JobAnswer {
  readonly name: string;
  readonly schedule_interval_ms: number;
  /** Null: as soon as there is a leader. */
  readonly next_run: string | null;
  readonly failures: number;
  readonly last_run: JobRunAnswer | null;
  readonly history: readonly JobRunAnswer[];
}

export interface JobsAnswer {
  readonly leader: { readonly epoch: number; readonly name: string | null; readonly since: string | null };
  readonly jobs: readonly JobAnswer[];
}

/** `history`: how many runs of each. */
export function jobsAnswer(leader: Leader, jobs: readonly JobState[], history: number): JobsAnswer {
  const { epoch, name, since } = leader;
  return {
    leader: { epoch, name, since: timeOf(since) },
    jobs: jobs.map((job) => {
      const runs = job.runs.map(jobRunAnswer);
      return {
        name: job.name,
        schedule_interval_ms: job.every,
        next_run: timeOf(job.nextRun),
        failures: job.failures,
        last_run: runs[0] ?? null,
        history: runs.slice(0, history),
      };
    }),
  };
}

export function jobRunAnswer(run: JobRun): JobRunAnswer {
  const { outcome, rows, detail, error } = run;
  return {
    started_at: new Date(run.startedAt).toISOString(),
    finished_at: timeOf(run.finishedAt),
    outcome,
    rows,
    detail,
    error,
  };
}

function timeOf(milliseconds: number | null): string | null {
  return milliseconds === null || !Number.isFinite(milliseconds)
    ? null
    : new Date(milliseconds).toISOString();
}
