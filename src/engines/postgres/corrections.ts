import type { Client } from 'pg';
import { type SchemaNames, withNames } from '../../postgres/names.ts';
import type { BucketCounts, PointPlaces, Target } from '../point-places.ts';
import { countBuckets, moveBuckets, removeBuckets } from './bucket-corrections.ts';
import { SegmentCorrections } from './segment-corrections.ts';

/** Corrections of segments and of the aggregates' rows. */
export class PostgresPlaces implements PointPlaces {
  readonly compressedSummary = `SELECT sum(n) AS points, min(start_ts) AS first_time, max(end_ts) AS last_time
    FROM :"internal".segments WHERE series_id = s.series_id`;
  readonly #names: SchemaNames;

  constructor(names: SchemaNames) {
    this.#names = names;
  }

  async prepare(): Promise<void> {}

  async countCompressed(client: Client, { series, from, to }: Target): Promise<number> {
    const inside = 'start_ts >= $2 AND end_ts < $3';
    const { rows } = await client.query<{ points: string }>(
      withNames(
        `SELECT (SELECT coalesce(sum(n), 0) FROM :"internal".segments WHERE series_id = ANY ($1) AND ${inside})
           + (SELECT count(*) FROM :"internal".segment_points
              WHERE series_id = ANY ($1) AND end_ts >= $2 AND start_ts < $3 AND NOT (${inside}) AND ts >= $2 AND ts < $3)
           AS points`,
        this.#names,
      ),
      [series, from, to],
    );
    return Number(rows[0]?.points);
  }

  async removeCompressed(client: Client, target: Target): Promise<number> {
    const removed = await new SegmentCorrections(client, this.#names).remove(target);
    if (target.whole) {
      await client.query(
        withNames('DELETE FROM :"internal".series_heads WHERE series_id = ANY ($1)', this.#names),
        [target.series],
      );
    }
    return removed;
  }

  async removeSharedCompressed(client: Client, series: number, other: number): Promise<number> {
    return await new SegmentCorrections(client, this.#names).removeShared(series, other);
  }

  async moveCompressed(client: Client, from: number, into: number): Promise<void> {
    await new SegmentCorrections(client, this.#names).move(from, into);
  }

  async countBuckets(client: Client, target: Target): Promise<BucketCounts> {
    return await countBuckets(client, this.#names, target);
  }

  async removeBuckets(client: Client, series: readonly number[]): Promise<number> {
    return await removeBuckets(client, this.#names, series);
  }

  async moveBuckets(client: Client, from: number, into: number): Promise<void> {
    await moveBuckets(client, this.#names, from, into);
  }
}
