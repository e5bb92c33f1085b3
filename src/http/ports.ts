import type { IngestStats } from '../pipeline/types.ts';
import type { JobRunAnswer, JobsAnswer } from '../scheduler/answer.ts';

export interface Check {
  readonly ok: boolean;
  /** For anybody who reaches the port: no secrets. */
  readonly detail: string;
}

export interface Readiness {
  readonly ready: boolean;
  /** By name: broker, database, queue, scheduler. */
  readonly checks: Readonly<Record<string, Check>>;
}

/** What the endpoints show; whoever composes the daemon hands it in. */
export interface HttpPorts {
  ready(): Readiness;
  metricsText(): Promise<{ readonly body: string; readonly contentType: string }>;
  ingestStats(): Promise<IngestStats>;
  /** With at most so many runs of each job. */
  jobs(history: number): Promise<JobsAnswer>;
  /** Runs a job to its end. */
  runJob(name: string): Promise<JobRunAnswer | 'unknown' | 'running'>;
}
