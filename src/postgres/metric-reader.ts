import { TidegateError } from '../errors.ts';
import { readsCompressed } from './compressed-access.ts';
import { chooseBucket, type ChosenBucket } from './metric-granularity.ts';
import { type Aggregate, type Page, type PageReader, readBuckets, readTexts } from './metric-pages.ts';
import { readLevel } from './level-pages.ts';
import { begun, pagesOf } from './page-parts.ts';
import { findSeries, type MetricSeries } from './metric-series.ts';
import { type PointPage, readPoints } from './point-pages.ts';
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

type Series = Omit<MetricSeries, 'id'>;

interface Buckets {
  readonly bucket: ChosenBucket | { readonly maxPoints: number };
  readonly agg: Aggregate;
  readonly fill: 'null' | 'previous' | 'none';
  /** A name of a time zone. */
  readonly tz: string;
}

type ChosenBuckets = Buckets & { readonly bucket: ChosenBucket };

/** Of all pairs of devices and metrics, points or buckets of from <= time < to (microseconds since 1970). */
interface Question {
  readonly devices: readonly string[];
  readonly metrics: readonly string[];
  readonly from: number;
  readonly to: number;
  readonly wanted: Points | Buckets;
}

/** Some rows of one series in order. */
interface Rows extends Omit<Page, 'end'> {
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

/** Points and buckets by device and metric, read part by part: points stored meanwhile may be among them or not. */
export class MetricReader {
  readonly #pool: QueryPool;
  readonly #pageRows: number;
  /** Whether what is compressed is decoded here; null before the first question. */
  #decodes: boolean | null = null;

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
    const quick = await this.#ofOneSeries(question, signal);
    if (quick !== null) return quick;
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

  /** What most ask: the first page itself says that there is such a series, and no other. Null: it is to be looked up. */
  async #ofOneSeries(question: Question, signal: AbortSignal): Promise<Answer | null> {
    const { devices, metrics, from, to, wanted } = question;
    const [device = '', metric = ''] = [devices[0], metrics[0]];
    if (devices.length !== 1 || metrics.length !== 1 || from >= to) return null;
    const series = [{ device, metric, text: false }];
    if ('limit' in wanted) {
      if (wanted.after !== null) return null;
      const limit = Math.min(this.#pageRows, (wanted.limit ?? Number.POSITIVE_INFINITY) + 1);
      const page = await this.#pointPage(
        series[0] as Series,
        [from, Math.min(to, from + HOUR), limit],
        signal,
      );
      return page.found.numbers && !page.found.texts
        ? this.#points(series, question, wanted, signal, shown(page))
        : null;
    }
    if ('maxPoints' in wanted.bucket) return null;
    const buckets = { ...wanted, bucket: wanted.bucket };
    const end = Math.min(to, from + this.#firstWidth(wanted.bucket));
    const page = await this.#bucketPage(series[0] as Series, buckets, [from, end, this.#pageRows], signal);
    return page.times.length > 0 ? this.#buckets(series, question, buckets, signal, page) : null;
  }

