/**
 * Pages of buckets as an aggregate's level has them, on the engine that packs them into frames: what iot_aggregate answers,
 * with the frames decoded here, which takes a fraction of what it takes in SQL.
 */

import type { Client } from 'pg';
import type { AggregateRows } from '../segments/aggregate-rows.ts';
import { decodeFrame } from '../segments/frame.ts';
import { elementsOf, getTimestamptz, nullsOf } from './binary.ts';
import { FRAME_RECORD, frameFrom } from './frame-rows.ts';
import { isoOf } from '../iso-time.ts';
import type { Aggregate, BucketQuestion, Page, PageReader } from './metric-pages.ts';
import { type SchemaNames, withNames } from './names.ts';
import { AS_BYTES, recordsOf, ROW_ARRAYS } from './point-pages.ts';

const LEVELS: Readonly<Record<string, { readonly level: string; readonly width: number }>> = {
  '1 minute': { level: '1min', width: 60_000_000 },
  '15 minutes': { level: '15min', width: 900_000_000 },
  '1 hour': { level: '1hour', width: 3_600_000_000 },
  '1 day': { level: '1day', width: 86_400_000_000 },
};
/** Half a megabyte. */
const MOST_FRAMES = 100;

/** As `aggregated` has them, in SQL and of decoded rows; null where there is nothing to add up. Others are computed there. */
const VALUES: Readonly<
  Partial<Record<Aggregate, { readonly sql: string; of(rows: AggregateRows, row: number): number | null }>>
> = {
  avg: {
    sql: ':"internal".quotient(r.sum, r.count - r.excluded)',
    // No -0: what is too small for a double is 0.
    of: ({ sum, count, excluded }, row) => {
      const units = (count[row] as number) - (excluded[row] as number);
      return units > 0 ? (sum[row] as number) / units || 0 : null;
    },
  },
  sum: {
    sql: 'CASE WHEN r.count > r.excluded THEN r.sum END',
    of: ({ sum, count, excluded }, row) =>
      (count[row] as number) > (excluded[row] as number) ? (sum[row] as number) : null,
  },
  min: { sql: 'r.min', of: ({ min }, row) => min[row] as number },
  max: { sql: 'r.max', of: ({ max }, row) => max[row] as number },
  count: { sql: 'r.count', of: ({ count }, row) => count[row] as number },
  first: { sql: 'r.first_value', of: ({ firstValue }, row) => firstValue[row] as number },
  last: { sql: 'r.last_value', of: ({ lastValue }, row) => lastValue[row] as number },
};

/** What rollup_{level} reads, its frames as they are. No row where the level has nothing to say of the series. */
function pageSql(level: string, sql: string): string {
  const value = `${sql}::double precision AS value`;
  return `SELECT r.times, r.values, f.frames, timestamptz_send(a.watermark)
  FROM (SELECT watermark, position FROM :"internal".aggregates WHERE level = '${level}') a
  CROSS JOIN :"internal".series s
  CROSS JOIN LATERAL (
    SELECT ${ROW_ARRAYS} FROM (
      SELECT * FROM (
        SELECT r.bucket AS ts, ${value} FROM :"internal".aggregate_${level} r
        WHERE r.series_id = s.series_id AND r.bucket >= $3 AND r.bucket < $4 AND r.bucket < a.watermark
        UNION ALL
        SELECT r.bucket, ${value}
        FROM :"internal".live_${level}(s.series_id, greatest($5, a.watermark), $6,
          CASE WHEN a.watermark < $6 THEN :"internal".edges(a.position - 1::smallint) END,
          s.counter_tolerance, s.counter_rollover, date_part('epoch', s.longest_hold)) r
        WHERE r.bucket >= $3
      ) buckets ORDER BY ts LIMIT $7
    ) rows
  ) r
  CROSS JOIN LATERAL (
    SELECT string_agg(int4send(length(record)) || record, ''::bytea) AS frames FROM (
      SELECT ${FRAME_RECORD} AS record FROM :"internal".frames_${level}
      WHERE series_id = s.series_id AND end_bucket >= $3 AND start_bucket < $4 AND start_bucket < a.watermark LIMIT $8
    ) frames
  ) f
  WHERE s.device_id = $1 AND s.metric_name = $2 AND NOT s.is_text AND s.aggregated`;
}

