import type { Client } from 'pg';
import { ChunkMap } from '../../postgres/chunk-map.ts';
import { type SchemaNames, withNames } from '../../postgres/names.ts';
import { SegmentEditor } from '../../postgres/segment-editor.ts';
import type { BucketCounts, PointPlaces, Target } from '../point-places.ts';
import { countBuckets, moveBuckets, removeBuckets } from './bucket-corrections.ts';

/** Corrections of segments and of the aggregates' rows. */
export class PostgresPlaces implements PointPlaces {
  readonly compressedSummary = `SELECT sum(n) AS points, min(start_ts) AS first_time, max(end_ts) AS last_time
    FROM :"internal".segments WHERE series_id = s.series_id`;
  readonly #names: SchemaNames;
  /** Microseconds. */
  readonly #chunkInterval: number;

  constructor(names: SchemaNames, chunkInterval: number) {
    this.#names = names;
    this.#chunkInterval = chunkInterval;
  }

  async prepare(): Promise<void> {}

  chunks(): ChunkMap {
    return new ChunkMap(this.#names, { interval: this.#chunkInterval }, () => Date.now() * 1000);
  }

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

  /** Segments that lie within the time go as they are; the one at each end is encoded anew. */
  async removeCompressed(client: Client, { series, from, to }: Target): Promise<number> {
    const { rows } = await client.query<{ points: string }>(
      withNames(
        `WITH gone AS (
           DELETE FROM :"internal".segments
           WHERE series_id = ANY ($1) AND start_ts >= $2 AND start_ts < $3 AND end_ts < $3 RETURNING start_ts, n
         ), fewer AS (
           UPDATE :"internal".chunks c SET points = c.points - g.points
           FROM (
             SELECT k.chunk_id, sum(gone.n) AS points
             FROM gone JOIN :"internal".chunks k
               ON k.source = 'points' AND k.range_start <= gone.start_ts AND k.range_end > gone.start_ts
             GROUP BY k.chunk_id) g
           WHERE c.chunk_id = g.chunk_id)
         SELECT coalesce(sum(n), 0) AS points FROM gone`,
        this.#names,
      ),
      [series, from, to],
    );
    const removed = await new SegmentEditor(this.#names).remove(client, series, { from, to });
    for (const { time, points } of removed) {
      await client.query(
        withNames(
          `UPDATE :"internal".chunks SET points = points - $2 WHERE source = 'points'
             AND timestamptz 'epoch' + $1 * interval '1 microsecond' >= range_start
             AND timestamptz 'epoch' + $1 * interval '1 microsecond' < range_end`,
          this.#names,
        ),
        [time, points],
      );
    }
    await client.query(
      withNames(
        'DELETE FROM :"internal".closing_corrections WHERE series_id = ANY ($1) AND ts >= $2 AND ts < $3',
        this.#names,
      ),
      [series, from, to],
    );
    return Number(rows[0]?.points) + removed.reduce((sum, { points }) => sum + points, 0);
  }

  /** Segments of chunks in which the other series has nothing only change their series. */
  async moveCompressed(client: Client, from: number, into: number): Promise<void> {
    await client.query(
      withNames(
        `UPDATE :"internal".segments s SET series_id = $2
         FROM :"internal".chunks c
         WHERE s.series_id = $1 AND c.source = 'points' AND c.state = 'sealed'
           AND s.start_ts >= c.range_start AND s.start_ts < c.range_end
           AND NOT EXISTS (SELECT FROM :"internal".segments o
             WHERE o.series_id = $2 AND o.start_ts >= c.range_start AND o.start_ts < c.range_end)
           AND NOT EXISTS (SELECT FROM :"internal".points_late o
             WHERE o.series_id = $2 AND o.ts >= c.range_start AND o.ts < c.range_end)`,
        this.#names,
      ),
      [from, into],
    );
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
