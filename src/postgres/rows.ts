import { ARRIVAL, type Batch, type PointColumns, type Series } from '../pipeline/types.ts';
import type { KeyedRows } from './binary.ts';
import { type SeriesRepeat, SeriesRepeats } from './series-repeats.ts';

export type OnDuplicate = 'keep_first' | 'keep_last';

/** Runs of rows that share a series: rows [start[i], start[i + 1]). */
export interface SortedRows extends KeyedRows {
  readonly arrival: Uint8Array;
  readonly series: readonly Series[];
  readonly start: Int32Array;
  /** Points that repeated a key of the same batch, with the same value and with another. */
  readonly duplicate: number;
  readonly conflict: number;
  readonly repeats: readonly SeriesRepeat[];
  /** Points left out because they are older than retention keeps. */
  readonly expired: number;
}

/**
 * The numeric points of a batch in the order of the table's key, each key once. Sorted input halves the cost of the
 * index in PostgreSQL. Every series must have its id. A point without a time of its own never collides: it moves by
 * a microsecond (guarantee: a message without a time is a point of its own). Points before `cut` (microseconds since
 * 1970) are left out.
 */
export function sortRows(batch: Batch, onDuplicate: OnDuplicate, cut = Number.NEGATIVE_INFINITY): SortedRows {
  const { points, series } = batch;
  const order = bySeries(points, series);
  const rows = {
    seriesId: new Float64Array(points.length),
    timestamp: new Float64Array(points.length),
    value: new Float64Array(points.length),
    arrival: new Uint8Array(points.length),
  };
  const runSeries: Series[] = [];
  const start: number[] = [];
  let length = 0;
  let duplicate = 0;
  let conflict = 0;
  let expired = 0;
  const repeats = new SeriesRepeats();
  for (const run of order) {
    sortRun(run.rows, points);
    if (run.rows.some((row) => isArrival(points, row))) separateArrivals(run.rows, points);
    const first = length;
    for (const row of run.rows) {
      const timestamp = points.timestamp[row] as number;
      const value = points.value[row] as number;
      if (timestamp < cut) {
        expired++;
        continue;
      }
      if (length > first && rows.timestamp[length - 1] === timestamp) {
        const same = isSame(rows.value[length - 1] as number, value);
        if (same) duplicate++;
        else conflict++;
        repeats.add(run.series.id as number, same ? 1 : 0, same ? 0 : 1);
        if (onDuplicate === 'keep_last') rows.value[length - 1] = value;
        continue;
      }
      rows.seriesId[length] = run.series.id as number;
      rows.timestamp[length] = timestamp;
      rows.value[length] = value;
      rows.arrival[length] = (points.flags[row] as number) & ARRIVAL;
      length++;
    }
    if (length === first) continue;
    runSeries.push(run.series);
    start.push(first);
  }
  start.push(length);
  return {
    ...rows,
    length,
    series: runSeries,
    start: Int32Array.from(start),
    duplicate,
    conflict,
    repeats: repeats.list(),
    expired,
  };
}

/** As PostgreSQL compares: NaN is NaN, and 0 is -0. */
export function isSame(left: number, right: number): boolean {
  return left === right || (Number.isNaN(left) && Number.isNaN(right));
}

interface Run {
  readonly series: Series;
  readonly rows: Int32Array;
}

/** A counting sort: the row numbers of each series, the series in the order of their ids. */
function bySeries(points: PointColumns, series: readonly Series[]): Run[] {
  const counts = new Int32Array(series.length);
  for (let row = 0; row < points.length; row++) {
    const index = points.seriesIndex[row] as number;
    counts[index] = (counts[index] as number) + 1;
  }
  const runs: (Run & { filled: number })[] = Array.from(series, (one, index) => ({
    series: one,
    rows: new Int32Array(counts[index] as number),
    filled: 0,
  }));
  for (let row = 0; row < points.length; row++) {
    const run = runs[points.seriesIndex[row] as number] as (typeof runs)[number];
    run.rows[run.filled++] = row;
  }
  const filled = runs
    .filter((run) => run.filled > 0)
    .sort((left, right) => (left.series.id as number) - (right.series.id as number));
  return filled.some(({ series: { id } }, index) => id === filled[index - 1]?.series.id)
    ? joined(filled)
    : filled;
}

/** A device that was renamed may come under both names: rows of one id become one run, in the order of arrival. */
function joined(runs: readonly Run[]): Run[] {
  const byId = new Map<number, Run>();
  for (const { series, rows } of runs) {
    const id = series.id as number;
    const before = byId.get(id)?.rows ?? new Int32Array(0);
    const all = new Int32Array(before.length + rows.length);
    all.set(before);
    all.set(rows, before.length);
    byId.set(id, { series, rows: all.sort() });
  }
  return [...byId.values()];
}

/** By time, and by arrival within a time; most runs are in order as they come. */
function sortRun(rows: Int32Array, points: PointColumns): void {
  const { timestamp } = points;
  for (let index = 1; index < rows.length; index++) {
    if ((timestamp[rows[index - 1] as number] as number) > (timestamp[rows[index] as number] as number)) {
      rows.sort((left, right) => (timestamp[left] as number) - (timestamp[right] as number) || left - right);
      return;
    }
  }
}

function isArrival(points: PointColumns, row: number): boolean {
  return ((points.flags[row] as number) & ARRIVAL) !== 0;
}

/** Moves arrivals off taken times, a microsecond at a time, and restores the order. */
function separateArrivals(rows: Int32Array, points: PointColumns): void {
  const { timestamp } = points;
  const taken = new Set<number>();
  for (const row of rows) if (!isArrival(points, row)) taken.add(timestamp[row] as number);
  // In the order of time, all that lies between an arrival's time and where it went is taken.
  let free = Number.NEGATIVE_INFINITY;
  for (const row of rows) {
    if (!isArrival(points, row)) continue;
    let time = Math.max(timestamp[row] as number, free);
    while (taken.has(time)) time++;
    free = time + 1;
    timestamp[row] = time;
  }
  sortRun(rows, points);
}
