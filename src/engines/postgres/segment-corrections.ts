import type { Client } from 'pg';
import { timestamptzArray } from '../../postgres/binary.ts';
import { type SchemaNames, withNames } from '../../postgres/names.ts';
import type { Rows } from '../../postgres/point-removal.ts';
import { SegmentEditor } from '../../postgres/segment-editor.ts';
import { SEGMENT_RECORD, segmentFrom } from '../../postgres/segment-rows.ts';
import { decodePoints, type Points, type SeriesSegment } from '../../segments/segment.ts';

/** Segments that are in memory at once: some 100,000 points. */
const STEP = 64;

interface Bounds {
  readonly from: string;
  readonly to: string;
}

/** Takes points out of segments and hands them to other series, within a correction's transaction. */
export class SegmentCorrections {
  readonly #client: Client;
  readonly #names: SchemaNames;
  readonly #editor: SegmentEditor;

  constructor(client: Client, names: SchemaNames) {
    this.#client = client;
    this.#names = names;
    this.#editor = new SegmentEditor(names);
  }

  /** Segments that lie within the time go as they are; the one at each end is encoded anew. Resolves to how many points. */
  async remove({ series, from, to }: Rows): Promise<number> {
    const { rows: whole } = await this.#query<{ points: string }>(
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
      [series, from, to],
    );
    // Infinite ones too, as numbers.
    const { rows: bounds } = await this.#query<Bounds>(
      `SELECT extract(epoch FROM $1::timestamptz) * 1000000 AS "from", extract(epoch FROM $2::timestamptz) * 1000000 AS "to"`,
      [from, to],
    );
    const [first, end] = [Number(bounds[0]?.from), Number(bounds[0]?.to)];
    const cut = await this.#read(
      'WHERE series_id = ANY ($1) AND start_ts < $3 AND end_ts >= $2 ORDER BY series_id, start_ts',
      [series, from, to],
    );
    await this.#query(
      'DELETE FROM :"internal".closing_corrections WHERE series_id = ANY ($1) AND ts >= $2 AND ts < $3',
      [series, from, to],
    );
    return Number(whole[0]?.points) + (await this.#keep(cut, (time) => time < first || time >= end));
  }

  /** Takes out of one series' segments the times that the other series has anywhere. Resolves to how many. */
  async removeShared(series: number, other: number): Promise<number> {
    let removed = 0;
    for await (const segments of this.#steps(series)) {
      const times = segments.flatMap(({ segment }) => [...decodePoints(segment).timestamp]);
      const { rows } = await this.#query<{ time: string }>(
        `SELECT extract(epoch FROM i.ts) * 1000000 AS time FROM unnest($2::timestamptz[]) AS i (ts)
         JOIN :"internal".points_between($1, (SELECT min(ts) FROM unnest($2::timestamptz[]) AS t (ts)),
           (SELECT max(ts) + interval '1 microsecond' FROM unnest($2::timestamptz[]) AS t (ts))) p ON p.ts = i.ts`,
        [other, timestamptzArray(times)],
      );
      const shared = new Set(rows.map(({ time }) => Math.round(Number(time))));
      removed += await this.#keep(segments, (time) => !shared.has(time));
    }
    return removed;
  }

  /** All segments of one series become the other's, which has none of their times. */
  async move(series: number, other: number): Promise<void> {
    // Leaf and segments have these values already; they matter to a change of the chunk that is under way, and none is.
    await this.#query('DELETE FROM :"internal".closing_corrections WHERE series_id IN ($1, $2)', [
      series,
      other,
    ]);
    // In a chunk where the other one has no segments they only change their series.
    await this.#query(
      `UPDATE :"internal".segments s SET series_id = $2
       FROM :"internal".chunks c
       WHERE s.series_id = $1 AND c.source = 'points' AND s.start_ts >= c.range_start AND s.start_ts < c.range_end
         AND NOT EXISTS (SELECT FROM :"internal".segments o
           WHERE o.series_id = $2 AND o.start_ts >= c.range_start AND o.start_ts < c.range_end)`,
      [series, other],
    );
    // Elsewhere its points become rows of an open chunk, or late ones; the next compression takes them in.
    const inOpen = `EXISTS (SELECT FROM :"internal".chunks c
      WHERE c.source = 'points' AND c.state = 'open' AND p.start_ts >= c.range_start AND p.start_ts < c.range_end)`;
    for (const [table, where] of [
      ['points', inOpen],
      ['points_late', `NOT ${inOpen}`],
    ] as const) {
      await this.#query(
        `INSERT INTO :"internal".${table} SELECT $2, ts, value FROM :"internal".segment_points p
         WHERE series_id = $1 AND ${where}`,
        [series, other],
      );
    }
    await this.#query(
      `WITH gone AS (DELETE FROM :"internal".segments WHERE series_id = $1 RETURNING start_ts, n)
       UPDATE :"internal".chunks c SET points = c.points - g.points
       FROM (
         SELECT k.chunk_id, sum(gone.n) AS points
         FROM gone JOIN :"internal".chunks k
           ON k.source = 'points' AND k.range_start <= gone.start_ts AND k.range_end > gone.start_ts
         GROUP BY k.chunk_id) g
       WHERE c.chunk_id = g.chunk_id`,
      [series],
    );
    await this.#moveHead(series, other);
  }

  /** What writers have to know of the segments that went over; every one looks anew, as the map has another version. */
  async #moveHead(series: number, other: number): Promise<void> {
    const { rowCount } = await this.#query(
      `INSERT INTO :"internal".series_heads AS h (series_id, mark, map_version, small, small_from)
       SELECT $2, o.mark, m.version + 1, o.small, o.small_from
       FROM :"internal".series_heads o, :"internal".chunk_map m WHERE o.series_id = $1
       ON CONFLICT (series_id) DO UPDATE SET mark = greatest(h.mark, excluded.mark), map_version = excluded.map_version,
         small = h.small + excluded.small, small_from = least(h.small_from, excluded.small_from)`,
      [series, other],
    );
    if (rowCount === 0) return;
    await this.#query('DELETE FROM :"internal".series_heads WHERE series_id = $1', [series]);
    await this.#query('UPDATE :"internal".chunk_map SET version = version + 1', []);
  }

  /** A series' segments in order, some at a time. */
  async *#steps(series: number): AsyncGenerator<SeriesSegment[]> {
    for (let after = Number.NEGATIVE_INFINITY; ; ) {
      const segments = await this.#read(
        `WHERE series_id = $1 AND ($2 = '-Infinity'::float8
           OR start_ts > timestamptz 'epoch' + $2 * interval '1 microsecond')
         ORDER BY start_ts LIMIT ${STEP}`,
        [series, after],
      );
      if (segments.length === 0) return;
      after = segments.at(-1)?.segment.times.first ?? after;
      yield segments;
    }
  }

  /** What does not stay goes out of the segments and out of their chunks' counts. Resolves to how many points that is. */
  async #keep(segments: readonly SeriesSegment[], stays: (time: number) => boolean): Promise<number> {
    let removed = 0;
    for (const old of segments) {
      const points = decodePoints(old.segment);
      const left = pointsWhere(points, stays);
      const fewer = points.timestamp.length - left.timestamp.length;
      if (fewer === 0) continue;
      removed += fewer;
      await this.#editor.exchange(this.#client, [old], [{ seriesId: old.seriesId, points: left }]);
      await this.#query(
        `UPDATE :"internal".chunks SET points = points - $2 WHERE source = 'points'
           AND timestamptz 'epoch' + $1 * interval '1 microsecond' >= range_start
           AND timestamptz 'epoch' + $1 * interval '1 microsecond' < range_end`,
        [old.segment.times.first, fewer],
      );
    }
    return removed;
  }

  async #read(condition: string, parameters: readonly unknown[]): Promise<SeriesSegment[]> {
    const { rows } = await this.#query<{ record: Buffer }>(
      `SELECT ${SEGMENT_RECORD} AS record FROM :"internal".segments ${condition}`,
      parameters,
    );
    return rows.map(({ record }) => segmentFrom(record));
  }

  async #query<Row extends object>(sql: string, parameters: readonly unknown[]) {
    return await this.#client.query<Row>(withNames(sql, this.#names), [...parameters]);
  }
}

function pointsWhere({ timestamp, value }: Points, stays: (time: number) => boolean): Points {
  return {
    timestamp: timestamp.filter(stays),
    value: value.filter((_, row) => stays(timestamp[row] as number)),
  };
}
