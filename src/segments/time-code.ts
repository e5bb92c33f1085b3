import { bitsOf, packBits, unpackBits } from './bits.ts';
import { divisor } from './divisor.ts';

/**
 * Times that grow: `first + (floor(i * step) + shift + code[i]) * unit`. PostgreSQL does the same arithmetic on the
 * same doubles, so that both find the same times. A regular series has codes of no bits.
 */
export interface TimeCode {
  /** Microseconds since 1970. */
  readonly first: number;
  readonly last: number;
  /** Microseconds; divides all distances from the first. */
  readonly unit: number;
  /** In units, as are shift and codes. */
  readonly step: number;
  readonly shift: number;
  readonly width: number;
  /** Null where the width is 0. */
  readonly codes: Uint8Array | null;
}

/** A code before its codes are packed. */
export interface TimePlan {
  readonly code: TimeCode;
  readonly residues: Float64Array;
}

/**
 * Of times [from, to), at least one, strictly increasing whole microseconds. Null where they are too far apart to be exact.
 * `room`: where the residues go, for as long as the plan is wanted.
 */
export function planTimes(
  times: Float64Array,
  from: number,
  to: number,
  room: Float64Array = new Float64Array(to - from),
): TimePlan | null {
  const length = to - from;
  const first = times[from] as number;
  const last = times[to - 1] as number;
  if (isRegular(times, from, to) && last - first <= Number.MAX_SAFE_INTEGER) {
    const unit = (times[from + 1] as number) - first;
    return {
      code: { first, last, unit, step: 1, shift: 0, width: 0, codes: null },
      residues: room.subarray(0, length).fill(0),
    };
  }
  const unit = commonUnit(times, from, to);
  const step = length > 1 ? (last - first) / unit / (length - 1) : 0;
  const residues = room.subarray(0, length);
  let shift = 0;
  let largest = 0;
  for (let index = 0; index < length; index++) {
    const residue = ((times[from + index] as number) - first) / unit - Math.floor(index * step);
    if (residue < shift) shift = residue;
    if (residue > largest) largest = residue;
    residues[index] = residue;
  }
  const width = bitsOf(largest - shift);
  if (last - first > Number.MAX_SAFE_INTEGER || width > 52) return null;
  for (let index = 0; index < length; index++) residues[index] = (residues[index] as number) - shift;
  return { code: { first, last, unit, step, shift, width, codes: null }, residues };
}

export function packTimes(plan: TimePlan): TimeCode {
  const { code, residues } = plan;
  return code.width === 0 ? code : { ...code, codes: packBits(residues, code.width) };
}

/** `into`: where they go, an array of so many zeros. */
export function decodeTimes(code: TimeCode, length: number, into?: Float64Array): Float64Array {
  const { first, step, shift, unit } = code;
  const times = unpackBits(code.codes ?? new Uint8Array(), length, code.width, into);
  for (let index = 0; index < length; index++) {
    times[index] = first + (Math.floor(index * step) + shift + (times[index] as number)) * unit;
  }
  return times;
}

/** Whether there are several, at equal distances, as most devices measure: what comes of them needs no search. */
function isRegular(times: Float64Array, from: number, to: number): boolean {
  const distance = (times[from + 1] as number) - (times[from] as number);
  for (let index = from + 2; index < to; index++) {
    if ((times[index] as number) - (times[index - 1] as number) !== distance) return false;
  }
  return to - from > 1;
}

/** The greatest common divisor of the distances from the first. */
function commonUnit(times: Float64Array, from: number, to: number): number {
  const first = times[from] as number;
  let unit = to - from > 1 ? (times[from + 1] as number) - first : 1;
  for (let index = from + 2; index < to && unit > 1; index++) {
    const distance = (times[index] as number) - first;
    if (Math.floor(distance / unit) * unit !== distance) unit = divisor(distance, unit);
  }
  return unit;
}
