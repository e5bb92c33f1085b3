/** The ports between the scheduler, which knows jobs and time, and whoever does the work. */

export interface JobReport {
  /** Rows (points, buckets, chunks) that the run was about. */
  readonly rows: number;
  /** One line for people. */
  readonly detail: string;
}

export interface JobContext {
  /** Aborted when the scheduler stops or loses its lead: finish the transaction and return. */
  readonly signal: AbortSignal;
  /** The leader's number: every transaction of the job compares it (fencing). */
  readonly epoch: number;
}

/** Work that one process at a time does now and then. Must be safe to end at any moment and to begin again. */
export interface Job {
  readonly name: string;
  /** Milliseconds between the starts of two runs. */
  readonly every: number;
  run(context: JobContext): Promise<JobReport>;
}
