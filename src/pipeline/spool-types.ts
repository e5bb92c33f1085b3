/** The port to batches on disk. Times are whole microseconds since 1970 in a double. */

import type { ApartCounts, Delivery } from './types.ts';

/** A message in the spool: enough to decode it again, and to know it again. */
export type SpooledMessage = Omit<Delivery, 'ack'>;

/** A sealed batch as it lies in the spool: its messages as they came, decoded anew when they are written. */
export interface SpooledBatch {
  /** The batch's id: whether a COMMIT took place is looked up by it, in this life of the daemon or the next. */
  readonly id: string;
  /** The epoch of the session when it was sealed; null without a ledger. */
  readonly epoch: number | null;
  readonly messages: readonly SpooledMessage[];
  /** Points that were found in the messages at their receipt. */
  readonly decoded: number;
  readonly apart: ApartCounts;
  /** Of the dropped among `apart`: found damaged in this life, and so counted as spooled until now. */
  readonly lost?: SpoolDropped;
}

/** What the spool holds. */
export interface SpoolState {
  readonly batches: number;
  readonly messages: number;
  /** As they were counted at their receipt. */
  readonly points: number;
  /** On disk. */
  readonly bytes: number;
  readonly maxBytes: number;
  /** The receipt of the oldest message, microseconds since 1970; null where there is none. */
  readonly oldestAt: number | null;
}

interface SpoolDamage {
  readonly records: number;
  readonly bytes: number;
}

/** What the spool gave up: under `spool.on_full: drop_oldest` to make room for an append, or as damaged. */
export interface SpoolDropped {
  readonly messages: number;
  readonly points: number;
}

/** How much may be taken from the spool at once; a record that alone is more is taken by itself. */
export interface SpoolRoom {
  readonly points: number;
  readonly bytes: number;
}

/** Batches on disk, first in, first out. */
export interface Spool {
  readonly state: SpoolState;
  /** What could not be read since it was opened, and is kept beside. */
  readonly damaged: SpoolDamage;
  /**
   * Resolves once the batch is durable. Rejects with a SpoolError: `full` (on_full is block, or the batch alone is too
   * large) or `failed` (the disk); the spool is then as it was before.
   */
  append(batch: SpooledBatch): Promise<SpoolDropped>;
  /**
   * The oldest batch and as many behind it as there is room for, the same until they are consumed; none where it is empty.
   * One without messages comes alone. Without `room` it is the oldest only.
   */
  next(room?: SpoolRoom): Promise<readonly SpooledBatch[]>;
  /** Takes away what `next` gave, all of it at once; durable when it resolves. */
  consume(): Promise<void>;
  close(): Promise<void>;
}

export interface SpoolStatus extends SpoolState {
  /** Why it did not take the last batch; null where it did. */
  readonly fault: string | null;
  readonly damaged: SpoolDamage;
}