  /** `page`: the first one of the first series, where it is there. */
  #points(
    series: readonly Series[],
    { from, to }: Question,
    { limit, after }: Points,
    signal: AbortSignal,
    page?: Page,
  ): Answer {
    let next: Position | null = null;
    const rows = async function* (this: MetricReader): AsyncGenerator<Rows> {
      let left = limit ?? Number.POSITIVE_INFINITY;
      let last = after;
      let known = page;
      for (const one of series) {
        const order = after === null ? 1 : compare(one, after);
        if (order < 0) continue;
        const { device, metric, text } = one;
        const read = async (...part: Parameters<PageReader>) =>
          text
            ? await this.#pool.lend((client) => readTexts(client, this.#pool.names, one, part), signal)
            : shown(await this.#pointPage(one, part, signal));
        const start = order > 0 ? from : Math.max(from, (after as Position).time + 1);
        const most = text ? TEXT_ROWS : this.#pageRows;
        const pages = pagesOf(
          known === undefined ? read : begun(known, read),
          start,
          to,
          () => Math.min(most, left + 1),
          HOUR,
        );
        known = undefined;
        for await (const { times: all, values: every, empty } of pages) {
          const isMore = all.length > left;
          const times = isMore ? all.subarray(0, left) : all;
          const values = isMore ? every.slice(0, left) : every;
          left -= times.length;
          const at = times.at(-1);
          if (at !== undefined) last = { device, metric, text, time: at };
          if (times.length > 0) yield { device, metric, text, times, values, empty };
          if (!isMore) continue;
          next = last;
          return;
        }
      }
    };
    return { granularity: 'raw', rows: rows.call(this), next: () => next };
  }

  /** `page`: the first one of the first series, where it is there. */
  #buckets(
    series: readonly Series[],
    { from, to }: Question,
    wanted: ChosenBuckets,
    signal: AbortSignal,
    page?: Page,
  ): Answer {
    const rows = async function* (this: MetricReader): AsyncGenerator<Rows> {
      let known = page;
      for (const one of series) {
        const { device, metric } = one;
        const read: PageReader = (...part) => this.#bucketPage(one, wanted, part, signal);
        const first = this.#firstWidth(wanted.bucket);
        const pages = pagesOf(
          known === undefined ? read : begun(known, read),
          from,
          to,
          () => this.#pageRows,
          first,
        );
        known = undefined;
        let before: number | null = null;
        for await (const { times, values, empty } of pages) {
          if (times.length === 0) continue;
          const numbers = values as Float64Array;
          const filled: Uint8Array | null =
            wanted.fill === 'previous' && empty !== null ? fillForward(numbers, empty, before) : empty;
          before = filled?.at(-1) === 1 ? before : (numbers.at(-1) as number);
          yield { device, metric, text: false, times, values, empty: filled };
        }
      }
    };
    return { granularity: wanted.bucket.name, rows: rows.call(this), next: () => null };
  }

  /** Buckets that no level has are read from points. */
  #firstWidth({ width }: ChosenBucket): number {
    return width % 60_000_000 === 0 ? this.#pageRows * width : Math.max(24 * HOUR, width);
  }

  async #pointPage(
    { device, metric }: Series,
    [from, to, limit]: Parameters<PageReader>,
    signal: AbortSignal,
  ): Promise<PointPage> {
    const { names } = this.#pool;
    return await this.#pool.lend(async (client) => {
      this.#decodes ??= await readsCompressed(client, names);
      return await readPoints(client, names, { device, metric, from, to, limit }, this.#decodes);
    }, signal);
  }

  async #bucketPage(
    { device, metric }: Series,
    { bucket: { interval }, tz, agg, fill }: ChosenBuckets,
    part: Parameters<PageReader>,
    signal: AbortSignal,
  ): Promise<Page> {
    const asked = { device, metric, interval, tz, agg, filled: fill !== 'none' };
    const { names } = this.#pool;
    return await this.#pool.lend(async (client) => {
      this.#decodes ??= await readsCompressed(client, names);
      const page = this.#decodes ? await readLevel(client, names, asked, part) : null;
      return page ?? (await told(readBuckets(client, names, asked, part)));
    }, signal);
  }
}

function shown({ timestamp: times, value: values, end }: PointPage): Page {
  return { times, values, empty: null, end };
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

/** Gives what is empty the value before it; returns what still is, as nothing came before. */
function fillForward(values: Float64Array, empty: Uint8Array, before: number | null): Uint8Array {
  const left = Uint8Array.from(empty);
  let last = before;
  for (let row = 0; row < values.length; row++) {
    if (empty[row] !== 1) last = values[row] as number;
    else if (last !== null) {
      values[row] = last;
      left[row] = 0;
    }
  }
  return left;
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
