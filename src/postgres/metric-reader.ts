import { TidegateError } from '../errors.ts';
import { chooseBucket, type ChosenBucket } from './metric-granularity.ts';
import {
  type Aggregate,
  bucketPages,
  microseconds,
  type Page,
  type PageReader,
  pointPages,
  textPages,
} from './metric-pages.ts';
import { findSeries, type MetricSeries } from './metric-series.ts';
import type { QueryPool } from './query-pool.ts';
import { sqlstateOf } from './sqlstate.ts';

/** Of which series, and its time in microseconds since 1970. */
interface Position {
  readonly device: string;
  readonly metric: string;
  readonly text: boolean;
  readonly time: number;
}

interface Points {
  readonly limit: number | null;
  readonly after: Position | null;
}

interface Buckets {
  readonly bucket: ChosenBucket | { readonly maxPoints: number };
  readonly agg: Aggregate;
  readonly fill: 'null' | 'previous' | 'none';
  /** A name of a time zone. */
  readonly tz: string;
}

/** Of all pairs of devices and metrics, points or buckets of from <= time < to (microseconds since 1970). */
interface Question {
  readonly devices: readonly string[];
  readonly metrics: readonly string[];
  readonly from: number;
  readonly to: number;
  readonly wanted: Points | Buckets;
}

/** Some rows of one series in order: times in ISO 8601, numbers as PostgreSQL writes them. */
interface Rows extends Page {
  readonly device: string;
  readonly metric: string;
  readonly text: boolean;
}

interface Answer {
  /** raw, or the name of the buckets. */
  readonly granularity: string;
  readonly rows: AsyncIterable<Rows>;
  /** After all rows were taken: the last of them where there are more. */
  next(): Position | null;
}

/** Rows of numbers in a page, about half a megabyte. */
const PAGE_ROWS = 10_000;
/** Texts are up to ingest.limits.text_length long. */
const TEXT_ROWS = 500;
const HOUR = 3_600_000_000;
/** Milliseconds: what takes longer is asked for in shorter parts of the time, what does not in longer ones. */
const PATIENCE = { wider: 200, narrower: 2_000 };

/** Points and buckets by device and metric, read part by part: points stored meanwhile may be among them or not. */
export class MetricReader {
  readonly #pool: QueryPool;
  readonly #pageRows: number;

  /** Only tests give `pageRows`. */
  constructor(pool: QueryPool, pageRows = PAGE_ROWS) {
    this.#pool = pool;
    this.#pageRows = pageRows;
  }

