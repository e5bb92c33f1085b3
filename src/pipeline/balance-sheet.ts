import type { SpoolDropped, SpooledBatch } from './spool-types.ts';
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

/** What earlier lives left in the spool, as it was counted at its receipt. */
export interface SpooledBefore {
  readonly messages: number;
  readonly points: number;
}

/**
 * The account of every message and point (guarantee G2). What is received, in flight and spooled is counted by itself,
 * apart from the outcomes, so that the sheet does not balance where a path counts too little or twice.
 */
export class BalanceSheet {
  readonly #since: string;
  readonly #settled: BatchTotals;
  #received: number;
  #decoded: number;
  #messagesInFlight = 0;
  #pointsInFlight = 0;
  #messagesSpooled: number;
  #pointsSpooled: number;
  /** Counts apart that this life took to the spool: part of what is spooled until they come out of it. */
  readonly #owed = { ignored: 0, dropped: 0 };
  /** Dropped from the spool by this life, and counted then: the record that tells of it is still to come. */
  readonly #told = { messages: 0, points: 0 };

  /** `before`: the totals that earlier lives of this daemon committed, since `since` (ISO 8601). */
  constructor(since: string, before: BatchTotals, spooled: SpooledBefore = { messages: 0, points: 0 }) {
    this.#since = since;
    this.#settled = structuredClone(before);
    this.#messagesSpooled = spooled.messages;
    this.#pointsSpooled = spooled.points;
    this.#received = sum(before.messages) + spooled.messages;
    this.#decoded = before.points.decoded + spooled.points;
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
    this.#messagesInFlight -= messagesOf(batch);
    this.#pointsInFlight -= pointsOf(batch);
    addTotals(this.#settled, totals);
  }

  /** The batch went from flight to the spool, which may have dropped older ones for it. */
  spooled(batch: Batch, dropped: SpoolDropped): void {
    const points = pointsOf(batch);
    this.#messagesInFlight -= messagesOf(batch);
    this.#pointsInFlight -= points;
    this.#messagesSpooled += messagesOf(batch) - dropped.messages;
    this.#pointsSpooled += points - dropped.points;
    this.#owed.ignored += batch.apart.ignored;
    this.#owed.dropped += batch.apart.dropped;
    this.#tell(dropped);
  }

  /** Messages in the spool were found damaged. */
  lost({ messages, points }: SpoolDropped): void {
    this.#messagesSpooled -= messages;
    this.#pointsSpooled -= points;
    this.#tell({ messages, points });
  }

  /** Records of the spool were decoded again: routes that changed meanwhile may find another number of points. */
  rebuilt(records: readonly SpooledBatch[], batch: Batch): void {
    const more = records.reduce((points, { decoded }) => points - decoded, pointsOf(batch));
    this.#pointsSpooled += more;
    this.#decoded += more;
  }

  /**
   * A batch out of the spool is written. Its counts apart are of an earlier life, unless this one owes them; what it told
   * already when it dropped it is not counted again.
   */
  drained(batch: Batch, totals: BatchTotals): void {
    const { ignored, dropped, droppedPoints } = batch.apart;
    const told = taken(this.#told, 'messages', dropped);
    const toldPoints = taken(this.#told, 'points', droppedPoints);
    const owed = taken(this.#owed, 'ignored', ignored) + taken(this.#owed, 'dropped', dropped - told);
    this.#messagesSpooled -= batch.deliveries.length + owed;
    this.#pointsSpooled -= pointsOf(batch);
    this.#received += ignored + dropped - told - owed;
    this.#decoded += droppedPoints - toldPoints;
    addTotals(this.#settled, totals);
    this.#settled.messages.dropped -= told;
    this.#settled.points.dropped -= toldPoints;
    this.#settled.points.decoded -= toldPoints;
  }

  /** A batch out of the spool was committed by an earlier life: it is among the totals that this one began with. */
  drainedBefore(batch: Batch): void {
    const points = pointsOf(batch);
    this.#messagesSpooled -= batch.deliveries.length;
    this.#received -= batch.deliveries.length;
    this.#pointsSpooled -= points;
    this.#decoded -= points;
  }

  /** Counted as dropped, by a record of the spool that the database has not taken yet. */
  get untold(): SpoolDropped {
    return { ...this.#told };
  }

  snapshot(): IngestStats {
    const { messages, points } = this.#settled;
    const { decoded: _decoded, ...outcomes } = points;
    const [messagesHeld, pointsHeld] = [
      { in_flight: this.#messagesInFlight, spooled: this.#messagesSpooled },
      { in_flight: this.#pointsInFlight, spooled: this.#pointsSpooled },
    ];
    return {
      since: this.#since,
      balanced:
        [messagesHeld, pointsHeld].every(({ in_flight, spooled }) => in_flight >= 0 && spooled >= 0) &&
        this.#received === sum(messages) + sum(messagesHeld) &&
        this.#decoded === sum(outcomes) + sum(pointsHeld),
      messages: { received: this.#received, ...messages, ...messagesHeld },
      points: { ...points, decoded: this.#decoded, ...pointsHeld },
    };
  }

  #tell({ messages, points }: SpoolDropped): void {
    this.#told.messages += messages;
    this.#told.points += points;
    this.#settled.messages.dropped += messages;
    this.#settled.points.dropped += points;
  }
}

/** Messages of a batch, with those that it only counts. */
function messagesOf({ deliveries, apart }: Batch): number {
  return deliveries.length + apart.ignored + apart.dropped;
}

/** Points that were found in its messages. */
function pointsOf({ messages }: Batch): number {
  return messages.decoded.reduce((total, decoded) => total + decoded, 0);
}

/** Takes as much of `wanted` as there is; returns how much that was. */
function taken<Name extends string>(from: Record<Name, number>, name: Name, wanted: number): number {
  const some = Math.min(from[name], wanted);
  from[name] -= some;
  return some;
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
