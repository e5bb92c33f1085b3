import { setTimeout as delay } from 'node:timers/promises';
import { LiveListener } from './listener.ts';
import type { LateArrival, LivePoint, LiveQuestion } from './types.ts';
import { wantedBy } from './wanted.ts';

/** What was stored since it was asked the last time; nothing the first time. Rejects where the database is away. */
export type NewPoints = (signal: AbortSignal) => Promise<{
  /** Those that were left out. */
  readonly lost: number;
  /** As ISO 8601: late points that were stored since then may be missing. */
  readonly unseen: string | null;
  readonly late: readonly LateArrival[];
  readonly points: readonly LivePoint[];
}>;

export interface LiveFollowerOptions {
  /** Listeners at once. */
  readonly listeners: number;
  /** Points that a listener has room for. */
  readonly room: number;
  /** Milliseconds between two questions. */
  readonly every: number;
  readonly follow: (question: LiveQuestion) => NewPoints;
}

/** A question that took long is not asked again before it is this many times as long ago. */
const COURTESY = 5;

const NOTHING: Awaited<ReturnType<NewPoints>> = { lost: 0, unseen: null, late: [], points: [] };

/** The feed of a process that stores nothing itself: for each who listens it asks the database again and again. */
export class LiveFollower {
  readonly #options: LiveFollowerOptions;
  readonly #listeners = new Map<LiveListener, AbortController>();

  constructor(options: LiveFollowerOptions) {
    this.#options = options;
  }

  /** Null where as many listen as may. */
  listen(question: LiveQuestion): LiveListener | null {
    if (this.#listeners.size >= this.#options.listeners) return null;
    const ended = new AbortController();
    const listener = new LiveListener(wantedBy(question), this.#options.room, (closed) => {
      this.#listeners.delete(closed);
      ended.abort();
    });
    this.#listeners.set(listener, ended);
    void this.#follow(listener, this.#options.follow(question), ended.signal);
    return listener;
  }

  /** Nobody listens any more. */
  close(): void {
    for (const listener of this.#listeners.keys()) listener.close();
  }

  async #follow(listener: LiveListener, next: NewPoints, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const begun = performance.now();
      // Where the database is away the next question has what this one would have had.
      const { lost, unseen, late, points } = await next(signal).catch(() => NOTHING);
      if (lost > 0) listener.lose(lost);
      if (unseen !== null) listener.missed(unseen);
      for (const arrival of late) listener.pushLate(arrival);
      for (const point of points) listener.push(point);
      const pause = Math.max(this.#options.every, COURTESY * (performance.now() - begun));
      await delay(pause, undefined, { signal }).catch(() => {});
    }
  }
}
