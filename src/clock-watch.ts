import type { Logger } from './pipeline/types.ts';

/** Milliseconds between two looks. */
const INTERVAL = 1_000;
/** A clock that is kept right by slewing never goes so many milliseconds astray between two looks. */
const JUMP = 1_000;

/**
 * Says when somebody sets the clock of this machine, or it slept. Durations here are measured by a clock that nobody
 * sets; but a message without a time of its own gets its arrival, and that is what the machine takes for the time.
 */
export class ClockWatch {
  readonly #logger: Logger;
  #ahead = 0;
  #jumps = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Times that the clock was set since `start`. */
  get jumps(): number {
    return this.#jumps;
  }

  start(): void {
    this.#ahead = Date.now() - performance.now();
    this.#timer = setInterval(() => this.#look(), INTERVAL).unref();
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
  }

  #look(): void {
    const ahead = Date.now() - performance.now();
    const by = ahead - this.#ahead;
    this.#ahead = ahead;
    if (Math.abs(by) < JUMP) return;
    this.#jumps++;
    const seconds = Math.round(Math.abs(by) / 1000);
    this.#logger.warn(
      { seconds: Math.round(by / 1000) },
      `The clock of this machine was set ${by > 0 ? 'forward' : 'back'} by ${seconds} s (or it slept). Messages without a time of their own are stored at their arrival by this clock, others are held against it (ingest.max_future): see that it is right (NTP)`,
    );
  }
}
