import type { Client } from 'pg';
import { int8Array, timestamptzArray } from './binary.ts';
import { type SchemaNames, withNames } from './names.ts';
import type { SortedRows } from './rows.ts';

const MINUTE = 60_000_000;
/** How far an arrival may be moved off taken times in microseconds: far more points than a batch has. */
const ARRIVAL_MOVES = 1_000_000;

interface MinuteSet {
  readonly seriesId: number[];
  /** Microseconds since 1970. */
  readonly minute: number[];
}

/**
 * Which minutes of which series a batch touches below the watermark of the continuous aggregates, whether its points
 * turn out to be new or not: to compute a bucket once more is harmless, to miss one is not.
 */
export function dirtyMinutes(rows: SortedRows, before: number): MinuteSet {
  const seriesId: number[] = [];
  const minute: number[] = [];
  const add = (series: number, time: number): void => {
    const start = Math.floor(time / MINUTE) * MINUTE;
    if (start >= before || (minute.at(-1) === start && seriesId.at(-1) === series)) return;
    seriesId.push(series);
    minute.push(start);
  };
  for (let row = 0; row < rows.length; row++) {
    const time = rows.timestamp[row] as number;
    if (time >= before) continue;
    add(rows.seriesId[row] as number, time);
    if (rows.arrival[row] !== 0) add(rows.seriesId[row] as number, time + ARRIVAL_MOVES);
  }
  return { seriesId, minute };
}

/** Part of the batch's transaction: one row a batch, sets of minutes, never a hull. */
export class DirtyBuckets {
  readonly #insert: string;

  constructor(names: SchemaNames) {
    this.#insert = withNames(
      `INSERT INTO :"internal".dirty_buckets (batch_id, series_ids, buckets) VALUES ($1, $2, $3)`,
      names,
    );
  }

  async record(client: Client, batchId: string, { seriesId, minute }: MinuteSet): Promise<void> {
    if (seriesId.length === 0) return;
    await client.query(this.#insert, [batchId, int8Array(seriesId), timestamptzArray(minute)]);
  }
}
