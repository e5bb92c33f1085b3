/** The scheduler's ports, in memory: time passes only when a test says so. */

import { setImmediate as turn } from 'node:timers/promises';
import { JobRunner } from '../../../src/scheduler/runner.ts';
import { Scheduler } from '../../../src/scheduler/scheduler.ts';
import type {
  Clock,
  Job,
  JobContext,
  JobReport,
  JobRun,
  JobState,
  JobStore,
  Lead,
  Leadership,
  RunResult,
  SchedulerObserver,
  StartedRun,
} from '../../../src/scheduler/types.ts';

export class TestClock implements Clock {
  #now = 0;
  readonly #sleepers = new Set<{ readonly at: number; readonly wake: () => void }>();

  now(): number {
    return this.#now;
  }

  sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const sleeper = {
        at: this.#now + milliseconds,
        wake: () => {
          this.#sleepers.delete(sleeper);
          resolve();
        },
      };
      this.#sleepers.add(sleeper);
      return signal.addEventListener('abort', sleeper.wake, { once: true });
    });
  }

  /** Lets so much time pass, and all that follows happen. */
  async pass(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds;
    await turn();
    for (;;) {
      const next = Math.min(...[...this.#sleepers].map(({ at }) => at));
      if (next > end) break;
      this.#now = next;
      for (const sleeper of this.#sleepers) if (sleeper.at <= next) sleeper.wake();
      await turn();
    }
    this.#now = end;
    await turn();
  }

  get sleepers(): number {
    return this.#sleepers.size;
  }
}

/** One database for all schedulers of a test. */
export class TestStore implements JobStore {
  readonly jobs = new Map<string, { every: number; nextRun: number; failures: number }>();
  readonly history: JobRun[] = [];
  readonly locked = new Set<string>();
  epoch = 0;
  held: symbol | null = null;
  /** Thrown by the next calls while it is set. */
  fault: Error | null = null;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async register(jobs: readonly Pick<Job, 'name' | 'every'>[]): Promise<void> {
    this.#check();
    for (const { name, every } of jobs) {
      const known = this.jobs.get(name) ?? { nextRun: Number.NEGATIVE_INFINITY, failures: 0 };
      this.jobs.set(name, { ...known, every });
    }
  }

  async waits(): Promise<ReadonlyMap<string, number>> {
    this.#check();
    return new Map([...this.jobs].map(([name, { nextRun }]) => [name, nextRun - this.#clock.now()]));
  }

  async begin(job: string, epoch: number | null): Promise<StartedRun | null> {
    this.#check();
    if (this.locked.has(job)) return null;
    if (epoch !== null && epoch !== this.epoch) throw new Error('another process leads');
    this.locked.add(job);
    return {
      id: String(this.history.length),
      job,
      epoch: this.epoch,
      startedAt: this.#clock.now(),
      failures: this.jobs.get(job)?.failures ?? 0,
      lost: new AbortController().signal,
    };
  }

  async finish(run: StartedRun, result: RunResult): Promise<JobRun> {
    this.locked.delete(run.job);
    this.#check();
    const { outcome, rows, detail, error, failures, wait } = result;
    const now = this.#clock.now();
    const every = this.jobs.get(run.job)?.every ?? 0;
    this.jobs.set(run.job, { every, failures, nextRun: now + wait });
    const { job, startedAt } = run;
    const record = { job, startedAt, finishedAt: now, outcome, rows, detail, error };
    this.history.push(record);
    return record;
  }

  async list(): Promise<JobState[]> {
    this.#check();
    return [];
  }

  async leader() {
    return { epoch: this.epoch, name: null, since: null };
  }

  /** `job@start` of every run, `!` where it failed. */
  runs(): string[] {
    return this.history.map(
      ({ job, startedAt, outcome }) => `${job}@${startedAt}${outcome === 'failed' ? '!' : ''}`,
    );
  }

  #check(): void {
    if (this.fault !== null) throw this.fault;
  }
}

export class TestLeadership implements Leadership {
  readonly #store: TestStore;
  readonly #me = Symbol('process');
  #lost = new AbortController();

  constructor(store: TestStore) {
    this.#store = store;
  }

  async tryAcquire(): Promise<Lead | null> {
    if (this.#store.fault !== null) throw this.#store.fault;
    if (this.#store.held !== null) return null;
    this.#store.held = this.#me;
    this.#store.epoch++;
    this.#lost = new AbortController();
    return { epoch: this.#store.epoch, lost: this.#lost.signal };
  }

  async release(): Promise<void> {
    if (this.#store.held === this.#me) this.#store.held = null;
  }

  /** As when the session is cut: the server frees the lock first. */
  lose(): void {
    if (this.#store.held === this.#me) this.#store.held = null;
    this.#lost.abort(new Error('the lead was lost'));
  }
}

export interface TestScheduler {
  readonly scheduler: Scheduler;
  readonly runner: JobRunner;
  readonly leadership: TestLeadership;
  /** What the observer was told. */
  readonly told: string[];
}

export function testScheduler(
  clock: Clock,
  store: TestStore,
  jobs: readonly Job[],
  timeout = 3_600_000,
): TestScheduler {
  const told: string[] = [];
  const observer: SchedulerObserver = {
    led: (epoch) => told.push(`led ${epoch}`),
    followed: () => told.push('followed'),
    troubled: (error) => told.push(`troubled: ${(error as Error).message}`),
    ran: ({ job, outcome, error }, failures) =>
      told.push(`${job} ${outcome} ${failures}${error === null ? '' : `: ${error}`}`),
  };
  const leadership = new TestLeadership(store);
  const runner = new JobRunner({ store, clock, observer, timeout });
  const scheduler = new Scheduler({ jobs, leadership, store, runner, clock, observer });
  return { scheduler, runner, leadership, told };
}

export function job(
  name: string,
  every: number,
  run: (context: JobContext) => Promise<JobReport> | JobReport = () => ({ rows: 1, detail: 'done' }),
): Job {
  return { name, every, run: async (context) => run(context) };
}
