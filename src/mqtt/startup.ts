import type { TidegateError } from '../errors.ts';

/** The time until the first subscription, which may be limited. */
export class Startup {
  #waiting: PromiseWithResolvers<void> | null = null;
  #timer: NodeJS.Timeout | undefined;

  get pending(): boolean {
    return this.#waiting !== null;
  }

  /** Resolves or rejects with `settle`. `onLate` is called after `limitMs`; 0: never. */
  begin(limitMs: number, onLate: () => void): Promise<void> {
    this.#waiting = Promise.withResolvers();
    if (limitMs > 0) this.#timer = setTimeout(onLate, limitMs);
    return this.#waiting.promise;
  }

  /** Once; nothing after it. */
  settle(error?: TidegateError): void {
    clearTimeout(this.#timer);
    const waiting = this.#waiting;
    this.#waiting = null;
    if (error === undefined) waiting?.resolve();
    else waiting?.reject(error);
  }
}
