import { firstFrom } from '../segments/grid.ts';
import type { ChunkRange } from './chunks.ts';
import type { SortedRows } from './rows.ts';

/** Rows from <= row < to of one series, all in one open chunk. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** Rows of one series that may become segments: those of a run (SortedRows) that lie in open chunks. */
export interface DenseRun {
  /** Which of the rows' series. */
  readonly run: number;
  readonly seriesId: number;
  readonly spans: readonly Span[];
}

/** Of rows [from, to) of one series those that lie in open chunks. */
export function openSpans(
  times: Float64Array,
  from: number,
  to: number,
  openChunk: (time: number) => ChunkRange | undefined,
): Span[] {
  const spans: Span[] = [];
  for (let row = from; row < to; ) {
    const chunk = openChunk(times[row] as number);
    const end = chunk === undefined ? row + 1 : firstFrom(times, chunk.to, row, to);
    if (chunk !== undefined) spans.push({ from: row, to: end });
    row = end;
  }
  return spans;
}

export function lengthOf(spans: readonly Span[]): number {
  return spans.reduce((sum, { from, to }) => sum + to - from, 0);
}

/** What of a run is later than a moment. */
export function later(rows: SortedRows, run: DenseRun, moment: number): DenseRun {
  const spans = run.spans
    .map(({ from, to }) => ({ from: firstFrom(rows.timestamp, moment + 1, from, to), to }))
    .filter(({ from, to }) => from < to);
  return { ...run, spans };
}

/** Whether rows of the series that stay out of the run have their arrival's time: they may move, into the run too. */
export function leavesArrivals(rows: SortedRows, { run, spans }: DenseRun): boolean {
  let row = rows.start[run] as number;
  for (const { from, to } of [...spans, { from: rows.start[run + 1] as number, to: 0 }]) {
    for (; row < from; row++) if (rows.arrival[row] !== 0) return true;
    row = to;
  }
  return false;
}

/** The rows that none of the runs has. */
export function without(rows: SortedRows, runs: readonly DenseRun[]): SortedRows {
  if (runs.reduce((sum, { spans }) => sum + lengthOf(spans), 0) === rows.length) {
    return { ...rows, length: 0, series: new Float64Array(0), start: Int32Array.of(0) };
  }
  const taken = new Uint8Array(rows.length);
  for (const { spans } of runs) for (const { from, to } of spans) taken.fill(1, from, to);
  const kept = Array.from(rows.series, (): number => 0);
  let length = 0;
  for (const run of kept.keys()) {
    const [from, to] = [rows.start[run] as number, rows.start[run + 1] as number];
    for (let row = from; row < to; row++) if (taken[row] === 0) kept[run] = (kept[run] as number) + 1;
    length += kept[run] as number;
  }
  const column = (values: Float64Array): Float64Array =>
    values.subarray(0, rows.length).filter((_, row) => taken[row] === 0);
  const start = [0];
  for (const count of kept) if (count > 0) start.push((start.at(-1) as number) + count);
  return {
    ...rows,
    length,
    seriesId: column(rows.seriesId),
    timestamp: column(rows.timestamp),
    value: column(rows.value),
    arrival: rows.arrival.subarray(0, rows.length).filter((_, row) => taken[row] === 0),
    series: rows.series.filter((_, run) => kept[run] !== 0),
    start: Int32Array.from(start),
  };
}