  /**
   * Rejects, as its rows do, like QueryPool; and with `device_unknown`, or with a `usage` that begins with the name of the
   * parameter that cannot be answered.
   */
  async ask(question: Question, signal: AbortSignal): Promise<Answer> {
    const { devices, metrics, from, to, wanted } = question;
    const { names } = this.#pool;
    return await this.#pool.lend(async (client) => {
      const series = await findSeries(client, names, devices, metrics);
      if ('limit' in wanted) return this.#points(series, question, wanted, signal);
      const { bucket } = wanted;
      const chosen =
        'maxPoints' in bucket
          ? await chooseBucket(client, names, series, { from, to }, bucket.maxPoints)
          : bucket;
      if (chosen === null) return this.#points(series, question, { limit: null, after: null }, signal);
      const numbers = series.filter(({ text }) => !text);
      const alone = series.find(
        ({ text, ...one }) =>
          text && !numbers.some(({ device, metric }) => device === one.device && metric === one.metric),
      );
      if (alone !== undefined) {
        const { device, metric } = alone;
        throw new TidegateError(
          'usage',
          `metric_name: ${JSON.stringify(metric)} of ${JSON.stringify(device)} is text, which has no aggregates; ask for granularity=raw`,
        );
      }
      return this.#buckets(numbers, question, { ...wanted, bucket: chosen }, signal);
    }, signal);
  }

  #points(
    series: readonly MetricSeries[],
    { from, to }: Question,
    { limit, after }: Points,
    signal: AbortSignal,
  ): Answer {
    let next: Position | null = null;
    const rows = async function* (this: MetricReader): AsyncGenerator<Rows> {
      let left = limit ?? Number.POSITIVE_INFINITY;
      let last = after;
      for (const one of series) {
        const order = after === null ? 1 : compare(one, after);
        if (order < 0) continue;
        const { id, device, metric, text } = one;
        const names = this.#pool.names;
        const read = text ? textPages(names, device, metric) : pointPages(names, id);
        const start = order > 0 ? from : Math.max(from, (after as Position).time + 1);
        const most = text ? TEXT_ROWS : this.#pageRows;
        for await (const page of this.#pages(read, start, to, () => Math.min(most, left + 1), HOUR, signal)) {
          const isMore = page.timestamps.length > left;
          const timestamps = isMore ? page.timestamps.slice(0, left) : page.timestamps;
          const values = isMore ? page.values.slice(0, left) : page.values;
          left -= timestamps.length;
          const at = timestamps.at(-1);
          if (at !== undefined) last = { device, metric, text, time: microseconds(at) };
          if (timestamps.length > 0) yield { device, metric, text, timestamps, values };
          if (!isMore) continue;
          next = last;
          return;
        }
      }
    };
    return { granularity: 'raw', rows: rows.call(this), next: () => next };
  }

  #buckets(
    series: readonly MetricSeries[],
    { from, to }: Question,
    { bucket, agg, fill, tz }: Buckets & { readonly bucket: ChosenBucket },
    signal: AbortSignal,
  ): Answer {
    const { name, interval, width } = bucket;
    const rows = async function* (this: MetricReader): AsyncGenerator<Rows> {
      for (const { device, metric } of series) {
        const read = bucketPages(this.#pool.names, {
          device,
          metric,
          interval,
          tz,
          agg,
          filled: fill !== 'none',
        });
        // Buckets that no level has are read from points.
        const first = width % 60_000_000 === 0 ? this.#pageRows * width : Math.max(24 * HOUR, width);
        let before: string | null = null;
        for await (const page of this.#pages(read, from, to, () => this.#pageRows, first, signal)) {
          if (fill === 'previous') before = fillForward(page.values, before);
          if (page.timestamps.length > 0) yield { device, metric, text: false, ...page };
        }
      }
    };
    return { granularity: name, rows: rows.call(this), next: () => null };
  }

  /** The rows of a series by parts of the time, the first of them `width` long. */
  async *#pages(
    read: PageReader,
    from: number,
    to: number,
    most: () => number,
    width: number,
    signal: AbortSignal,
  ): AsyncGenerator<Page> {
    for (let at = from; at < to; ) {
      const end = Math.min(to, at + width);
      const limit = most();
      const begin = performance.now();
      const page = await this.#pool.lend(async (client) => await told(read(client, at, end, limit)), signal);
      const took = performance.now() - begin;
      const last = page.timestamps.length < limit ? undefined : page.timestamps.at(-1);
      const next = last === undefined ? end : microseconds(last) + 1;
      if (last !== undefined || took > PATIENCE.narrower) width = Math.min(next - at, Math.ceil(width / 2));
      else if (took < PATIENCE.wider) width = Math.ceil(width * roomier(page.timestamps.length, limit));
      at = next;
      yield page;
    }
  }
}

/** By device, metric and kind, as findSeries has them. */
function compare(one: Omit<Position, 'time'>, other: Omit<Position, 'time'>): number {
  const [before, after] = [one, other].map(
    ({ device, metric }) => [Buffer.from(device), Buffer.from(metric)] as const,
  );
  if (before === undefined || after === undefined) return 0;
  return (
    Buffer.compare(before[0], after[0]) ||
    Buffer.compare(before[1], after[1]) ||
    Number(one.text) - Number(other.text)
  );
}

/** How much longer the next part of the time may be, where this one had so many rows: so that it is nearly full. */
function roomier(rows: number, limit: number): number {
  return Math.max(1, Math.min(4, (0.75 * limit) / Math.max(1, rows)));
}

/** Gives what is null the value before it, which it returns for the page after. */
function fillForward(values: (string | null)[], before: string | null): string | null {
  let last = before;
  for (const [place, value] of values.entries()) {
    if (value === null) values[place] = last;
    else last = value;
  }
  return last;
}

/** A time zone that PostgreSQL does not know is the asker's fault. */
async function told(page: Promise<Page>): Promise<Page> {
  try {
    return await page;
  } catch (error) {
    if (sqlstateOf(error) !== '22023') throw error;
    throw new TidegateError('usage', `tz: ${(error as Error).message}`, { cause: error });
  }
}
