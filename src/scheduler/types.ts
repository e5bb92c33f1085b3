/** The ports between the scheduler, which knows jobs and time, and whoever does the work. */

export interface JobReport {
  /** Rows (points, buckets, chunks) that the run was about. */
  readonly rows: number;
  /** One line for people. */
  readonly detail: string;
}

export interface JobContext {
  /** Aborted when the scheduler stops, loses its lead or the run takes too long: finish the transaction and return. */
  readonly signal: AbortSignal;
  /** The leader's number: every transaction of the job compares it (fencing). */
  readonly epoch: number;
  /** Somebody asked for it now: the job does all that it can, whatever its own schedules and budgets say. */
  readonly byHand?: boolean;
}

/** Work that one process at a time does now and then. Must be safe to end at any moment and to begin again. */
export interface Job {
  readonly name: string;
  /** Milliseconds between the starts of two runs. */
  readonly every: number;
  run(context: JobContext): Promise<JobReport>;
}

/** A run as it is recorded; times in milliseconds since 1970 by the clock of the database. */
export interface JobRun {
  readonly job: string;
  readonly startedAt: number;
  /** Null while it is under way, as is the outcome. */
  readonly finishedAt: number | null;
  /** lost: its process vanished. */
  readonly outcome: 'succeeded' | 'failed' | 'lost' | null;
  readonly rows: number | null;
  readonly detail: string | null;
  readonly error: string | null;
}

export interface JobState {
  readonly name: string;
  /** Milliseconds. */
  readonly every: number;
  /** Milliseconds since 1970; minus infinity: as soon as there is a leader. */
  readonly nextRun: number;
  /** Failed runs since the last that succeeded. */
  readonly failures: number;
  /** When a run last succeeded; null: never, as far as the history goes. */
  readonly lastSuccess: number | null;
  /** The latest first. */
  readonly runs: readonly JobRun[];
}

/** Who led last, under which number. */
export interface Leader {
  readonly epoch: number;
  /** Null where nobody leads: it stopped in good order. */
  readonly name: string | null;
  /** Milliseconds since 1970. */
  readonly since: number | null;
}

/** A run under way: the right to do the job now, in this process alone. */
export interface StartedRun {
  readonly id: string;
  readonly job: string;
  readonly epoch: number;
  readonly startedAt: number;
  /** Failed runs before it, in a row. */
  readonly failures: number;
  /** Aborted where the right is gone: another process may begin the job. */
  readonly lost: AbortSignal;
}

export interface RunResult {
  readonly outcome: 'succeeded' | 'failed';
  readonly rows: number | null;
  readonly detail: string | null;
  readonly error: string | null;
  /** Failed runs in a row, this one included. */
  readonly failures: number;
  /** Milliseconds from now to the next run. */
  readonly wait: number;
}

/** What is known of the jobs, across processes. All methods reject where the database is away. */
export interface JobStore {
  /** Makes jobs known; a shorter interval brings the next run forward. */
  register(jobs: readonly Pick<Job, 'name' | 'every'>[]): Promise<void>;
  /** Milliseconds to the next run of each job, 0 or less: it is due. */
  waits(): Promise<ReadonlyMap<string, number>>;
  /**
   * Null: another process runs the job. `epoch` null: the present leader's. Rejects where another one leads. A run whose
   * process vanished is recorded as lost.
   */
  begin(job: string, epoch: number | null): Promise<StartedRun | null>;
  finish(run: StartedRun, result: RunResult): Promise<JobRun>;
  /** The jobs of these names, each with its latest runs. */
  list(names: readonly string[], runs: number): Promise<JobState[]>;
  leader(): Promise<Leader>;
}

export interface Lead {
  readonly epoch: number;
  /** Aborted when another process may lead. */
  readonly lost: AbortSignal;
}

/** One leader among any number of processes. */
export interface Leadership {
  /** Null: another process leads. Rejects where the database is away. */
  tryAcquire(): Promise<Lead | null>;
  /** Gives the lead up, if it is held, and everything that it takes; never rejects. */
  release(): Promise<void>;
}

export interface Clock {
  /** Milliseconds, monotonic. */
  now(): number;
  /** Resolves after so many milliseconds, or when the signal is aborted. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>;
}

/** Told what happens; must not throw. */
export interface SchedulerObserver {
  /** This process leads from now on; what is known of its jobs. */
  led(epoch: number, jobs: readonly JobState[]): void;
  /** It leads no longer. */
  followed(): void;
  /** The scheduler itself failed, and goes on. */
  troubled(error: unknown): void;
  /** A run came to an end; `failures` in a row, this one included. */
  ran(run: JobRun, failures: number): void;
}
