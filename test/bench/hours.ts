/** Rows of the aggregate of an hour, made of points at once: the refresh would compute the minutes below them first. */

import type { Client } from 'pg';
import type { SetPoints } from './compressed-set.ts';

const HOUR = 3_600_000_000;
/** Rows of one INSERT. */
const STEP = 20_000;
const COLUMNS = [
  'series_id',
  'bucket',
  'count',
  'sum',
  'm2',
  'min',
  'max',
  'first_value',
  'last_value',
] as const;

export class Hours {
  readonly #columns: Record<(typeof COLUMNS)[number], number[]> = {
    series_id: [],
    bucket: [],
    count: [],
    sum: [],
    m2: [],
    min: [],
    max: [],
    first_value: [],
    last_value: [],
  };

  /** Of one series, in the order of time. */
  add(seriesId: number, { timestamp, value }: SetPoints): void {
    for (let from = 0; from < timestamp.length; ) {
      const hour = Math.floor((timestamp[from] as number) / HOUR);
      let to = from;
      let sum = 0;
      let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
      for (; to < timestamp.length && Math.floor((timestamp[to] as number) / HOUR) === hour; to++) {
        const one = value[to] as number;
        sum += one;
        min = Math.min(min, one);
        max = Math.max(max, one);
      }
      const mean = sum / (to - from);
      let m2 = 0;
      for (let row = from; row < to; row++) m2 += ((value[row] as number) - mean) ** 2;
      const row = [
        seriesId,
        hour * 3_600,
        to - from,
        sum,
        m2,
        min,
        max,
        value[from],
        value[to - 1],
      ] as number[];
      for (const [index, name] of COLUMNS.entries()) this.#columns[name].push(row[index] as number);
      from = to;
    }
  }

  /** Everything before `until` (ISO 8601) counts as computed then. First and last times, and what counters need, are made up. */
  async write(client: Client, until: string): Promise<void> {
    const { series_id: ids } = this.#columns;
    for (let from = 0; from < ids.length; from += STEP) {
      await client.query(
        `INSERT INTO tidegate.aggregate_1hour (series_id, bucket, count, excluded, sum, m2, min, max, first_value, first_time,
           last_value, last_time, increase, resets, integral, seconds)
         SELECT id, to_timestamp(hour), n, 0, sum, m2, min, max, first, to_timestamp(hour), last, to_timestamp(hour + 3599), 0, 0, sum, n
         FROM unnest($1::bigint[], $2::float8[], $3::bigint[], $4::float8[], $5::float8[], $6::float8[], $7::float8[], $8::float8[],
           $9::float8[]) AS r (id, hour, n, sum, m2, min, max, first, last)`,
        COLUMNS.map((name) => this.#columns[name].slice(from, from + STEP)),
      );
    }
    await client.query('UPDATE tidegate.aggregates SET watermark = $1', [until]);
    await client.query('UPDATE tidegate.chunk_map SET dirty_before = $1', [until]);
  }
}
