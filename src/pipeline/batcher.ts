import type { BatchBuilder } from './batch-builder.ts';
import type { Batch, Delivery, SealTrigger } from './types.ts';

export interface BatcherOptions {
  readonly maxPoints: number;
  /** The same while all writers are busy, where each series has many of them. Default: no more. */
  readonly mostPoints?: number;
  readonly maxBytes: number;
  /** Milliseconds after the first message of a batch. */
  readonly maxWait: number;
  /** Milliseconds between two batches while a writer is idle. */
  readonly minWait: number;
  /**
   * Milliseconds between two batches for as long as messages come in a stream: a batch costs as much as some ten messages,
   * so that at thousands of messages a second the time would go into batches if writers took whatever is there. 0: no stream
   * is waited for.
   */
  readonly streamWait: number;
}

/** Milliseconds in which something must come, for a batch to gather longer than `minWait` asks. */
const QUIET = 25;

/** So many points of a series cost the database little more than one: the larger the batch, the better. */
const MANY = 100;

/** A stream brings at least so many messages in every millisecond. */
const STREAM = 2;
/**
 * Milliseconds between two batches of what comes steadily, and less often: at most 125 batches a second, each of which costs a commit, a
 * row of the journal and what reads it. `npm run bench -- api` and `-- compare --profile latency`.
 */
const STEADY = 8;
/**
 * A broker with a window of few messages sends none before these are acknowledged. Where waits for as few brought nothing,
 * one after the other, until so many should have come, so many batches are not waited for. As many messages a millisecond should
 * come as came since the last batch; of one that comes alone that is little, so one every two milliseconds at least.
 */
const SMALL_WINDOW = 64;
const MISSED = 4;
const UNWAITED = 16;
const LEAST_RATE = 0.5;

/**
 * Decides when the open batch is sealed: on points, on bytes, on time, or as soon as a writer is idle, which takes all
 * that came meanwhile: small batches and low latency on a calm day, large ones under load.
 */
export class Batcher {
  readonly #builder: BatchBuilder;
  readonly #options: BatcherOptions;
  readonly #writerIdle: () => boolean;
  readonly #onSeal: (batch: Batch, trigger: SealTrigger) => void;
  readonly #leastWait: () => number;
  #lastSeal = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | null = null;
  #minTimer: NodeJS.Timeout | null = null;
  #idleCheck: NodeJS.Immediate | null = null;
  /** Messages that should have come in the last waits, of which none came. */
  #missed = 0;
  /** Batches that are still not to be waited for. */
  #unwaited = 0;

  /** `leastWait`: milliseconds to gather while messages keep coming, where large batches are worth it; minWait holds too. */
  constructor(
    builder: BatchBuilder,
    options: BatcherOptions,
    writerIdle: () => boolean,
    onSeal: (batch: Batch, trigger: SealTrigger) => void,
    leastWait: () => number = () => 0,
  ) {
    this.#builder = builder;
    this.#options = options;
    this.#writerIdle = writerIdle;
    this.#onSeal = onSeal;
    this.#leastWait = leastWait;
  }

  /** Adds a delivery; returns how many points it carried. */
  add(delivery: Delivery): number {
    const decoded = this.#builder.add(delivery);
    if (this.#isFull) this.#seal('points');
    else if (this.#builder.bytes >= this.#options.maxBytes) this.#seal('bytes');
    else this.#schedule();
    return decoded;
  }

  get #isFull(): boolean {
    const { points, series } = this.#builder;
    const { maxPoints, mostPoints = maxPoints } = this.#options;
    if (points < maxPoints) return false;
    return points >= mostPoints || points < series * MANY || this.#writerIdle();
  }

  addApart(outcome: 'ignored' | 'dropped'): void {
    this.#builder.addApart(outcome);
    this.#schedule();
  }

  /** To be called when a writer has become idle. */
  onWriterIdle(): void {
    if (!this.#builder.empty) this.#schedule();
  }

  /** Seals what is there, at shutdown. */
  flush(): void {
    if (!this.#builder.empty) this.#seal('drain');
  }

  /** Ends the timers. */
  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (this.#minTimer !== null) clearTimeout(this.#minTimer);
    if (this.#idleCheck !== null) clearImmediate(this.#idleCheck);
    this.#timer = null;
    this.#minTimer = null;
    this.#idleCheck = null;
  }

  #schedule(): void {
    this.#timer ??= setTimeout(() => this.#seal('time'), this.#options.maxWait);
    // One check a turn of the event loop, so that all messages of one read from the socket share a batch.
    if (this.#idleCheck === null && this.#minTimer === null && this.#writerIdle()) {
      this.#idleCheck = setImmediate(() => {
        this.#idleCheck = null;
        this.#sealIfIdle();
      });
    }
  }

  #sealIfIdle(): void {
    if (this.#builder.empty || !this.#writerIdle()) return;
    const { minWait } = this.#options;
    const since = performance.now() - this.#lastSeal;
    const wait = Math.max(minWait, this.#leastWait()) - since;
    if (wait <= 0) {
      this.#sealAfterStream(since);
      return;
    }
    const { messages } = this.#builder;
    this.#minTimer ??= setTimeout(
      () => {
        this.#minTimer = null;
        // Nothing more came: a broker with a small window sends nothing before this is acknowledged.
        const isQuiet = messages === this.#builder.messages && this.#writerIdle();
        if (isQuiet && !this.#builder.empty) this.#seal('idle');
        else this.#sealIfIdle();
      },
      Math.min(wait, Math.max(minWait - since, QUIET)),
    );
  }

  /** At once, unless the batch before was sealed just now and messages keep coming. */
  #sealAfterStream(since: number): void {
    if (since >= this.#options.streamWait || this.#unwaited > 0) {
      this.#unwaited = Math.max(0, this.#unwaited - 1);
      this.#seal('idle');
      return;
    }
    const before = this.#builder.messages;
    const wait = Math.max(1, STEADY - since);
    this.#minTimer ??= setTimeout(() => {
      this.#minTimer = null;
      const came = this.#builder.messages - before;
      this.#learn(came, before, wait * Math.max(before / since, LEAST_RATE));
      if (came >= STREAM * wait) this.#sealIfIdle();
      else if (!this.#builder.empty && this.#writerIdle()) this.#seal('idle');
    }, wait);
  }

  #learn(came: number, before: number, expected: number): void {
    this.#missed = came === 0 && before <= SMALL_WINDOW ? this.#missed + expected : 0;
    if (this.#missed < MISSED) return;
    this.#missed = 0;
    this.#unwaited = UNWAITED;
  }

  #seal(trigger: SealTrigger): void {
    this.stop();
    this.#lastSeal = performance.now();
    this.#onSeal(this.#builder.seal(), trigger);
  }
}
