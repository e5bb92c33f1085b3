import { pipeline } from 'node:stream/promises';
import type { Client } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { cutAtGrid } from '../segments/grid.ts';
import { mergePoints } from '../segments/merge.ts';
import {
  decodeAll,
  decodePoints,
  encodePoints,
  type Points,
  type SeriesSegment,
} from '../segments/segment.ts';
import { int8Array, timestamptzArray } from './binary.ts';
import type { UpsertRows } from './keyed-table.ts';
import { type SchemaNames, withNames } from './names.ts';
import { COPY_SEGMENTS, SEGMENT_RECORD, segmentFrom, segmentRows } from './segment-rows.ts';

/** A chunk's bounds, from <= time < to, as PostgreSQL writes timestamps: no segment crosses them. */
export interface Span {
  readonly from: string;
  readonly to: string;
}

/** Points of one series, by time, and the segment that they go into, by its first and last time (microseconds since 1970). */
export interface AddedRun {
  readonly seriesId: number;
  readonly home: { readonly start: number; readonly end: number } | null;
  readonly points: Points;
}

/** Segments of one series that follow one another, by their first and last times (microseconds since 1970). */
export interface SegmentRun {
  readonly seriesId: number;
  readonly segments: readonly { readonly start: number; readonly end: number }[];
}

/** Rows whose segments are in memory together. */
const FOUND_AT_ONCE = 1_000;
/** Rows of a series from which on its segments are looked up together, and so many segments at most. */
const FEW = 8;
const MOST_SPANNED = 200;

/** Changes points inside of segments, which are decoded, encoded anew and replaced, within the caller's transaction. */
export class SegmentEditor {
  readonly #copy: string;
  readonly #reading: string;
  readonly #spanning: string;
  readonly #holding: string;
  readonly #held: string;
  readonly #named: string;
  readonly #delete: string;

