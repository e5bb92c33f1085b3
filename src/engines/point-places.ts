import type { Client } from 'pg';
import type { ChunkMap } from '../postgres/chunk-map.ts';

/** Series whole, or their points of from <= time < to. */
export interface Target {
  readonly series: readonly number[];
  /** As PostgreSQL reads timestamps. */
  readonly from: string;
  readonly to: string;
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
  /** Where a writer puts points. */
  chunks(): ChunkMap;
  countCompressed(client: Client, target: Target): Promise<number>;
  removeCompressed(client: Client, target: Target): Promise<number>;
  /** The cheap part of handing one series' points to another; the rest of them is stored anew. */
  moveCompressed(client: Client, from: number, into: number): Promise<void>;
  /** SQL for (points, first_time, last_time) of what is compressed of the series `s`. */
  readonly compressedSummary: string | null;
  countBuckets(client: Client, target: Target): Promise<BucketCounts>;
  /** Of whole series. */
  removeBuckets(client: Client, series: readonly number[]): Promise<number>;
  /** What cannot be computed again becomes the other series'. */
  moveBuckets(client: Client, from: number, into: number): Promise<void>;
}
