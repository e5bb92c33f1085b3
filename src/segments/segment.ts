import { longest } from './longest.ts';
import { type Statistics, statisticsOf } from './statistics.ts';
import { decodeTimes, packTimes, planTimes, type TimeCode, type TimePlan } from './time-code.ts';
import { decodeValues, packValues, planValues, type ValueCode, type ValuePlan } from './value-code.ts';

/** The version of what the codes of segments and frames mean; a row of another one cannot be read. */
export const FORMAT = 1;
export const MOST_POINTS = 2_000;
/** A row with no more points is worth merging with its neighbours. */
export const MOST_SMALL = 500;
/** What a row may take in PostgreSQL before it is toasted (TOAST_TUPLE_THRESHOLD); four of them fill a page. */
export const MOST_BYTES = 2_032;

/** A run of points of one series. */
export interface Segment {
  readonly length: number;
  readonly times: TimeCode;
  readonly values: ValueCode;
  readonly statistics: Statistics;
}

export interface SeriesSegment {
  readonly seriesId: number;
  readonly segment: Segment;
}

export interface Points {
  /** Whole microseconds since 1970, strictly increasing. */
  readonly timestamp: Float64Array;
  readonly value: Float64Array;
}

/**
 * The rows [from, to) of a series' points as segments, each as long as a row may be. Every value comes back to the
 * bit, but a NaN as the canonical one. A range must lie within one chunk and one cell of the grid (`cutAtGrid`).
 */
export function* encodePoints(
  points: Points,
  from: number = 0,
  to: number = points.timestamp.length,
): Generator<Segment> {
  let start = from;
  let guess = MOST_POINTS;
  while (start < to) {
    const first = start;
    const plan = longest(
      Math.min(MOST_POINTS, to - start),
      guess,
      { most: MOST_BYTES, least: LEAST_BYTES },
      (length) => {
        const one = planned(points, first, length);
        if (one !== null && one.bytes <= MOST_BYTES) rooms.reverse();
        return one;
      },
    );
    yield packed(points, start, plan);
    start += plan.length;
    guess = plan.length + (plan.length >> 3) + 8;
  }
}

export function decodePoints(segment: Segment): Points {
  return decodeAll([segment]);
}

/** The points of segments that follow one another. */
export function decodeAll(segments: readonly Segment[]): Points {
  const length = segments.reduce((sum, one) => sum + one.length, 0);
  const points = { timestamp: new Float64Array(length), value: new Float64Array(length) };
  let at = 0;
  for (const { length: count, times, values } of segments) {
    decodeTimes(times, count, points.timestamp.subarray(at, at + count));
    decodeValues(values, count, points.value.subarray(at, at + count));
    at += count;
  }
  return points;
}

interface Room {
  readonly times: Float64Array;
  readonly values: Float64Array;
}

/**
 * Where residues of plans lie until they are packed, which is before anybody else has a turn. The first room is free: a plan
 * that fits into a row may be the one to be packed while a longer one is tried.
 */
const rooms = Array.from(
  { length: 2 },
  (): Room => ({ times: new Float64Array(MOST_POINTS), values: new Float64Array(MOST_POINTS) }),
);

interface Plan {
  readonly length: number;
  readonly times: TimePlan;
  readonly values: ValuePlan;
  readonly bytes: number;
}

function planned(points: Points, start: number, length: number): Plan | null {
  const room = rooms[0] as Room;
  const times = planTimes(points.timestamp, start, start + length, room.times);
  if (times === null) return null;
  const values = planValues(points.value, start, start + length, room.values);
  return { length, times, values, bytes: rowBytes(length, times, values) };
}

function packed(points: Points, start: number, plan: Plan): Segment {
  return {
    length: plan.length,
    times: packTimes(plan.times),
    values: packValues(plan.values),
    statistics: statisticsOf(points.value, start, start + plan.length),
  };
}

/** Header and columns of fixed length, in the order that the table has them. */
export const LEAST_BYTES = 32 + 10 * 8 + 5 * 2;
const ARRAY_BYTES = 24;

/** An upper bound of what the row takes in PostgreSQL, alignment included. */
function rowBytes(length: number, times: TimePlan, values: ValuePlan): number {
  const { code } = values;
  let bytes = LEAST_BYTES;
  if (times.code.width > 0) bytes += 12 + Math.ceil((length * times.code.width) / 8);
  if (code.kind !== 'decimal') return bytes + ARRAY_BYTES + 8 + Math.ceil(values.bits / 8);
  bytes += 3 * 8 + 2;
  if (code.width > 0) bytes += 12 + Math.ceil((length * code.width) / 8);
  if (code.odd !== null) bytes += 8 + ARRAY_BYTES + 8 + code.odd.length * 8;
  return bytes;
}
