import { engineOptions, jobStoreOptions, leaderOptions } from './app-options.ts';
import type { Config } from './config/load.ts';
import { createEngine } from './engines/open.ts';
import type { EngineName } from './postgres/engine-choice.ts';
import { PostgresJobStore } from './postgres/job-store.ts';
import { PostgresLeadership } from './postgres/leader.ts';
import { type JobRunAnswer, type JobsAnswer, jobRunAnswer, jobsAnswer } from './scheduler/answer.ts';
import { SYSTEM_CLOCK } from './scheduler/clock.ts';
import { JobRunner } from './scheduler/runner.ts';
import { Scheduler, type SchedulerRole } from './scheduler/scheduler.ts';
import type { Job, SchedulerObserver } from './scheduler/types.ts';
import { secretsOf, type Secrets } from './secrets.ts';

export interface SchedulingParts {
  readonly config: Config;
  readonly jobs: readonly Job[];
  readonly observer: SchedulerObserver;
  readonly secrets?: Secrets;
}

/** The jobs that apply the policies of a configuration on an engine. */
export function jobsOf(config: Config, engine: EngineName): readonly Job[] {
  return createEngine(engineOptions(config), engine).jobs;
}

/** Milliseconds that a run may take: what is left is done by the next one. */
const RUN_TIMEOUT = 3_600_000;

/** The component `scheduler`, and the jobs by hand of a process that has it or not. */
export class Scheduling {
  #jobs: readonly Job[];
  readonly #store: PostgresJobStore;
  readonly #runner: JobRunner;
  readonly #scheduler: Scheduler;
  readonly #halted = new AbortController();
  /** Runs by hand under way. */
  readonly #byHand = new Set<Promise<unknown>>();

  constructor({ config, jobs, observer, secrets = secretsOf(config) }: SchedulingParts) {
    const clock = SYSTEM_CLOCK;
    this.#jobs = jobs;
    this.#store = new PostgresJobStore(jobStoreOptions(config, secrets));
    this.#runner = new JobRunner({ store: this.#store, clock, observer, timeout: RUN_TIMEOUT });
    this.#scheduler = new Scheduler({
      jobs,
      leadership: new PostgresLeadership(leaderOptions(config, secrets)),
      store: this.#store,
      runner: this.#runner,
      clock,
      observer,
    });
  }

  get role(): SchedulerRole {
    return this.#scheduler.role;
  }

  /** Applies other policies from the next run on. */
  replace(jobs: readonly Job[]): void {
    this.#jobs = jobs;
    this.#scheduler.replace(jobs);
  }

  /** Leads, or waits to. The database must be migrated. */
  start(): void {
    this.#scheduler.start();
  }

  /** `history`: how many runs of each job. Rejects with a TidegateError where the database is away. */
  async list(history: number): Promise<JobsAnswer> {
    const names = this.#jobs.map(({ name }) => name);
    const [leader, states] = await Promise.all([
      this.#store.leader(),
      this.#store.list(names, Math.max(1, history)),
    ]);
    return jobsAnswer(leader, states, history);
  }

  /** Runs a job now, in this process, under the present leader's number. */
  async run(name: string): Promise<JobRunAnswer | 'unknown' | 'running'> {
    const job = this.#jobs.find((job) => job.name === name);
    if (job === undefined) return 'unknown';
    await this.#store.register([job]);
    const running = this.#runner.run(job, null, this.#halted.signal);
    this.#byHand.add(running);
    try {
      const run = await running;
      return run === null ? 'running' : jobRunAnswer(run);
    } finally {
      this.#byHand.delete(running);
    }
  }

  /** Tells what runs to end, at once; `stop` waits for it. */
  halt(): void {
    this.#scheduler.halt();
    this.#halted.abort(new Error('the process stops'));
  }

  /** Ends what runs and gives the lead up, until `signal` aborts the waiting: the server frees it then. */
  async stop(signal: AbortSignal): Promise<void> {
    this.halt();
    const ended = Promise.allSettled([this.#scheduler.stop(), ...this.#byHand]);
    const aborted = new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    await Promise.race([ended, aborted]);
    await this.#store.close();
  }
}
