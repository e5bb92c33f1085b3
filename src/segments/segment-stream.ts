import { cutAtGrid, firstFrom } from './grid.ts';
import { encodePoints, MOST_POINTS, type SeriesSegment } from './segment.ts';

/** Points of one series in hand before some are encoded. */
const MOST_PENDING = 8 * MOST_POINTS;

/** Points of any series in the order of (series, time), each key once; times in microseconds since 1970. */
export interface SeriesRows {
  readonly length: number;
  readonly seriesId: Float64Array;
  readonly timestamp: Float64Array;
  readonly value: Float64Array;
  /** Where other than 0, the row is no point but a segment that is there: from the time on it covers so many microseconds. */
  readonly number?: Float64Array;
}

/**
 * The rows of one chunk, all batches in order, as segments. None reaches across one that is there; points within one are
 * left out, and `within` is told how many. Holds 16,000 points beside a batch.
 */
export async function* encodeRows(
  batches: AsyncIterable<SeriesRows> | Iterable<SeriesRows>,
  within: (points: number) => void = () => {},
): AsyncGenerator<SeriesSegment> {
  const run = new Run();
  let covered = Number.NEGATIVE_INFINITY;
  for await (const rows of batches) {
    let from = 0;
    while (from < rows.length) {
      const seriesId = rows.seriesId[from] as number;
      if (seriesId !== run.seriesId) {
        yield* run.end(seriesId);
        covered = Number.NEGATIVE_INFINITY;
      }
      const span = rows.number?.[from] ?? 0;
      if (span !== 0) {
        yield* run.encode(true);
        covered = (rows.timestamp[from] as number) + span;
        from++;
        continue;
      }
      const end = endOfPoints(rows, from, endOfSeries(rows, from));
      const outside = firstFrom(rows.timestamp, covered, from, end);
      if (outside > from) within(outside - from);
      from = outside;
      const to = Math.min(end, from + run.free);
      run.append(rows, from, to);
      from = to;
      if (run.free === 0) yield* run.encode(false);
    }
  }
  yield* run.end(Number.NaN);
}

/** The points of one series that are not encoded yet. */
class Run {
  seriesId = Number.NaN;
  readonly #timestamp = new Float64Array(MOST_PENDING);
  readonly #value = new Float64Array(MOST_PENDING);
  #length = 0;

  get free(): number {
    return MOST_PENDING - this.#length;
  }

  append(rows: SeriesRows, from: number, to: number): void {
    this.#timestamp.set(rows.timestamp.subarray(from, to), this.#length);
    this.#value.set(rows.value.subarray(from, to), this.#length);
    this.#length += to - from;
  }

  *end(nextSeries: number): Generator<SeriesSegment> {
    yield* this.encode(true);
    this.seriesId = nextSeries;
  }

  /** Unless it is the end, the last segment waits for the points that would still fit into it. */
  *encode(isEnd: boolean): Generator<SeriesSegment> {
    const { seriesId } = this;
    const points = { timestamp: this.#timestamp, value: this.#value };
    let encoded = 0;
    for (const { from, to } of cutAtGrid(this.#timestamp, 0, this.#length)) {
      for (const segment of encodePoints(points, from, to)) {
        if (!isEnd && encoded + segment.length === this.#length) break;
        encoded += segment.length;
        yield { seriesId, segment };
      }
    }
    this.#timestamp.copyWithin(0, encoded, this.#length);
    this.#value.copyWithin(0, encoded, this.#length);
    this.#length -= encoded;
  }
}

/** Up to the next segment that is there. */
function endOfPoints({ number }: SeriesRows, from: number, end: number): number {
  if (number === undefined) return end;
  let to = from;
  while (to < end && number[to] === 0) to++;
  return to;
}

/** By galloping: a batch is one series or a thousand. */
function endOfSeries(rows: SeriesRows, from: number): number {
  const seriesId = rows.seriesId[from];
  let low = from;
  let stride = 1;
  while (low + stride < rows.length && rows.seriesId[low + stride] === seriesId) {
    low += stride;
    stride *= 2;
  }
  let high = Math.min(low + stride, rows.length);
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (rows.seriesId[middle] === seriesId) low = middle;
    else high = middle;
  }
  return high;
}
