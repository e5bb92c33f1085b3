import { finished } from 'node:stream/promises';
import type { Client } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { cutAtGrid } from '../segments/grid.ts';
import { encodePoints, MOST_SMALL, type SeriesSegment } from '../segments/segment.ts';
import { int8Array, timestamptzArray } from './binary.ts';
import type { ChunkMap } from './chunk-map.ts';
import {
  type DenseRun,
  later,
  leavesArrivals,
  lengthOf,
  openSpans,
  type Span,
  without,
} from './dense-runs.ts';
import type { UpsertResult } from './keyed-table.ts';
import { type SchemaNames, withNames } from './names.ts';
import type { PointStore } from './point-store.ts';
import type { SortedRows } from './rows.ts';
import type { SegmentPartitions } from './segment-partitions.ts';
import { COPY_SEGMENTS, segmentBytes } from './segment-rows.ts';
import { gainsFrom, joinedGains, type SeriesGain } from './series-gains.ts';
import type { PlannedSegments, SeriesHeads } from './series-heads.ts';

/** A batch is to be written as segments for which not all is there: to be prepared outside of its transaction. */
export class Unprepared extends Error {
  readonly series: readonly number[];
  /** Microseconds since 1970, whose partitions of segments are missing. */
  readonly times: readonly number[];

  constructor(series: readonly number[], times: readonly number[]) {
    super('series that have no head, or partitions that are missing');
    this.series = series;
    this.times = times;
  }
}

interface DenseOptions {
  readonly chunks: ChunkMap;
  readonly heads: SeriesHeads;
  readonly partitions: SegmentPartitions;
  readonly store: PointStore;
  /** So many points of a series in a batch become segments; 0: all become rows. */
  readonly minPoints: number;
}

/**
 * Writes the points of a batch of which a series has many as segments, the others as rows, and keeps both from having the
 * same point (docs/adr/0026-born-compressed.md).
 */
export class DenseStore {
  readonly #chunks: ChunkMap;
  readonly #heads: SeriesHeads;
  readonly #store: PointStore;
  readonly #minPoints: number;
  readonly #partitions: SegmentPartitions;
  readonly #latest: string;
  readonly #copy: string;

