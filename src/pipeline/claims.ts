import type { Batch, Series } from './types.ts';

/** Series to remember; with more, everything counts as claimed: about 150 bytes each. */
const MOST = 100_000;

/**
 * What lies in the spool has come first: a batch that holds one of its keys must go there too, or the order of arrival
 * would be lost, and with it which of two values stays. Kept as one span of time a series until the spool is empty; a
 * text claims all time.
 */
export class Claims {
  readonly #spans = new Map<string, [first: number, last: number]>();
  readonly #most: number;
  #all = false;

  constructor(most: number = MOST) {
    this.#most = most;
  }

  /** Whether a key of the batch may be in the spool. */
  hold(batch: Batch): boolean {
    if (this.#all) return batch.series.length > 0;
    if (this.#spans.size === 0) return false;
    for (const [series, [first, last]] of keyRanges(batch)) {
      const span = this.#spans.get(nameOf(series));
      if (span !== undefined && first <= span[1] && span[0] <= last) return true;
    }
    return false;
  }

  add(batch: Batch): void {
    if (this.#all) return;
    for (const [series, [first, last]] of keyRanges(batch)) {
      const name = nameOf(series);
      const span = this.#spans.get(name);
      if (span === undefined) this.#spans.set(name, [first, last]);
      else {
        span[0] = Math.min(span[0], first);
        span[1] = Math.max(span[1], last);
      }
    }
    if (this.#spans.size > this.#most) this.addAll();
  }

  /** Claims every key there is: what lies in the spool is not known. */
  addAll(): void {
    this.#all = true;
    this.#spans.clear();
  }

  /** The spool is empty. */
  clear(): void {
    this.#all = false;
    this.#spans.clear();
  }
}

/** Not the object: a series that is out of use for long is another one when it comes back. */
function nameOf({ text, deviceId, metricName }: Series): string {
  return `${text ? 't' : 'n'}${deviceId}\0${metricName}`;
}

/** First and last time of each series in a batch, microseconds; a text series claims all time. */
type KeyRanges = ReadonlyMap<Series, readonly [number, number]>;

function keyRanges(batch: Batch): KeyRanges {
  const { points, texts, series } = batch;
  const first = new Float64Array(series.length).fill(Number.POSITIVE_INFINITY);
  const last = new Float64Array(series.length).fill(Number.NEGATIVE_INFINITY);
  for (let row = 0; row < points.length; row++) {
    const index = points.seriesIndex[row] as number;
    const timestamp = points.timestamp[row] as number;
    if (timestamp < (first[index] as number)) first[index] = timestamp;
    if (timestamp > (last[index] as number)) last[index] = timestamp;
  }
  for (const index of texts.seriesIndex) {
    first[index] = Number.NEGATIVE_INFINITY;
    last[index] = Number.POSITIVE_INFINITY;
  }
  return new Map(series.map((one, index) => [one, [first[index] as number, last[index] as number] as const]));
}
