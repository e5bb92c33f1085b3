import type { Client } from 'pg';
import type { Rows } from '../postgres/point-removal.ts';

/** Series whole, or their points of from <= time < to. */
export interface Target extends Rows {
  readonly whole: boolean;
}

/** Rows of aggregates. */
export interface BucketCounts {
  /** That go with their series. */
  readonly buckets: number;
  /** Of the target's time, whose points retention deleted: they cannot be computed again, so they stay. */
  readonly frozen: number;
}

/**
 * What an engine has besides the tables points, points_late, texts and texts_late, in the words of corrections. All of it
 * happens within the correction's transaction, alone under the map's lock.
 */
export interface PointPlaces {
  /** For the rest of the transaction. */
  prepare(client: Client): Promise<void>;
  countCompressed(client: Client, target: Target): Promise<number>;
  removeCompressed(client: Client, target: Target): Promise<number>;
  /** Takes out of one series the times that another one has, wherever that has them. Resolves to how many. */
  removeSharedCompressed(client: Client, series: number, other: number): Promise<number>;
  /** Hands a series' compressed points to another one, which has none of their times. */
  moveCompressed(client: Client, from: number, into: number): Promise<void>;
  /** SQL for (points, first_time, last_time) of what is compressed of the series `s`. */
  readonly compressedSummary: string | null;
  countBuckets(client: Client, target: Target): Promise<BucketCounts>;
  /** Of whole series. */
  removeBuckets(client: Client, series: readonly number[]): Promise<number>;
  /** What cannot be computed again becomes the other series'. */
  moveBuckets(client: Client, from: number, into: number): Promise<void>;
}