  constructor(names: SchemaNames, { chunks, heads, partitions, store, minPoints }: DenseOptions) {
    this.#chunks = chunks;
    this.#heads = heads;
    this.#store = store;
    this.#minPoints = minPoints;
    this.#partitions = partitions;
    this.#copy = withNames(COPY_SEGMENTS, names);
    // $4 has the bounds of all, by which the planner leaves out chunks.
    const latest = (table: string): string => `
      LEFT JOIN LATERAL (
        SELECT ts FROM :"internal".${table} WHERE series_id = i.series_id AND ts BETWEEN i.first AND i.last
          AND ts BETWEEN ($4::timestamptz[])[1] AND ($4::timestamptz[])[2]
        ORDER BY ts DESC LIMIT 1
      ) ${table} ON true`;
    this.#latest = withNames(
      `SELECT i.place, extract(epoch FROM greatest(points.ts, points_late.ts)) * 1000000 AS latest
       FROM unnest($1::bigint[], $2::timestamptz[], $3::timestamptz[]) WITH ORDINALITY AS i (series_id, first, last, place)
       ${latest('points')} ${latest('points_late')}
       WHERE points.ts IS NOT NULL OR points_late.ts IS NOT NULL`,
      names,
    );
  }

  /** Whether some of the rows may become segments, as far as is known without a lock. */
  wants(rows: SortedRows): boolean {
    return this.#candidates(rows).length > 0;
  }

  /** The runs (SortedRows) of series with heads: rows that may have to be held against segments. Right as the map is. */
  headed(rows: SortedRows): number[] {
    const runs: number[] = [];
    for (let run = 0; run < rows.series.length; run++) {
      if (this.#heads.has(rows.series[run] as number)) runs.push(run);
    }
    return runs;
  }

  /** Outside of a transaction, after one that was rolled back. */
  async prepare(client: Client, { series, times }: Unprepared): Promise<void> {
    await this.#partitions.open(client, times);
    if (series.length > 0) await this.#heads.open(client, series);
  }

  /** As PointStore.storePoints. Throws Unprepared: then the transaction has to begin anew after `prepare`. */
  async storePoints(client: Client, rows: SortedRows, copy: boolean): Promise<UpsertResult> {
    const candidates = this.#candidates(rows);
    this.#demandPrepared(rows, candidates);
    const known = this.headed(rows).map((run) => rows.series[run] as number);
    if (known.length === 0) return await this.#store.storePoints(client, rows, copy);
    const marks = await this.#heads.lock(
      client,
      known,
      candidates.map((run) => plannedOf(rows, run)),
    );
    const runs = await this.#free(client, rows, candidates, marks);
    const keyed = runs.length === 0 ? rows : without(rows, runs);
    const result = await this.#store.storePoints(client, keyed, copy, marks);
    if (runs.length === 0) return result;
    await this.#writeSegments(client, rows, runs);
    const gains = runs.map((run) => gainOf(rows, run));
    return {
      ...result,
      stored: result.stored + gains.reduce((sum, { points }) => sum + points, 0),
      gains: joinedGains([result.gains, gainsFrom(gains)]),
    };
  }

  /** What of the rows may become segments, as far as is known without a lock. */
  #candidates(rows: SortedRows): DenseRun[] {
    if (this.#minPoints === 0) return [];
    const openChunk = (time: number) => this.#chunks.openChunk(time);
    const runs: DenseRun[] = [];
    for (let run = 0; run < rows.series.length; run++) {
      const [from, to] = [rows.start[run] as number, rows.start[run + 1] as number];
      if (to - from < this.#minPoints) continue;
      const seriesId = rows.series[run] as number;
      const one = { run, seriesId, spans: openSpans(rows.timestamp, from, to, openChunk) };
      if (lengthOf(one.spans) < this.#minPoints) continue;
      if (partsOf(rows, one).every((part) => this.#coverage(rows, part.from) !== false)) runs.push(one);
    }
    return runs;
  }

  #coverage(rows: SortedRows, row: number): boolean | null {
    return this.#partitions.covers(rows.timestamp[row] as number);
  }

  #demandPrepared(rows: SortedRows, runs: readonly DenseRun[]): void {
    const series = runs.map(({ seriesId }) => seriesId).filter((id) => !this.#heads.has(id));
    const times = runs
      .flatMap((run) => partsOf(rows, run))
      .filter(({ from }) => this.#coverage(rows, from) !== true)
      .map(({ from }) => rows.timestamp[from] as number);
    if (series.length + times.length > 0) throw new Unprepared(series, times);
  }

  /** What of the candidates is above the mark and above the rows that lie between its points, and is still dense. */
  async #free(
    client: Client,
    rows: SortedRows,
    candidates: readonly DenseRun[],
    marks: ReadonlyMap<number, number>,
  ): Promise<DenseRun[]> {
    const isDense = (run: DenseRun): boolean => lengthOf(run.spans) >= this.#minPoints;
    const above = candidates
      .filter(({ seriesId }) => marks.has(seriesId))
      .map((run) => later(rows, run, marks.get(run.seriesId) as number))
      .filter(isDense);
    if (above.length === 0) return [];
    const first = above.map(({ spans }) => rows.timestamp[spans[0]?.from as number] as number);
    const last = above.map(({ spans }) => rows.timestamp[(spans.at(-1)?.to as number) - 1] as number);
    // A statement of its own after the lock: it sees what the writers before us committed.
    const { rows: found } = await client.query<{ place: string; latest: string }>({
      name: 'tidegate-latest-rows',
      text: this.#latest,
      values: [
        int8Array(above.map(({ seriesId }) => seriesId)),
        timestamptzArray(first),
        timestamptzArray(last),
        timestamptzArray([leastOf(first), greatestOf(last)]),
      ],
    });
    const latest = new Map(found.map((row) => [Number(row.place) - 1, Math.round(Number(row.latest))]));
    return above
      .map((run, place) => later(rows, run, latest.get(place) ?? Number.NEGATIVE_INFINITY))
      .filter((run) => isDense(run) && !leavesArrivals(rows, run));
  }

  async #writeSegments(client: Client, rows: SortedRows, runs: readonly DenseRun[]): Promise<void> {
    const stream = client.query(copyFrom(this.#copy));
    for (const part of segmentBytes(encoded(rows, runs))) stream.write(part);
    stream.end();
    await finished(stream);
  }
}

function* encoded(rows: SortedRows, runs: readonly DenseRun[]): Generator<SeriesSegment> {
  for (const run of runs) {
    const { seriesId } = run;
    for (const { from, to } of partsOf(rows, run)) {
      for (const segment of encodePoints(rows, from, to)) yield { seriesId, segment };
    }
  }
}

function plannedOf(rows: SortedRows, run: DenseRun): PlannedSegments {
  const { seriesId, spans } = run;
  return {
    seriesId,
    first: rows.timestamp[spans[0]?.from as number] as number,
    last: rows.timestamp[(spans.at(-1)?.to as number) - 1] as number,
    small: partsOf(rows, run).filter(({ from, to }) => to - from <= MOST_SMALL).length,
  };
}

/** What no segment crosses: a chunk's bounds and those of the grid. */
function partsOf(rows: SortedRows, { spans }: DenseRun): Span[] {
  return spans.flatMap(({ from, to }) => [...cutAtGrid(rows.timestamp, from, to)]);
}

function leastOf(times: readonly number[]): number {
  return times.reduce((least, time) => Math.min(least, time));
}

function greatestOf(times: readonly number[]): number {
  return times.reduce((greatest, time) => Math.max(greatest, time));
}

function gainOf(rows: SortedRows, { seriesId, spans }: DenseRun): SeriesGain {
  const last = (spans.at(-1)?.to as number) - 1;
  return {
    seriesId,
    points: lengthOf(spans),
    firstTime: rows.timestamp[spans[0]?.from as number] as number,
    lastTime: rows.timestamp[last] as number,
    lastValue: rows.value[last] as number,
  };
}
