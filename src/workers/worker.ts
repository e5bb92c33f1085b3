import { TidegateError } from '../errors.ts';
import type { Logger } from '../pipeline/types.ts';
import type { Channel, Notice, Order, WorkerReport } from './messages.ts';

/** Milliseconds between two reports. */
const REPORT = 1_000;

/** What a worker runs. */
interface Duty {
  start(): Promise<void>;
  /** Rejects when it cannot go on. */
  readonly failure: Promise<never>;
  stop(signal: AbortSignal): Promise<boolean>;
  reload(): Promise<void>;
  report(): WorkerReport;
  metrics(): Promise<readonly object[]>;
}

export interface WorkerParts {
  readonly channel: Channel;
  readonly duty: Duty;
  readonly logger: Logger;
  /** Asked from outside to finish, and to leave at once. */
  readonly stopped: AbortSignal;
  readonly killed: AbortSignal;
}

/** Resolves to the first order: which worker this is, and by which configuration it goes. */
export function firstOrder(channel: Channel): Promise<Extract<Order, { kind: 'start' }> | null> {
  return new Promise((resolve) => {
    channel.onMessage((message) => {
      if ((message as Order).kind === 'start') resolve(message as Extract<Order, { kind: 'start' }>);
    });
    channel.onClosed(() => resolve(null));
  });
}

/**
 * A worker's life at the other end of the channel. Resolves to whether it ended in good order. Where the daemon vanishes it
 * ends at once, as if both had been killed: another daemon may be starting, whose worker has the same session, and must
 * not meet a batch that this one still writes. What was not acknowledged comes again to that one.
 */
export class Worker {
  readonly #parts: WorkerParts;
  readonly #stopping = new AbortController();
  readonly #leaving = new AbortController();
  readonly #gone = Promise.withResolvers<'gone'>();

  constructor(parts: WorkerParts) {
    this.#parts = parts;
    const { channel } = parts;
    channel.onMessage((message) => this.#obey(message as Order));
    channel.onClosed(() => this.#gone.resolve('gone'));
  }

  async live(): Promise<boolean> {
    const { duty, logger, stopped } = this.#parts;
    const over = Promise.race([this.#gone.promise, aborted(stopped), aborted(this.#stopping.signal)]);
    let timer: NodeJS.Timeout | null = null;
    try {
      timer = setInterval(() => this.#report(), REPORT);
      const starting = duty.start();
      starting.catch(() => {});
      let end = await Promise.race([starting, over]);
      if (end === undefined) {
        this.#tell({ kind: 'ready' });
        this.#report();
        end = await Promise.race([duty.failure, over]);
      }
      if (end === 'gone') {
        logger.error({}, 'The daemon of this worker is gone: it leaves at once, and loses nothing by it');
        return false;
      }
      return await this.#stop();
    } catch (error) {
      const code = error instanceof TidegateError ? error.code : null;
      this.#tell({ kind: 'failed', code, text: (error as Error).message });
      await this.#stop();
      return false;
    } finally {
      if (timer !== null) clearInterval(timer);
    }
  }

  async #stop(): Promise<boolean> {
    const { duty, killed } = this.#parts;
    const stopped = duty.stop(AbortSignal.any([killed, this.#leaving.signal]));
    return (await Promise.race([stopped, this.#gone.promise])) === true;
  }

  #obey(order: Order): void {
    if (order.kind === 'stop') this.#stopping.abort();
    else if (order.kind === 'leave') this.#leaving.abort();
    else if (order.kind === 'ask') void this.#answer(order);
  }

  async #answer({ id, what }: Extract<Order, { kind: 'ask' }>): Promise<void> {
    const { duty } = this.#parts;
    try {
      if (what === 'report') this.#report();
      if (what === 'reload') await duty.reload();
      const metrics = what === 'metrics' ? await duty.metrics() : [];
      this.#tell({ kind: 'answer', id, failure: null, metrics });
    } catch (error) {
      this.#tell({ kind: 'answer', id, failure: (error as Error).message, metrics: [] });
    }
  }

  #report(): void {
    this.#tell({ kind: 'report', report: this.#parts.duty.report() });
  }

  #tell(notice: Notice): void {
    this.#parts.channel.send(notice);
  }
}

async function aborted(signal: AbortSignal): Promise<'stopped'> {
  if (!signal.aborted) {
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  }
  return 'stopped';
}
