import { bitsOf, packBits, unpackBits } from './bits.ts';
import { POWERS } from './exponent.ts';
import { planValues } from './value-code.ts';

/**
 * Numbers that were computed: `(base + floor(i * step) + (code[i] >> noise)) / scale + noiseOf(code[i]) * grain`, where
 * the lowest `noise` bits of a code say how far rounding took the number from a decimal, from -2^(noise - 1) on; or
 * `raw[code[i] - limit]` for a code from the limit on. A width of -1 means the numbers in `raw` as they are.
 * PostgreSQL does the same arithmetic on the same doubles.
 */
export interface NumberCode {
  readonly width: number;
  readonly noise: number;
  readonly scale: number | null;
  readonly base: number | null;
  /** Null for 0, like the grain. */
  readonly step: number | null;
  readonly grain: number | null;
  readonly limit: number | null;
  readonly codes: Uint8Array | null;
  readonly raw: Float64Array | null;
}

/** A code before its codes are packed. */
export interface NumberPlan {
  readonly code: NumberCode;
  readonly residues: Float64Array | null;
}

const RAW = {
  width: -1,
  noise: 0,
  scale: null,
  base: null,
  step: null,
  grain: null,
  limit: null,
  codes: null,
};
/** Bits a number from which a decimal with noise may be shorter. */
const MANY_BITS = 24;
const MOST_NOISE = 2 ** 20;
const MOST_PLACES = 12;
/** Numbers that say which scale is the best one, and scales that are tried on all. */
const SAMPLE = 40;
const ATTEMPTS = 2;

/** Of numbers [from, to), at least one. `divisor`: a whole number whose multiples by powers of ten may be the scale too. */
export function planNumbers(values: Float64Array, from: number, to: number, divisor: number): NumberPlan {
  const length = to - from;
  const exact = planValues(values, from, to);
  const { code } = exact;
  const bits = code.kind === 'decimal' ? exact.bits : length * 64;
  if (bits > length * MANY_BITS) {
    const noisy = planNoisy(values, from, to, divisor, bits);
    if (noisy !== null) return noisy;
  }
  if (code.kind !== 'decimal') return { code: { ...RAW, raw: values.subarray(from, to) }, residues: null };
  const { scale, base, step, width, limit, odd } = code;
  return {
    code: {
      width,
      noise: 0,
      scale,
      base,
      step: step === 0 ? null : step,
      grain: null,
      limit,
      codes: null,
      raw: odd,
    },
    residues: exact.residues,
  };
}

export function packNumbers(plan: NumberPlan): NumberCode {
  const { code, residues } = plan;
  return residues === null || code.width <= 0 ? code : { ...code, codes: packBits(residues, code.width) };
}

export function decodeNumbers(code: NumberCode, length: number): Float64Array {
  const raw = code.raw ?? new Float64Array();
  if (code.width < 0) return Float64Array.from(raw);
  const numbers = unpackBits(code.codes ?? new Uint8Array(), length, code.width);
  const limit = code.limit ?? Number.POSITIVE_INFINITY;
  const base = code.base as number;
  const scale = code.scale as number;
  const step = code.step ?? 0;
  const grain = code.grain ?? 0;
  const noises = 2 ** code.noise;
  const half = code.noise === 0 ? 0 : noises / 2;
  for (let index = 0; index < length; index++) {
    const residue = numbers[index] as number;
    const whole = Math.floor(residue / noises);
    numbers[index] =
      residue >= limit
        ? (raw[residue - limit] as number)
        : (base + Math.floor(index * step) + whole) / scale + (residue - whole * noises - half) * grain;
  }
  return numbers;
}

/** The shortest decimals with noise; null where none takes fewer bits than `most`. */
function planNoisy(
  values: Float64Array,
  from: number,
  to: number,
  divisor: number,
  most: number,
): NumberPlan | null {
  let largest = 0;
  for (let index = from; index < to; index++) {
    const value = values[index] as number;
    if (!Number.isFinite(value) || Object.is(value, -0)) return null;
    largest = Math.max(largest, Math.abs(value));
  }
  if (largest > 1e15 || largest < 1e-15) return null;
  const ulp = 2 ** (Math.floor(Math.log2(largest)) - 52);
  const scales = [...POWERS.subarray(0, MOST_PLACES + 1)];
  if (divisor > 1 && divisor <= 1e6) scales.push(...scales.map((scale) => scale * divisor));
  const sample = sampleOf(values, from, to);
  const promising = scales
    .filter((scale) => scale * largest <= 2 ** 51)
    .map((scale) => ({ scale, width: planAtScale(sample, 0, sample.length, scale, ulp)?.code.width ?? 64 }))
    .sort((left, right) => left.width - right.width);
  for (const { scale } of promising.slice(0, ATTEMPTS)) {
    const plan = planAtScale(values, from, to, scale, ulp);
    if (plan !== null && plan.code.width * (to - from) < most) return plan;
  }
  return null;
}

/** Some of many, evenly. */
function sampleOf(values: Float64Array, from: number, to: number): Float64Array {
  const stride = Math.ceil((to - from) / SAMPLE);
  return Float64Array.from(
    { length: Math.ceil((to - from) / stride) },
    (_, index) => values[from + index * stride] as number,
  );
}

function planAtScale(
  values: Float64Array,
  from: number,
  to: number,
  scale: number,
  ulp: number,
): NumberPlan | null {
  const length = to - from;
  const whole = new Float64Array(length);
  const rest = new Float64Array(length);
  let grain = ulp;
  for (let index = 0; index < length; index++) {
    const value = values[from + index] as number;
    const decimal = Math.round(value * scale) + 0; // no -0
    const difference = value - decimal / scale;
    if (Math.abs(difference) > MOST_NOISE * ulp) return null;
    whole[index] = decimal;
    rest[index] = difference;
    while (!Number.isInteger(difference / grain)) grain /= 2;
    if (grain * MOST_NOISE < ulp) return null;
  }
  let most = 0;
  let lowest = Number.POSITIVE_INFINITY;
  let highest = Number.NEGATIVE_INFINITY;
  const step = length > 1 ? ((whole[length - 1] as number) - (whole[0] as number)) / (length - 1) : 0;
  for (let index = 0; index < length; index++) {
    most = Math.max(most, Math.abs((rest[index] as number) / grain));
    const residue = (whole[index] as number) - Math.floor(index * step);
    whole[index] = residue;
    lowest = Math.min(lowest, residue);
    highest = Math.max(highest, residue);
  }
  if (most > MOST_NOISE * 16) return null;
  const noise = most === 0 ? 0 : bitsOf(most) + 1;
  const width = bitsOf(highest - lowest) + noise;
  if (width > 52) return null;
  const noises = 2 ** noise;
  const half = noise === 0 ? 0 : noises / 2;
  for (let index = 0; index < length; index++) {
    const start = lowest + Math.floor(index * step);
    const residue = (whole[index] as number) - lowest;
    const error = (rest[index] as number) / grain;
    // Not where the sum rounds, which only a number far below the others could make it do.
    if ((start + residue) / scale + error * grain !== values[from + index]) return null;
    whole[index] = residue * noises + error + half;
  }
  return {
    code: {
      width,
      noise,
      scale,
      base: lowest,
      step: step === 0 ? null : step,
      grain: noise === 0 ? null : grain,
      limit: null,
      codes: null,
      raw: null,
    },
    residues: whole,
  };
}