/** Null where it is no page of a level, or one of too many frames: it is to be asked of iot_aggregate. */
export async function readLevel(
  client: Client,
  names: SchemaNames,
  { device, metric, interval, tz, agg, filled }: BucketQuestion,
  [from, to, limit]: Parameters<PageReader>,
): Promise<Page | null> {
  const known = LEVELS[interval];
  const shown = VALUES[agg];
  if (known === undefined || shown === undefined || tz !== 'UTC' || filled) return null;
  const { level, width } = known;
  const whole = [Math.floor(from / width) * width, Math.floor((to - 1) / width) * width + width];
  const { rows } = await client.query<[Buffer | null, Buffer | null, Buffer | null, Buffer]>({
    name: `level ${level} ${agg}`,
    text: withNames(pageSql(level, shown.sql), names),
    values: [device, metric, ...[from, to, ...whole].map(isoOf), limit, MOST_FRAMES],
    rowMode: 'array',
    types: AS_BYTES,
  });
  const [row] = rows;
  if (row === undefined) return null;
  const [times, values, records, watermark] = row;
  const frames = (records === null ? [] : recordsOf(records)).map(frameFrom);
  if (frames.length === MOST_FRAMES) return null;
  const [starts, found] =
    times === null || values === null
      ? [new Float64Array(), new Float64Array()]
      : [elementsOf(times, 'timestamptz'), elementsOf(values, 'float8')];
  const empty = values === null ? null : nullsOf(values);
  // No larger than it need be: what is outside of V8's heap brings its collections on.
  const buckets = new Buckets(starts.length + frames.reduce((sum, { length }) => sum + length, 0));
  for (let at = 0; at < starts.length; at++)
    buckets.add(starts[at] as number, empty?.[at] === 1 ? null : (found[at] as number));
  const end = buckets.length === limit ? buckets.last + 1 : to;
  const stop = Math.min(end, getTimestamptz(new DataView(watermark.buffer, watermark.byteOffset), 0));
  for (const frame of frames) {
    const decoded = decodeFrame(frame);
    for (let at = 0; at < decoded.length; at++) {
      const time = decoded.bucket[at] as number;
      if (time >= from && time < stop) buckets.add(time, shown.of(decoded, at));
    }
  }
  return buckets.page(limit, end);
}

/** Rows in any order. */
class Buckets {
  readonly #times: Float64Array;
  readonly #values: Float64Array;
  readonly #empty: Uint8Array;
  length = 0;
  #isSorted = true;
  #hasEmpty = false;

  constructor(room: number) {
    this.#times = new Float64Array(room);
    this.#values = new Float64Array(room);
    this.#empty = new Uint8Array(room);
  }

  get last(): number {
    return this.#times[this.length - 1] as number;
  }

  add(time: number, value: number | null): void {
    if (this.length > 0 && time < this.last) this.#isSorted = false;
    this.#times[this.length] = time;
    this.#values[this.length] = value ?? 0;
    if (value === null) {
      this.#empty[this.length] = 1;
      this.#hasEmpty = true;
    }
    this.length++;
  }

  /** The first ones, in order; `end` as Page has it, where they are all. */
  page(limit: number, end: number): Page {
    const [times, values, empty] = this.#sorted();
    const count = Math.min(limit, times.length);
    return {
      times: times.subarray(0, count),
      values: values.subarray(0, count),
      empty: this.#hasEmpty ? empty.subarray(0, count) : null,
      end: count < times.length ? (times[count - 1] as number) + 1 : end,
    };
  }

  #sorted(): [Float64Array, Float64Array, Uint8Array] {
    const [times, values, empty] = [this.#times, this.#values, this.#empty];
    if (this.#isSorted) {
      return [
        times.subarray(0, this.length),
        values.subarray(0, this.length),
        empty.subarray(0, this.length),
      ];
    }
    // A frame that was packed later may lie among the rows of another one.
    const order = Uint32Array.from({ length: this.length }, (_, row) => row);
    order.sort((one, other) => (times[one] as number) - (times[other] as number));
    return [
      Float64Array.from(order, (row) => times[row] as number),
      Float64Array.from(order, (row) => values[row] as number),
      Uint8Array.from(order, (row) => empty[row] as number),
    ];
  }
}
