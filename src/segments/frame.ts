import { type AggregateRows, DEFAULTS, NUMBER_COLUMNS, type NumberColumn } from './aggregate-rows.ts';
import { decodeNumbers, type NumberCode, type NumberPlan, packNumbers, planNumbers } from './number-code.ts';
import { decodeOffsets, type OffsetCode, type OffsetPlan, packOffsets, planOffsets } from './offset-code.ts';
import { longest } from './longest.ts';
import { decodeTimes, packTimes, planTimes, type TimeCode, type TimePlan } from './time-code.ts';

/** The rows that a frame has at most, and what it may take in PostgreSQL: two of them fill a page. */
export const MOST_ROWS = 2_000;
const MOST_FRAME_BYTES = 4_080;

/** A run of rows of one series and level. */
export interface Frame {
  readonly length: number;
  readonly seriesId: number;
  readonly buckets: TimeCode;
  /** From the bucket. */
  readonly firstTimes: OffsetCode;
  /** Null: the first times. */
  readonly lastTimes: OffsetCode | null;
  /** Null: what `DEFAULTS` says. */
  readonly numbers: Readonly<Record<NumberColumn, NumberCode | null>>;
}

/** Rows as frames, which never hold two series. All numbers come back to the bit, but a NaN as the canonical one. */
export function* encodeFrames(
  rows: AggregateRows,
  from: number = 0,
  to: number = rows.length,
): Generator<Frame> {
  let start = from;
  let guess = MOST_ROWS;
  while (start < to) {
    const seriesId = rows.seriesId[start] as number;
    let end = start + 1;
    while (end < to && end - start < MOST_ROWS && rows.seriesId[end] === seriesId) end++;
    const first = start;
    const plan = longest(end - start, guess, { most: MOST_FRAME_BYTES, least: LEAST_BYTES }, (length) =>
      planned(rows, first, first + length),
    );
    yield packed(seriesId, plan);
    start += plan.length;
    guess = plan.length + (plan.length >> 3) + 8;
  }
}

export function decodeFrame(frame: Frame): AggregateRows {
  const { length, seriesId, numbers } = frame;
  const bucket = decodeTimes(frame.buckets, length);
  const firstTime = decodeOffsets(frame.firstTimes, bucket);
  const decoded = {} as Record<NumberColumn, Float64Array>;
  for (const column of NUMBER_COLUMNS) {
    const code = numbers[column];
    const fallback = DEFAULTS[column];
    if (code !== null) decoded[column] = decodeNumbers(code, length);
    else if (typeof fallback === 'number') decoded[column] = new Float64Array(length).fill(fallback);
    else decoded[column] = Float64Array.from(decoded[fallback]);
  }
  return {
    length,
    seriesId: new Float64Array(length).fill(seriesId),
    bucket,
    firstTime,
    lastTime:
      frame.lastTimes === null ? Float64Array.from(firstTime) : decodeOffsets(frame.lastTimes, bucket),
    ...decoded,
  };
}

interface Plan {
  readonly length: number;
  readonly bytes: number;
  readonly buckets: TimePlan;
  readonly firstTimes: OffsetPlan;
  readonly lastTimes: OffsetPlan | null;
  readonly numbers: ReadonlyMap<NumberColumn, NumberPlan>;
}

function planned(rows: AggregateRows, from: number, to: number): Plan | null {
  const { bucket, firstTime, lastTime } = rows;
  const buckets = planTimes(bucket, from, to);
  const firstTimes = planOffsets(firstTime, bucket, from, to);
  const isAlone = isSame(firstTime, lastTime, from, to);
  const lastTimes = isAlone ? null : planOffsets(lastTime, bucket, from, to);
  if (buckets === null || firstTimes === null || (lastTimes === null && !isAlone)) return null;
  const numbers = new Map<NumberColumn, NumberPlan>();
  const count = rows.count[from] as number;
  const divisor = isConstant(rows.count, count, from, to) ? count : 1;
  for (const column of NUMBER_COLUMNS) {
    const fallback = DEFAULTS[column];
    const values = rows[column];
    const isDefault =
      typeof fallback === 'number'
        ? isConstant(values, fallback, from, to)
        : isSame(values, rows[fallback], from, to);
    if (!isDefault) numbers.set(column, planNumbers(values, from, to, divisor));
  }
  const plan = { length: to - from, buckets, firstTimes, lastTimes, numbers };
  return { ...plan, bytes: rowBytes(plan) };
}

function packed(seriesId: number, plan: Plan): Frame {
  const numbers = {} as Record<NumberColumn, NumberCode | null>;
  for (const column of NUMBER_COLUMNS) {
    const one = plan.numbers.get(column);
    numbers[column] = one === undefined ? null : packNumbers(one);
  }
  return {
    length: plan.length,
    seriesId,
    buckets: packTimes(plan.buckets),
    firstTimes: packOffsets(plan.firstTimes),
    lastTimes: plan.lastTimes === null ? null : packOffsets(plan.lastTimes),
    numbers,
  };
}

/** To the bit, so that -0 is not 0. */
function isSame(left: Float64Array, right: Float64Array, from: number, to: number): boolean {
  for (let index = from; index < to; index++) if (!Object.is(left[index], right[index])) return false;
  return true;
}

function isConstant(values: Float64Array, constant: number, from: number, to: number): boolean {
  for (let index = from; index < to; index++) if (!Object.is(values[index], constant)) return false;
  return true;
}

/** Header and columns that are always there. */
const LEAST_BYTES = 40 + 8 * 8 + 4 * 2;
const BITS_BYTES = 12;
const ARRAY_BYTES = 32;

/** An upper bound of what the row takes in PostgreSQL, alignment included. */
function rowBytes(plan: Omit<Plan, 'bytes'>): number {
  const { length, buckets, firstTimes, lastTimes, numbers } = plan;
  const bits = (width: number): number => (width > 0 ? BITS_BYTES + Math.ceil((length * width) / 8) : 0);
  let bytes = LEAST_BYTES + bits(buckets.code.width) + bits(firstTimes.code.width);
  if (lastTimes !== null) bytes += 2 * 8 + 2 + bits(lastTimes.code.width);
  for (const { code } of numbers.values()) {
    bytes += 2 * 2 + bits(code.width);
    for (const one of [code.scale, code.base, code.step, code.grain, code.limit])
      if (one !== null) bytes += 8;
    if (code.raw !== null) bytes += ARRAY_BYTES + 8 * code.raw.length;
  }
  return bytes;
}
