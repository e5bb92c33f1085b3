import type { Batch, PipelineObserver, Series, WriteReport } from '../pipeline/types.ts';
import { UNMOVED } from '../pipeline/unmoved.ts';
import { LiveListener } from './listener.ts';
import type { LivePoint, LiveQuestion } from './types.ts';
import { wantedBy } from './wanted.ts';

export interface LiveFeedOptions {
  /** Listeners at once. */
  readonly listeners: number;
  /** Points that a listener has room for. */
  readonly room: number;
  /** Which of the points are stored, and with which values. */
  readonly stored: (points: readonly LivePoint[]) => Promise<readonly LivePoint[]>;
}

/** A point, and to whom it goes. */
type Matched = readonly [point: LivePoint, to: readonly LiveListener[]];

/**
 * Hands points on, once they are committed, to those who listen. Where nobody does it costs one comparison a batch. What a
 * batch holds is new unless its report counts duplicates and the like: then it is held against what is stored.
 */
export class LiveFeed {
  readonly #options: LiveFeedOptions;
  readonly #listeners = new Set<LiveListener>();
  /** Who listens to a series; forgotten when a listener comes or goes. */
  #audience = new WeakMap<Series, readonly LiveListener[]>();
  /** Batches that are held against what is stored, in order, and their points. */
  #checking: Promise<void> | null = null;
  #unchecked = 0;

  constructor(options: LiveFeedOptions) {
    this.#options = options;
  }

  /** Null where as many listen as may. */
  listen(question: LiveQuestion): LiveListener | null {
    if (this.#listeners.size >= this.#options.listeners) return null;
    const listener = new LiveListener(wantedBy(question), this.#options.room, (closed) => {
      this.#listeners.delete(closed);
      this.#audience = new WeakMap();
    });
    this.#listeners.add(listener);
    this.#audience = new WeakMap();
    return listener;
  }

  /** Nobody listens any more. */
  close(): void {
    for (const listener of this.#listeners) listener.close();
  }

  get observer(): PipelineObserver {
    return {
      ...UNMOVED,
      committed: (batch, report) => this.#committed(batch, report),
    };
  }

  #committed(batch: Batch, report: WriteReport): void {
    if (this.#listeners.size === 0) return;
    const matched = this.#matched(batch);
    if (matched.length === 0) return;
    if (isAllNew(report) && this.#checking === null) deliver(matched);
    else this.#check(matched);
  }

  #matched(batch: Batch): Matched[] {
    const audiences = batch.series.map((series) => this.#audienceOf(series));
    if (audiences.every((audience) => audience.length === 0)) return [];
    const matched: Matched[] = [];
    for (const columns of [batch.points, batch.texts]) {
      for (let row = 0; row < columns.length; row++) {
        const index = columns.seriesIndex[row] as number;
        const to = audiences[index] as readonly LiveListener[];
        if (to.length === 0) continue;
        const { deviceId, metricName } = batch.series[index] as Series;
        const [timestamp, value] = [columns.timestamp[row] as number, columns.value[row] as number | string];
        matched.push([{ deviceId, metricName, value, timestamp }, to]);
      }
    }
    return matched;
  }

  #audienceOf(series: Series): readonly LiveListener[] {
    let audience = this.#audience.get(series);
    if (audience === undefined) {
      audience = [...this.#listeners].filter(({ wanted }) => wanted(series.deviceId, series.metricName));
      this.#audience.set(series, audience);
    }
    return audience;
  }

  /** After those that are being checked, so that they stay in order. */
  #check(matched: readonly Matched[]): void {
    const { room } = this.#options;
    if (this.#unchecked > room) {
      lose(matched);
      return;
    }
    this.#unchecked += matched.length;
    const checking = this.#checked(matched, this.#checking).finally(() => {
      this.#unchecked -= matched.length;
      if (this.#checking === checking) this.#checking = null;
    });
    this.#checking = checking;
  }

  async #checked(matched: readonly Matched[], before: Promise<void> | null): Promise<void> {
    await before;
    try {
      const found = await this.#options.stored(matched.map(([point]) => point));
      const values = new Map(found.map((point) => [keyOf(point), point]));
      for (const [point, to] of matched) {
        const its = values.get(keyOf(point));
        // The first of them stands for those that came twice.
        if (its !== undefined && values.delete(keyOf(point))) deliver([[its, to]]);
      }
    } catch {
      lose(matched);
    }
  }
}

function isAllNew({ totals: { points }, refused, unchanged, expired }: WriteReport): boolean {
  return points.duplicate + points.conflict + refused.length + unchanged + expired === 0;
}

function deliver(matched: readonly Matched[]): void {
  for (const [point, to] of matched) for (const listener of to) listener.push(point);
}

function lose(matched: readonly Matched[]): void {
  for (const [, to] of matched) for (const listener of to) listener.lose(1);
}

/** Numbers and texts are separate series. */
function keyOf({ deviceId, metricName, timestamp, value }: LivePoint): string {
  return JSON.stringify([deviceId, metricName, timestamp, typeof value]);
}
