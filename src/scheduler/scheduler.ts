import type { JobRunner } from './runner.ts';
import type { Clock, Job, JobStore, Lead, Leadership, SchedulerObserver } from './types.ts';

export interface SchedulerParts {
  readonly jobs: readonly Job[];
  readonly leadership: Leadership;
  readonly store: JobStore;
  readonly runner: JobRunner;
  readonly clock: Clock;
  readonly observer: SchedulerObserver;
}

export type SchedulerRole = 'leading' | 'following' | 'disconnected';

/** Milliseconds between two attempts to take the lead. */
const RETRY = 2_000;
/** Milliseconds between two looks at what is due, at most: jobs run by hand change it. */
const LOOK = 5_000;
/** Milliseconds that the end of the lead waits for runs to heed their signal. */
const GRACE = 5_000;

/**
 * Leads, or waits to: one process among any number runs the jobs that are due, each as often as it wants, different
 * ones at the same time.
 */
export class Scheduler {
  readonly #parts: SchedulerParts;
  readonly #stop = new AbortController();
  #loop: Promise<void> | null = null;
  #jobs: readonly Job[];
  /** Whether the store knows of them. */
  #registered = false;
  #role: SchedulerRole = 'disconnected';
  /** Ends the sleep between two looks. */
  #wake = new AbortController();

  constructor(parts: SchedulerParts) {
    this.#parts = parts;
    this.#jobs = parts.jobs;
  }

  get role(): SchedulerRole {
    return this.#role;
  }

  /** Runs these instead, of the same names: what runs already goes on as it began. */
  replace(jobs: readonly Job[]): void {
    this.#jobs = jobs;
    this.#registered = false;
    this.#wake.abort();
  }

  start(): void {
    this.#loop ??= this.#run();
  }

  /** Tells what runs to end, at once; `stop` waits for it. */
  halt(): void {
    this.#stop.abort(new Error('the scheduler stops'));
  }

  /** Resolves once nothing runs and the lead is given up, or when it took too long: the server frees it then. */
  async stop(): Promise<void> {
    this.halt();
    if (this.#loop === null) return;
    await this.#within(2 * GRACE, this.#loop);
  }

  async #run(): Promise<void> {
    const { leadership, clock, observer } = this.#parts;
    while (!this.#stop.signal.aborted) {
      try {
        const lead = await leadership.tryAcquire();
        this.#role = 'following';
        if (lead !== null) await this.#lead(lead);
      } catch (error) {
        this.#role = 'disconnected';
        observer.troubled(error);
        await leadership.release();
      }
      await clock.sleep(RETRY, this.#stop.signal);
    }
    await leadership.release();
  }

  /** Until it is stopped, the lead is lost or the store fails, which rejects. */
  async #lead(lead: Lead): Promise<void> {
    const { leadership, store, clock, observer } = this.#parts;
    const fault = new AbortController();
    const signal = AbortSignal.any([this.#stop.signal, lead.lost, fault.signal]);
    signal.addEventListener('abort', () => this.#wake.abort(), { once: true });
    const runs = new Map<string, Promise<void>>();
    try {
      await store.register(this.#jobs);
      this.#registered = true;
      const names = this.#jobs.map(({ name }) => name);
      observer.led(lead.epoch, await store.list(names, 0));
      this.#role = 'leading';
      while (!signal.aborted) {
        // Renewed before the look: what ends during it is not slept over.
        this.#wake = new AbortController();
        if (!this.#registered) {
          this.#registered = true;
          await store.register(this.#jobs);
        }
        const waits = await store.waits();
        const next = this.#begin(waits, runs, lead.epoch, signal, fault);
        if (!signal.aborted) await clock.sleep(next, this.#wake.signal);
      }
      fault.signal.throwIfAborted();
    } finally {
      fault.abort(new Error('the lead ended'));
      await this.#within(GRACE, Promise.all(runs.values()));
      observer.followed();
      this.#role = 'following';
      await leadership.release();
    }
  }

  /** Begins what is due; returns the milliseconds until something else can be. */
  #begin(
    waits: ReadonlyMap<string, number>,
    runs: Map<string, Promise<void>>,
    epoch: number,
    signal: AbortSignal,
    fault: AbortController,
  ): number {
    let next = LOOK;
    for (const job of this.#jobs.filter(({ name }) => !runs.has(name))) {
      const wait = waits.get(job.name) ?? 0;
      if (wait > 0) {
        next = Math.min(next, Math.ceil(wait));
        continue;
      }
      runs.set(job.name, this.#once(job, runs, epoch, signal, fault));
    }
    return next;
  }

  async #once(
    job: Job,
    runs: Map<string, Promise<void>>,
    epoch: number,
    signal: AbortSignal,
    fault: AbortController,
  ): Promise<void> {
    try {
      const record = await this.#parts.runner.run(job, epoch, signal);
      runs.delete(job.name);
      // One that runs elsewhere is tried again at the next look, not at once.
      if (record !== null) this.#wake.abort();
    } catch (error) {
      fault.abort(error);
    }
  }

  async #within(milliseconds: number, work: Promise<unknown>): Promise<void> {
    const ended = new AbortController();
    const all = work.finally(() => ended.abort());
    await Promise.race([all, this.#parts.clock.sleep(milliseconds, ended.signal)]);
  }
}
