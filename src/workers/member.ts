import type { ChildProcess } from 'node:child_process';
import { TidegateError } from '../errors.ts';
import type { Heard, Notice, Order, WorkerReport } from './messages.ts';

export interface MemberParts {
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly onHeard: (heard: readonly Heard[]) => void;
  /** It failed, or its process ended, whatever the reason; once. */
  readonly onEnded: (error: TidegateError) => void;
}

interface Question {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** The daemon's end of the channel to one worker. */
export class Member {
  readonly number: number;
  readonly #child: ChildProcess;
  readonly #parts: MemberParts;
  readonly #ready = Promise.withResolvers<void>();
  readonly #exited = Promise.withResolvers<void>();
  readonly #questions = new Map<number, Question>();
  #asked = 0;
  #report: WorkerReport | null = null;
  #reportedAt: number;
  #metrics: readonly object[] = [];
  #ended = false;

  constructor(number: number, child: ChildProcess, parts: MemberParts) {
    this.number = number;
    this.#child = child;
    this.#parts = parts;
    this.#reportedAt = parts.now();
    this.#ready.promise.catch(() => {});
    child.on('message', (message) => this.#hear(message as Notice));
    child.once('error', (error) => this.#left(`could not be started: ${error.message}`));
    child.once('exit', (code, signal) => this.#left(signal === null ? `exit code ${code}` : signal));
  }

  /** Resolves once it receives messages. Rejects with a TidegateError. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get report(): WorkerReport | null {
    return this.#report;
  }

  /** As it last told them. */
  get metrics(): readonly object[] {
    return this.#metrics;
  }

  /** Milliseconds since it last told how it does, or since it was started. */
  get silentFor(): number {
    return this.#parts.now() - this.#reportedAt;
  }

  order(order: Order): void {
    // One that is gone is told nothing: its end is told by itself.
    if (this.#child.connected) this.#child.send(order, () => {});
  }

  /** Rejects with why it could not, or did not within so many milliseconds. */
  async ask(what: Extract<Order, { kind: 'ask' }>['what'], patience: number): Promise<void> {
    const id = ++this.#asked;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#questions.set(id, { resolve, reject });
    const timer = setTimeout(() => reject(new Error(`no answer within ${patience / 1000} s`)), patience);
    if (this.#child.connected) this.order({ kind: 'ask', id, what });
    else reject(new Error('it is gone'));
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      this.#questions.delete(id);
    }
  }

  /**
   * Has it finish; where `signal` aborts, at once; where it does not leave within so many milliseconds after that, by
   * SIGKILL. Resolves, once its process is gone, to whether it wrote all that it held.
   */
  async stop(signal: AbortSignal, patience: number): Promise<boolean> {
    let killing: NodeJS.Timeout | null = null;
    const leave = (): void => {
      this.order({ kind: 'leave' });
      killing ??= setTimeout(() => this.#child.kill('SIGKILL'), patience);
    };
    this.order({ kind: 'stop' });
    if (signal.aborted) leave();
    else signal.addEventListener('abort', leave, { once: true });
    await this.#exited.promise;
    signal.removeEventListener('abort', leave);
    if (killing !== null) clearTimeout(killing);
    return this.#child.exitCode === 0;
  }

  #hear(notice: Notice): void {
    switch (notice.kind) {
      case 'ready':
        this.#ready.resolve();
        break;
      case 'failed':
        this.#end(new TidegateError(notice.code ?? 'worker_failed', `worker ${this.number}: ${notice.text}`));
        break;
      case 'report':
        this.#report = notice.report;
        this.#reportedAt = this.#parts.now();
        this.#parts.onHeard(notice.report.heard);
        break;
      case 'answer': {
        if (notice.metrics.length > 0) this.#metrics = notice.metrics;
        const question = this.#questions.get(notice.id);
        if (notice.failure === null) question?.resolve();
        else question?.reject(new Error(notice.failure));
        break;
      }
    }
  }

  #left(how: string): void {
    this.#end(new TidegateError('worker_failed', `worker ${this.number} ended: ${how}`));
    for (const { reject } of this.#questions.values()) reject(new Error('it is gone'));
    this.#exited.resolve();
  }

  #end(error: TidegateError): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#ready.reject(error);
    this.#parts.onEnded(error);
  }
}
