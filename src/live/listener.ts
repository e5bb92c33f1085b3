import type { LateArrival, LivePoint } from './types.ts';
import type { Wanted } from './wanted.ts';

/** What came since the last time. */
export interface LiveNews {
  /** Points that there was no room for, all of them older than the others. */
  readonly lost: number;
  /** As ISO 8601: late points that were stored since then may be missing. Null: none are. */
  readonly unseen: string | null;
  readonly late: readonly LateArrival[];
  readonly points: readonly LivePoint[];
}

/** One that listens, with room for so many points; when it is full the oldest go. */
export class LiveListener {
  readonly wanted: Wanted;
  readonly #room: number;
  readonly #onClose: (listener: LiveListener) => void;
  #points: LivePoint[] = [];
  #lost = 0;
  #unseen: string | null = null;
  #late: LateArrival[] = [];
  #closed = false;
  #wake: (() => void) | null = null;

  constructor(wanted: Wanted, room: number, onClose: (listener: LiveListener) => void) {
    this.wanted = wanted;
    this.#room = room;
    this.#onClose = onClose;
  }

  push(point: LivePoint): void {
    this.#points.push(point);
    // Not at each point: moving the others up would cost as much as there is room.
    if (this.#points.length >= 2 * this.#room) this.#trim();
    this.#wake?.();
  }

  pushLate(late: LateArrival): void {
    if (this.#late.length < this.#room) this.#late.push(late);
    else this.#lost += late.count;
    this.#wake?.();
  }

  missed(since: string): void {
    this.#unseen ??= since;
    this.#wake?.();
  }

  lose(count: number): void {
    this.#lost += count;
    this.#wake?.();
  }

  /** Resolves once there is news, or after so many milliseconds to none; to null once it is closed. */
  async take(patience: number): Promise<LiveNews | null> {
    if (!this.#hasNews && !this.#closed) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, patience);
      this.#wake = resolve;
      await promise;
      this.#wake = null;
      clearTimeout(timer);
    }
    if (this.#closed) return null;
    this.#trim();
    const news = { lost: this.#lost, unseen: this.#unseen, late: this.#late, points: this.#points };
    this.#points = [];
    this.#late = [];
    this.#unseen = null;
    this.#lost = 0;
    return news;
  }

  get #hasNews(): boolean {
    return this.#points.length + this.#late.length + this.#lost > 0 || this.#unseen !== null;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#points = [];
    this.#late = [];
    this.#onClose(this);
    this.#wake?.();
  }

  #trim(): void {
    const excess = this.#points.length - this.#room;
    if (excess <= 0) return;
    this.#points.splice(0, excess);
    this.#lost += excess;
  }
}
