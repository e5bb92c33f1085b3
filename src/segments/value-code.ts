import { bitsOf, packBits, unpackBits } from './bits.ts';
import { chooseExponent, type Exponent, POWERS, toDecimal } from './exponent.ts';

/**
 * Decimals: `(base + floor(i * step) + code[i]) / scale`, or `odd[code[i] - limit]` for a code from the limit on: values
 * that are no short decimals (NaN, infinities, -0, measured noise), each once. PostgreSQL does the same arithmetic on
 * the same doubles.
 */
export interface DecimalCode {
  readonly kind: 'decimal';
  /** A power of ten, exact. Divide by it: a product with its inverse is another number. */
  readonly scale: number;
  readonly base: number;
  readonly step: number;
  readonly width: number;
  /** Null where the width is 0. */
  readonly codes: Uint8Array | null;
  readonly limit: number | null;
  readonly odd: Float64Array | null;
}

/** Values as they are: singles where every one of them fits. */
interface FloatCode {
  readonly kind: 'single' | 'double';
  readonly values: Float32Array | Float64Array;
}

export type ValueCode = DecimalCode | FloatCode;

/** A code before its codes are packed. */
export interface ValuePlan {
  readonly code: ValueCode;
  /** Null for floats. */
  readonly residues: Float64Array | null;
  /** What the values take, without what every code takes. */
  readonly bits: number;
}

const ODD_BITS = 64;
/** Values of which half are alike where the same few come over and over. */
const SAMPLE = 32;

/**
 * Of values [from, to), at least one: whichever code is the shortest. Every NaN becomes the canonical one. `room`: where
 * residues may go, for as long as the plan is wanted.
 */
export function planValues(
  values: Float64Array,
  from: number,
  to: number,
  room: Float64Array = new Float64Array(to - from),
): ValuePlan {
  const exponent = chooseExponent(values, from, to, room);
  const floats = planFloats(values, from, to);
  const decimals =
    exponent === null
      ? planOdd(values, from, to, floats.bits)
      : planDecimals(values, from, to, exponent, room);
  return decimals !== null && decimals.bits < floats.bits ? decimals : floats;
}

export function packValues(plan: ValuePlan): ValueCode {
  const { code, residues } = plan;
  if (code.kind !== 'decimal' || residues === null || code.width === 0) return code;
  return { ...code, codes: packBits(residues, code.width) };
}

/** `into`: where they go, an array of so many zeros. */
export function decodeValues(code: ValueCode, length: number, into = new Float64Array(length)): Float64Array {
  if (code.kind !== 'decimal') {
    into.set(code.values);
    return into;
  }
  const { base, step, scale, odd } = code;
  const limit = code.limit ?? Number.POSITIVE_INFINITY;
  const values = unpackBits(code.codes ?? new Uint8Array(), length, code.width, into);
  for (let index = 0; index < length; index++) {
    const residue = values[index] as number;
    values[index] =
      residue >= limit
        ? ((odd as Float64Array)[residue - limit] as number)
        : (base + Math.floor(index * step) + residue) / scale;
  }
  return values;
}

function planFloats(values: Float64Array, from: number, to: number): ValuePlan {
  const taken = values.subarray(from, to);
  const isSingle = taken.every((value) => Object.is(Math.fround(value), value));
  return {
    code: isSingle ? { kind: 'single', values: Float32Array.from(taken) } : { kind: 'double', values: taken },
    residues: null,
    bits: taken.length * (isSingle ? 32 : 64),
  };
}

/**
 * Null where a value would not come back, which the limits of `toDecimal` leave to the width alone. `room`: where whole numbers
 * may be already, as `exponent` says.
 */
