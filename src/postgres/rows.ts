import { ARRIVAL, type Batch, type PointColumns, type Series } from '../pipeline/types.ts';
import type { KeyedRows } from './binary.ts';
import { RowRoom } from './row-room.ts';
import { type SeriesRepeat, SeriesRepeats } from './series-repeats.ts';

export type OnDuplicate = 'keep_first' | 'keep_last';

/** Fewer rows are not worth being copied at one go. */
const LEAST_STRETCH = 16;

/** Runs of rows that share a series: rows [start[i], start[i + 1]). */
export interface SortedRows extends KeyedRows {
  readonly arrival: Uint8Array;
  /** The id of each run's. */
  readonly series: Float64Array;
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
 * 1970) are left out. The rows lie in `room`, until somebody else's do.
 */
export function sortRows(
  batch: Batch,
  onDuplicate: OnDuplicate,
  cut = Number.NEGATIVE_INFINITY,
  room: RowRoom = new RowRoom(),
): SortedRows {
  const { points, series } = batch;
  const { order, ...rows } = room.columns(points.length);
  const runs = bySeries(points, series, order);
  const runSeries = new Float64Array(runs.series.length);
  const start = new Int32Array(runs.series.length + 1);
  let written = 0;
  let length = 0;
  let duplicate = 0;
  let conflict = 0;
  let expired = 0;
  const repeats = new SeriesRepeats();
  for (let run = 0; run < runs.series.length; run++) {
    const id = runs.series[run] as number;
    const [begin, end] = [runs.start[run] as number, runs.start[run + 1] as number];
    if (isOneStretch(runs.order, begin, end, points, cut)) {
      const from = runs.order[begin] as number;
      const to = from + end - begin;
      rows.seriesId.fill(id, length, length + end - begin);
      rows.timestamp.set(points.timestamp.subarray(from, to), length);
      rows.value.set(points.value.subarray(from, to), length);
      rows.arrival.fill(0, length, length + end - begin);
      runSeries[written] = id;
      start[written++] = length;
      length += end - begin;
      continue;
    }
    sortRun(runs.order, begin, end, points);
    if (hasArrivals(runs.order, begin, end, points)) separateArrivals(runs.order, begin, end, points);
    const first = length;
    for (let place = begin; place < end; place++) {
      const row = runs.order[place] as number;
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
        repeats.add(id, same ? 1 : 0, same ? 0 : 1);
        if (onDuplicate === 'keep_last') rows.value[length - 1] = value;
        continue;
      }
      rows.seriesId[length] = id;
      rows.timestamp[length] = timestamp;
      rows.value[length] = value;
      rows.arrival[length] = (points.flags[row] as number) & ARRIVAL;
      length++;
    }
    if (length === first) continue;
    runSeries[written] = id;
    start[written++] = first;
  }
  start[written] = length;
  return {
    ...rows,
    length,
    series: runSeries.subarray(0, written),
    start: start.subarray(0, written + 1),
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

/** Row numbers by series, the series in the order of their ids: those of `series[i]` are order[start[i]] up to order[start[i + 1]]. */
interface Runs {
  readonly series: Float64Array;
  readonly start: Int32Array;
  readonly order: Int32Array;
}

/**
 * A counting sort, in columns: a batch may have as many series as points. A device that was renamed may come under both
 * names: rows of one id are one run, in the order of arrival.
 */
function bySeries(points: PointColumns, series: readonly Series[], order: Int32Array): Runs {
  const counts = new Int32Array(series.length);
  for (let row = 0; row < points.length; row++) {
    const index = points.seriesIndex[row] as number;
    counts[index] = (counts[index] as number) + 1;
  }
  // By `from` or `map` each number would be an object, or a column more.
  const ids = new Float64Array(series.length);
  for (let index = 0; index < series.length; index++) ids[index] = series[index]?.id ?? Number.NaN;
  const runOf = new Int32Array(series.length);
  const runs = new Float64Array(series.length);
  const start = new Int32Array(series.length + 1);
  let length = 0;
  for (const index of byId(ids, counts)) {
    const id = ids[index] as number;
    if (length === 0 || runs[length - 1] !== id) runs[length++] = id;
    runOf[index] = length - 1;
    start[length] = (start[length] as number) + (counts[index] as number);
  }
  for (let run = 0; run < length; run++) {
    start[run + 1] = (start[run + 1] as number) + (start[run] as number);
  }
  const next = start.slice();
  for (let row = 0; row < points.length; row++) {
    const run = runOf[points.seriesIndex[row] as number] as number;
    order[next[run] as number] = row;
    next[run] = (next[run] as number) + 1;
  }
  return { series: runs.subarray(0, length), start, order };
}

/** The places of those that have rows, in the order of their ids. */
function byId(ids: Float64Array, counts: Int32Array): Iterable<number> {
  const size = ids.length;
  // Id and place in one number: numbers are sorted without a comparison of ours. Only ids beyond 2^53 / size do not fit.
  const keys = new Float64Array(size);
  let used = 0;
  let greatest = 0;
  for (let place = 0; place < size; place++) {
    if (counts[place] === 0) continue;
    const id = ids[place] as number;
    if (id > greatest) greatest = id;
    keys[used++] = id * size + place;
  }
  if ((greatest + 1) * size <= Number.MAX_SAFE_INTEGER) {
    const sorted = keys.subarray(0, used).sort();
    for (let index = 0; index < used; index++) sorted[index] = (sorted[index] as number) % size;
    return sorted;
  }
  return Uint32Array.from(ids.keys())
    .filter((place) => (counts[place] as number) > 0)
    .sort((left, right) => (ids[left] as number) - (ids[right] as number) || left - right);
}

/** Whether they are rows one after another in order, each with a key and a time of its own: what comes of a message's column. */
function isOneStretch(
  order: Int32Array,
  begin: number,
  end: number,
  { timestamp, flags }: PointColumns,
  cut: number,
): boolean {
  if (end - begin < LEAST_STRETCH) return false;
  let row = order[begin] as number;
  let last = timestamp[row] as number;
  if (last < cut || ((flags[row] as number) & ARRIVAL) !== 0) return false;
  for (let place = begin + 1; place < end; place++) {
    const next = order[place] as number;
    const time = timestamp[next] as number;
    if (next !== row + 1 || !(time > last) || ((flags[next] as number) & ARRIVAL) !== 0) return false;
    row = next;
    last = time;
  }
  return true;
}

/** By time, and by arrival within a time; most runs are in order as they come. */
function sortRun(order: Int32Array, begin: number, end: number, { timestamp }: PointColumns): void {
  for (let place = begin + 1; place < end; place++) {
    if ((timestamp[order[place - 1] as number] as number) > (timestamp[order[place] as number] as number)) {
      order
        .subarray(begin, end)
        .sort((left, right) => (timestamp[left] as number) - (timestamp[right] as number) || left - right);
      return;
    }
  }
}

function hasArrivals(order: Int32Array, begin: number, end: number, points: PointColumns): boolean {
  for (let place = begin; place < end; place++) {
    if (isArrival(points, order[place] as number)) return true;
  }
  return false;
}

function isArrival(points: PointColumns, row: number): boolean {
  return ((points.flags[row] as number) & ARRIVAL) !== 0;
}

/** Moves arrivals off taken times, a microsecond at a time, and restores the order. */
function separateArrivals(order: Int32Array, begin: number, end: number, points: PointColumns): void {
  const { timestamp } = points;
  const rows = order.subarray(begin, end);
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
  sortRun(order, begin, end, points);
}
