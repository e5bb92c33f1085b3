import type { Readiness } from './http/ports.ts';
import type { Logger, PipelineState } from './pipeline/types.ts';
import type { Notifier, NotifyState } from './systemd/notifier.ts';
import type { Standstill } from './systemd/progress.ts';
import { type Flow, statusLine } from './systemd/status-line.ts';

export interface SupervisionParts {
  readonly notifier: Pick<Notifier, 'send' | 'busy'>;
  /** Milliseconds within which a sign of life is wanted; null: none is. */
  readonly watchdogMs: number | null;
  readonly logger: Logger;
  readonly ready: () => Readiness;
  /** Null where this process receives no messages, or none yet. */
  readonly pipeline: () => PipelineState | null;
  /** What gets on no more, if anything. */
  readonly hung: () => Standstill | null;
  /** CLOCK_MONOTONIC in microseconds, which systemd compares with its own. */
  readonly monotonic: () => bigint;
}

const HUNG: Readonly<Record<Standstill['what'], string>> = {
  'a batch in hand': 'A batch in hand is neither stored, nor tried again, nor spooled',
  'the drain of the spool': 'The drain of the spool hears neither of its disk nor of the database',
  'a worker': 'A worker (ingest.workers) tells no more how it does',
};

/** Milliseconds between two statuses, at most. */
const TICK = 5_000;

/**
 * Tells systemd what becomes of the daemon: when it is ready, how it does, and, as long as messages in hand get on, that
 * it lives. A timer of the event loop does so: where that stands still, systemd hears nothing, and starts it anew.
 */
export class Supervision {
  readonly #parts: SupervisionParts;
  #timer: NodeJS.Timeout | null = null;
  #before: { readonly flow: Flow; readonly at: number } | null = null;
  #note: string | null = null;
  #hung = false;
  #stopping = false;

  constructor(parts: SupervisionParts) {
    this.#parts = parts;
  }

  start(): void {
    const { notifier, watchdogMs } = this.#parts;
    const every = Math.min(TICK, (watchdogMs ?? Number.POSITIVE_INFINITY) / 3);
    this.#timer = setInterval(() => {
      // One that is still on its way says the same.
      if (!notifier.busy) void this.#send(this.#state());
    }, every);
  }

  /** Messages are received and HTTP answers. */
  async ready(): Promise<void> {
    await this.#send({ READY: '1', ...this.#state() });
  }

  async reloading(): Promise<void> {
    await this.#send({ RELOADING: '1', MONOTONIC_USEC: String(this.#parts.monotonic()) });
  }

  /** `failure`: why the old configuration stays; null where the new one holds. */
  async reloaded(failure: string | null): Promise<void> {
    this.#note = failure === null ? null : `the configuration was not reloaded: ${failure}`;
    await this.#send({ READY: '1', ...this.#state() });
  }

  /** `patience`: milliseconds that stopping may take. */
  async stopping(patience: number): Promise<void> {
    this.#stopping = true;
    await this.#send({
      STOPPING: '1',
      STATUS: 'Stopping: writing what is in hand',
      EXTEND_TIMEOUT_USEC: String(Math.ceil(patience * 1000)),
    });
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  #send(state: NotifyState): Promise<void> {
    return this.#parts.notifier.send(state);
  }

  #state(): NotifyState {
    const { watchdogMs } = this.#parts;
    const hung = this.#standstill();
    return {
      ...(this.#stopping ? {} : { STATUS: this.#status(hung) }),
      ...(watchdogMs !== null && hung === null && { WATCHDOG: '1' }),
    };
  }

  #standstill(): Standstill | null {
    const hung = this.#parts.hung();
    if (hung !== null && !this.#hung) {
      const text = `${HUNG[hung.what]}: the watchdog is told no more`;
      this.#parts.logger.error({ seconds: Math.round(hung.seconds) }, text);
    }
    this.#hung = hung !== null;
    return hung;
  }

  #status(hung: Standstill | null): string {
    const { ready, pipeline } = this.#parts;
    const troubles = Object.entries(ready().checks)
      .filter(([, { ok }]) => !ok)
      .map(([name, { detail }]) => `${name} ${detail}`);
    if (hung !== null) troubles.unshift(`${hung.what} hangs for ${Math.round(hung.seconds)} s`);
    const now = performance.now();
    const flow = flowOf(pipeline());
    const before = this.#before && {
      flow: this.#before.flow,
      seconds: (now - this.#before.at) / 1000,
    };
    this.#before = flow && { flow, at: now };
    return statusLine({ troubles, flow, before, note: this.#note });
  }
}

function flowOf(state: PipelineState | null): Flow | null {
  if (state === null) return null;
  const { messages, points } = state.stats;
  return {
    messages: messages.received,
    points: points.stored,
    inHand: state.queue.points,
    spooled: messages.spooled,
  };
}