  constructor(names: SchemaNames) {
    this.#copy = withNames(COPY_SEGMENTS, names);
    const holding = `unnest($1::bigint[], $2::timestamptz[]) AS i (series_id, ts)
         JOIN :"internal".segments h ON h.series_id = i.series_id AND h.end_ts >= i.ts AND h.start_ts <= i.ts
           AND h.start_ts >= date_bin('28 days', i.ts, timestamptz '2000-01-03 00:00:00+00')`;
    this.#reading = withNames(
      `SELECT ${SEGMENT_RECORD} AS record FROM :"internal".segments s
       WHERE (series_id, end_ts, start_ts) IN (SELECT h.series_id, h.end_ts, h.start_ts FROM ${holding})`,
      names,
    );
    this.#spanning = withNames(
      `SELECT ${SEGMENT_RECORD} AS record
       FROM unnest($1::bigint[], $2::timestamptz[], $3::timestamptz[]) AS i (id, first, last)
       JOIN :"internal".segments s ON s.series_id = i.id AND s.end_ts >= i.first AND s.start_ts <= i.last
         AND s.start_ts >= date_bin('28 days', i.first, timestamptz '2000-01-03 00:00:00+00')
       LIMIT ${MOST_SPANNED + 1}`,
      names,
    );
    this.#holding = `${this.#reading} ORDER BY series_id, start_ts FOR UPDATE`;
    this.#held = withNames(`SELECT FROM ${holding} LIMIT 1`, names);
    this.#named = withNames(
      `SELECT ${SEGMENT_RECORD} AS record FROM :"internal".segments
       WHERE (series_id, end_ts, start_ts) IN (SELECT * FROM unnest($1::bigint[], $2::timestamptz[], $3::timestamptz[]))
       ORDER BY series_id, start_ts FOR UPDATE`,
      names,
    );
    this.#delete = withNames(
      `DELETE FROM :"internal".segments s USING unnest($1::bigint[], $2::timestamptz[]) AS i (series_id, start_ts)
       WHERE s.series_id = i.series_id AND s.start_ts = i.start_ts`,
      names,
    );
  }

  /**
   * The values of the points that segments hold, by the index of their row. Each segment is decoded once, here: in SQL it
   * would be for every row, and cost twenty times as much.
   */
  async find(client: Client, rows: Pick<UpsertRows, 'seriesId' | 'timestamp'>): Promise<Map<number, number>> {
    const values = new Map<number, number>();
    for (let from = 0; from < rows.seriesId.length; from += FOUND_AT_ONCE) {
      const to = Math.min(from + FOUND_AT_ONCE, rows.seriesId.length);
      const ofSeries = Map.groupBy(
        Array.from({ length: to - from }, (_, index) => from + index),
        (index) => rows.seriesId[index] as number,
      );
      const { seriesId: ids, timestamp: times } = rows;
      const segments =
        (await this.#spanned(client, ofSeries, times)) ??
        (await this.#select(client, this.#reading, [
          int8Array(ids.slice(from, to)),
          timestamptzArray(times.slice(from, to)),
        ]));
      for (const { seriesId, segment } of segments) {
        const { first, last } = segment.times;
        const within = (ofSeries.get(seriesId) ?? []).filter((index) => {
          const time = times[index] as number;
          return time >= first && time <= last;
        });
        if (within.length === 0) continue;
        const { timestamp, value } = decodePoints(segment);
        for (const index of within) {
          const row = indexOf(timestamp, rows.timestamp[index] as number);
          if (row >= 0) values.set(index, value[row] as number);
        }
      }
    }
    return values;
  }

  /** All segments from the first to the last row of each series; null where rows are few, or these may be too many. */
  async #spanned(
    client: Client,
    ofSeries: ReadonlyMap<number, readonly number[]>,
    times: readonly number[],
  ): Promise<SeriesSegment[] | null> {
    const runs = [...ofSeries.values()].map((indexes) => indexes.map((index) => times[index] as number));
    if (runs.some((run) => run.length < FEW)) return null;
    const segments = await this.#select(client, this.#spanning, [
      int8Array([...ofSeries.keys()]),
      timestamptzArray(runs.map((run) => Math.min(...run))),
      timestamptzArray(runs.map((run) => Math.max(...run))),
    ]);
    return segments.length > MOST_SPANNED ? null : segments;
  }

  /**
   * Gives points that segments hold the values of the rows, which are in the order of series and time. A segment that
   * another transaction replaced while we waited for it is not found any more (READ COMMITTED): its successor is looked
   * up anew. Points that no segment holds are left out.
   */
  async replace(client: Client, rows: UpsertRows): Promise<void> {
    const wanted = new Map(
      [...rows.seriesId.keys()].map((index) => [
        `${rows.seriesId[index]} ${rows.timestamp[index]}`,
        rows.value[index] as number,
      ]),
    );
    while (wanted.size > 0) {
      const keys = [...wanted.keys()].map((key) => key.split(' ').map(Number) as [number, number]);
      const at = [int8Array(keys.map(([series]) => series)), timestamptzArray(keys.map(([, time]) => time))];
      const found = await this.#select(client, this.#holding, at);
      if (found.length === 0) {
        const { rowCount } = await client.query(this.#held, at);
        if (rowCount === 0) return;
        continue;
      }
      const before = wanted.size;
      const changed = found.map(({ seriesId, segment }) => {
        const points = decodePoints(segment);
        for (const [row, time] of points.timestamp.entries()) {
          const key = `${seriesId} ${time}`;
          const value = wanted.get(key);
          if (value === undefined) continue;
          points.value[row] = value;
          wanted.delete(key);
        }
        return { seriesId, points };
      });
      if (wanted.size === before) return;
      await this.exchange(client, found, changed);
    }
  }

  /** Adds points that no segment of their chunk holds, each run of them to the segment that is named with it. */
  async merge(client: Client, runs: readonly AddedRun[]): Promise<void> {
    const homes = runs.flatMap(({ seriesId, home }) => (home === null ? [] : [{ seriesId, ...home }]));
    const found = await this.#select(client, this.#named, [
      int8Array(homes.map(({ seriesId }) => seriesId)),
      timestamptzArray(homes.map(({ end }) => end)),
      timestamptzArray(homes.map(({ start }) => start)),
    ]);
    const held = new Map(found.map((one) => [`${one.seriesId} ${one.segment.times.first}`, one.segment]));
    const changed = runs.map(({ seriesId, home, points }) => {
      const segment = home === null ? undefined : held.get(`${seriesId} ${home.start}`);
      return {
        seriesId,
        points: segment === undefined ? points : mergePoints(decodePoints(segment), points),
      };
    });
    await this.exchange(client, found, changed);
  }

  /** Makes each run one segment, or few. Resolves to how many there are of them now. */
  async join(client: Client, runs: readonly SegmentRun[]): Promise<number> {
    const all = runs.flatMap(({ seriesId, segments }) =>
      segments.map((segment) => ({ seriesId, ...segment })),
    );
    if (all.length === 0) return 0;
    const found = await this.#select(client, this.#named, [
      int8Array(all.map(({ seriesId }) => seriesId)),
      timestamptzArray(all.map(({ end }) => end)),
      timestamptzArray(all.map(({ start }) => start)),
    ]);
    const held = new Map(found.map((one) => [`${one.seriesId} ${one.segment.times.first}`, one.segment]));
    const joined = runs.map(({ seriesId, segments }) => ({
      seriesId,
      points: decodeAll(segments.flatMap(({ start }) => held.get(`${seriesId} ${start}`) ?? [])),
    }));
    return await this.exchange(client, found, joined);
  }

  async #select(client: Client, sql: string, parameters: readonly unknown[]): Promise<SeriesSegment[]> {
    const { rows } = await client.query<{ record: Buffer }>(sql, [...parameters]);
    return rows.map(({ record }) => segmentFrom(record));
  }

  /** Deletes segments and writes points in their place, each list within one chunk. Resolves to how many segments they are. */
  async exchange(
    client: Client,
    old: readonly SeriesSegment[],
    points: readonly { readonly seriesId: number; readonly points: Points }[],
  ): Promise<number> {
    if (old.length + points.length === 0) return 0;
    await client.query(this.#delete, [
      int8Array(old.map(({ seriesId }) => seriesId)),
      timestamptzArray(old.map(({ segment }) => segment.times.first)),
    ]);
    const copy = client.query(copyFrom(this.#copy));
    await pipeline(segmentRows(encoded(points)), copy);
    return copy.rowCount ?? 0;
  }
}

/** By bisection; -1 where it is not there. */
function indexOf(times: Float64Array, time: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((times[middle] as number) < time) low = middle + 1;
    else high = middle;
  }
  return times[low] === time ? low : -1;
}

function* encoded(
  all: readonly { readonly seriesId: number; readonly points: Points }[],
): Generator<SeriesSegment> {
  for (const { seriesId, points } of all) {
    for (const { from, to } of cutAtGrid(points.timestamp)) {
      for (const segment of encodePoints(points, from, to)) yield { seriesId, segment };
    }
  }
}
