import type { Clock, Job, JobRun, JobStore, RunResult, SchedulerObserver, StartedRun } from './types.ts';
import { nextAfterFailure, nextAfterSuccess } from './wait.ts';

export interface JobRunnerParts {
  readonly store: JobStore;
  readonly clock: Clock;
  readonly observer: Pick<SchedulerObserver, 'ran'>;
  /** Milliseconds that a run may take; null: as long as it wants. */
  readonly timeout: number | null;
}

/** Runs a job once, for the scheduler or by hand: alone among all processes, within its time, recorded. */
export class JobRunner {
  readonly #parts: JobRunnerParts;
  /** The jobs that run in this process. */
  readonly #running = new Set<string>();

  constructor(parts: JobRunnerParts) {
    this.#parts = parts;
  }

  /**
   * Resolves to the recorded run, also of one that failed, or to null where the job runs already. Rejects where the run
   * cannot be recorded. `epoch` null: the present leader's.
   */
  async run(job: Job, epoch: number | null, signal: AbortSignal): Promise<JobRun | null> {
    if (this.#running.has(job.name)) return null;
    this.#running.add(job.name);
    try {
      const { store, observer } = this.#parts;
      const started = await store.begin(job.name, epoch);
      if (started === null) return null;
      const result = await this.#attempt(job, started, epoch === null, signal);
      const run = await store.finish(started, result);
      observer.ran(run, result.failures);
      return run;
    } finally {
      this.#running.delete(job.name);
    }
  }

  async #attempt(job: Job, started: StartedRun, byHand: boolean, stopped: AbortSignal): Promise<RunResult> {
    const { clock } = this.#parts;
    const begun = clock.now();
    const over = new AbortController();
    const late = new AbortController();
    void this.#watch(over.signal, late);
    const signal = AbortSignal.any([stopped, started.lost, late.signal]);
    try {
      // Who listens for it later would wait in vain.
      signal.throwIfAborted();
      const { rows, detail } = await job.run({ signal, epoch: started.epoch, byHand });
      const wait = nextAfterSuccess(job.every, clock.now() - begun);
      return { outcome: 'succeeded', rows, detail, error: null, failures: 0, wait };
    } catch (error) {
      const failed = { outcome: 'failed', rows: null, detail: null } as const;
      if (stopped.aborted || started.lost.aborted) {
        // Not the job's fault: whoever leads next does it at once.
        const text = `interrupted: ${messageOf(signal.reason)}`;
        return { ...failed, error: text, failures: started.failures, wait: 0 };
      }
      const failures = started.failures + 1;
      const text = messageOf(late.signal.aborted ? late.signal.reason : error);
      return { ...failed, error: text, failures, wait: nextAfterFailure(job.every, failures) };
    } finally {
      over.abort();
    }
  }

  /** Aborts `late` once the time of a run is up, unless it is over. */
  async #watch(over: AbortSignal, late: AbortController): Promise<void> {
    const { clock, timeout } = this.#parts;
    if (timeout === null) return;
    await clock.sleep(timeout, over);
    if (!over.aborted) late.abort(new Error(`it took longer than ${timeout / 1000} s`));
  }
}

function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text === '' ? 'no reason given' : text;
}
