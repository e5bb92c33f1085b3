import type { Batch, BatchTotals, IngestStats } from './types.ts';

/** All zero. */
export function emptyTotals(): BatchTotals {
  return {
    messages: { settled: 0, ignored: 0, dead_lettered: 0, dropped: 0 },
    points: { decoded: 0, stored: 0, duplicate: 0, conflict: 0, dead_lettered: 0, dropped: 0 },
  };
}

/** Adds `more` to `totals`, in place. */
export function addTotals(totals: BatchTotals, more: BatchTotals): void {
  for (const key of Object.keys(more.messages) as (keyof BatchTotals['messages'])[]) {
    totals.messages[key] += more.messages[key];
  }
  for (const key of Object.keys(more.points) as (keyof BatchTotals['points'])[]) {
    totals.points[key] += more.points[key];
  }
}

/**
 * The account of every message and point (guarantee G2). What is received and what is in flight are counted by
 * themselves, apart from the outcomes, so that the sheet does not balance where a path counts too little or twice.
 */
export class BalanceSheet {
  readonly #since: string;
  readonly #settled: BatchTotals;
  #received: number;
  #decoded: number;
  #messagesInFlight = 0;
  #pointsInFlight = 0;

  /** `before`: the totals that earlier lives of this daemon committed, since `since` (ISO 8601). */
  constructor(since: string, before: BatchTotals) {
    this.#since = since;
    this.#settled = structuredClone(before);
    this.#received = sum(before.messages);
    this.#decoded = before.points.decoded;
  }

  /** A message arrived. */
  received(): void {
    this.#received++;
    this.#messagesInFlight++;
  }

  /** The points that the open batch gained (decoded now, their fate to come). */
  decoded(points: number): void {
    this.#decoded += points;
    this.#pointsInFlight += points;
  }

  /** The batch is written. What leaves flight is counted in the batch, what became of it is told by the sink. */
  settled(batch: Batch, totals: BatchTotals): void {
    this.#messagesInFlight -= batch.deliveries.length + batch.apart.ignored + batch.apart.dropped;
    for (const decoded of batch.messages.decoded) this.#pointsInFlight -= decoded;
    addTotals(this.#settled, totals);
  }

  snapshot(): IngestStats {
    const { messages, points } = this.#settled;
    const { decoded: _decoded, ...outcomes } = points;
    return {
      since: this.#since,
      balanced:
        this.#messagesInFlight >= 0 &&
        this.#pointsInFlight >= 0 &&
        this.#received === sum(messages) + this.#messagesInFlight &&
        this.#decoded === sum(outcomes) + this.#pointsInFlight,
      messages: { received: this.#received, ...messages, in_flight: this.#messagesInFlight, spooled: 0 },
      points: { ...points, decoded: this.#decoded, in_flight: this.#pointsInFlight, spooled: 0 },
    };
  }
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
