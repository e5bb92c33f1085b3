import type { JobRun } from '../scheduler/types.ts';

/** A row of `job_runs` as RUN_COLUMNS select it. */
export interface JobRunRow {
  readonly job: string;
  readonly started: string;
  readonly finished: string | null;
  readonly outcome: JobRun['outcome'];
  readonly rows: string | null;
  readonly detail: string | null;
  readonly error: string | null;
}

/** SQL for the milliseconds of an interval, or since 1970. */
export function milliseconds(expression: string): string {
  return `round(extract(epoch FROM ${expression}) * 1000, 3)`;
}

export const RUN_COLUMNS = `job, ${milliseconds('started_at')} AS started, ${milliseconds('finished_at')} AS finished,
  outcome, rows, detail, error`;

export function jobRun(row: JobRunRow): JobRun {
  const number = (text: string | null) => (text === null ? null : Number(text));
  return {
    job: row.job,
    startedAt: Number(row.started),
    finishedAt: number(row.finished),
    outcome: row.outcome,
    rows: number(row.rows),
    detail: row.detail,
    error: row.error,
  };
}
