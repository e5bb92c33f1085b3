import { bitsOf, packBits, unpackBits } from './bits.ts';
import { divisor } from './divisor.ts';

/** Times shortly after others: `others[i] + shift + code[i] * unit` microseconds. */
export interface OffsetCode {
  readonly unit: number;
  readonly shift: number;
  readonly width: number;
  /** Null where the width is 0. */
  readonly codes: Uint8Array | null;
}

/** A code before its codes are packed. */
export interface OffsetPlan {
  readonly code: OffsetCode;
  readonly residues: Float64Array;
}

/** Of times [from, to), at least one. Null where one is too far from its other for 52 bits. */
export function planOffsets(
  times: Float64Array,
  others: Float64Array,
  from: number,
  to: number,
): OffsetPlan | null {
  const residues = new Float64Array(to - from);
  let shift = Number.POSITIVE_INFINITY;
  let largest = Number.NEGATIVE_INFINITY;
  for (let index = from; index < to; index++) {
    const offset = (times[index] as number) - (others[index] as number);
    residues[index - from] = offset;
    shift = Math.min(shift, offset);
    largest = Math.max(largest, offset);
  }
  if (largest - shift > 2 ** 52) return null;
  let unit = 0;
  for (const offset of residues) unit = divisor(offset - shift, unit);
  unit = Math.max(unit, 1);
  for (let index = 0; index < residues.length; index++) {
    residues[index] = ((residues[index] as number) - shift) / unit;
  }
  const width = bitsOf((largest - shift) / unit);
  return { code: { unit, shift, width, codes: null }, residues };
}

export function packOffsets(plan: OffsetPlan): OffsetCode {
  const { code, residues } = plan;
  return code.width === 0 ? code : { ...code, codes: packBits(residues, code.width) };
}

export function decodeOffsets(code: OffsetCode, others: Float64Array): Float64Array {
  const times = unpackBits(code.codes ?? new Uint8Array(), others.length, code.width);
  for (let index = 0; index < others.length; index++) {
    times[index] = (others[index] as number) + (code.shift + (times[index] as number) * code.unit);
  }
  return times;
}