function planDecimals(
  values: Float64Array,
  from: number,
  to: number,
  { exponent, since }: Exponent,
  room: Float64Array,
): ValuePlan | null {
  const length = to - from;
  const scale = POWERS[exponent] as number;
  const whole = room.subarray(0, length); // NaN where odd
  let first = -1;
  let last = -1;
  let lowest = Number.POSITIVE_INFINITY;
  let highest = Number.NEGATIVE_INFINITY;
  let oddCount = 0;
  for (let index = 0; index < since; index++) {
    whole[index] = toDecimal(values[from + index] as number, scale);
  }
  for (let index = 0; index < length; index++) {
    const decimal = whole[index] as number;
    if (Number.isNaN(decimal)) {
      oddCount++;
      continue;
    }
    if (first < 0) first = index;
    last = index;
    if (decimal < lowest) lowest = decimal;
    if (decimal > highest) highest = decimal;
  }
  if (first < 0) return null;
  let base = lowest;
  let range = highest - lowest;
  let step = last > first ? ((whole[last] as number) - (whole[first] as number)) / (last - first) : 0;
  // Whatever the line takes away, the rest spans no less than what it does not rise.
  const mayBeSloped = step !== 0 && bitsOf(Math.max(range - Math.abs(step) * length - 1, 0)) < bitsOf(range);
  const sloped = mayBeSloped ? slopedRange(whole, step) : null;
  if (sloped !== null && bitsOf(sloped.range) < bitsOf(range)) ({ base, range } = sloped);
  else step = 0;
  const dictionary = oddCount > 0 ? new Dictionary() : null;
  if (step === 0 && dictionary === null) {
    for (let index = 0; index < length; index++) whole[index] = (whole[index] as number) - base;
    return planned({ scale, base, step, range }, whole, null);
  }
  const limit = range + 1;
  for (let index = 0; index < length; index++) {
    const decimal = whole[index] as number;
    whole[index] =
      dictionary !== null && Number.isNaN(decimal)
        ? limit + dictionary.indexOf(values[from + index] as number)
        : decimal - (base + Math.floor(index * step));
  }
  return planned({ scale, base, step, range }, whole, dictionary);
}

/** Few values that are no decimals, over and over. */
function planOdd(values: Float64Array, from: number, to: number, mostBits: number): ValuePlan | null {
  const residues = new Float64Array(to - from);
  const dictionary = new Dictionary();
  for (let index = from; index < to; index++) {
    residues[index - from] = dictionary.indexOf(values[index] as number);
    if (dictionary.size * ODD_BITS > mostBits) return null;
    if (index - from === SAMPLE && dictionary.size > SAMPLE / 2) return null;
  }
  return planned({ scale: 1, base: 0, step: 0, range: -1 }, residues, dictionary);
}

function planned(
  line: { readonly scale: number; readonly base: number; readonly step: number; readonly range: number },
  residues: Float64Array,
  dictionary: Dictionary | null,
): ValuePlan | null {
  const { scale, base, step, range } = line;
  const size = dictionary?.size ?? 0;
  const width = bitsOf(range + size);
  if (width > 52) return null;
  return {
    code: {
      kind: 'decimal',
      scale,
      base,
      step,
      width,
      codes: null,
      limit: dictionary === null ? null : range + 1,
      odd: dictionary === null ? null : dictionary.values(),
    },
    residues,
    bits: residues.length * width + size * ODD_BITS,
  };
}

/** Around a line with that slope; null where sums on it would leave the whole numbers that doubles hold. */
function slopedRange(whole: Float64Array, step: number): { base: number; range: number } | null {
  let lowest = Number.POSITIVE_INFINITY;
  let highest = Number.NEGATIVE_INFINITY;
  const largest = 2 ** 51;
  if (Math.abs(step) * whole.length > largest) return null;
  for (let index = 0; index < whole.length; index++) {
    const decimal = whole[index] as number;
    if (Number.isNaN(decimal)) continue;
    const residue = decimal - Math.floor(index * step);
    if (residue < lowest) lowest = residue;
    if (residue > highest) highest = residue;
  }
  if (lowest < -largest || highest > largest) return null;
  return { base: lowest, range: highest - lowest };
}

/** Distinct values by their bits, in the order they came. */
class Dictionary {
  readonly #indexes = new Map<number | string, number>();
  readonly #values: number[] = [];

  get size(): number {
    return this.#values.length;
  }

  indexOf(value: number): number {
    // A map takes 0 for -0.
    const key = Object.is(value, -0) ? '-0' : value;
    const found = this.#indexes.get(key);
    if (found !== undefined) return found;
    this.#indexes.set(key, this.#values.length);
    this.#values.push(value);
    return this.#values.length - 1;
  }

  values(): Float64Array {
    return Float64Array.from(this.#values);
  }
}
