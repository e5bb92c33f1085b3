/** The powers of ten that are exact as doubles and make decimals of measured values. */
export const POWERS: Float64Array = Float64Array.from({ length: 16 }, (_, exponent) => 10 ** exponent);

const LARGEST = POWERS.length - 1;
/** Values after which it is clear that a series is no decimals. */
const SAMPLE = 32;

/** The whole number that gives the value back when divided by the scale; NaN where there is none, and for -0. */
export function toDecimal(value: number, scale: number): number {
  const whole = Math.round(value * scale);
  if (whole / scale !== value || Math.abs(whole) > Number.MAX_SAFE_INTEGER) return Number.NaN;
  if (whole === 0) return Object.is(value, -0) ? Number.NaN : 0;
  return whole;
}

export interface Exponent {
  readonly exponent: number;
  /** From this index on `whole` has what `toDecimal` makes of the values at that exponent. */
  readonly since: number;
}

/**
 * The decimal places that make values [from, to) the shortest: values with more places than most are kept apart.
 * Null where most are no decimals. `whole`: room for as many, in which the work on most of them need not be done again.
 */
export function chooseExponent(
  values: Float64Array,
  from: number,
  to: number,
  whole: Float64Array,
): Exponent | null {
  const counts = new Int32Array(LARGEST + 1);
  let current = 0;
  let since = 0;
  let odd = 0;
  let lowest = Number.POSITIVE_INFINITY;
  let highest = Number.NEGATIVE_INFINITY;
  for (let index = from; index < to; index++) {
    const value = values[index] as number;
    if (Number.isFinite(value)) {
      if (value < lowest) lowest = value;
      if (value > highest) highest = value;
    }
    const decimal = toDecimal(value, POWERS[current] as number);
    whole[index - from] = decimal;
    const exponent = Number.isNaN(decimal) ? exponentOf(value) : current;
    if (exponent === null) {
      odd++;
      if (index - from >= SAMPLE && odd * 2 > index - from) return null;
      continue;
    }
    const count = (counts[exponent] as number) + 1;
    counts[exponent] = count;
    if (count > (counts[current] as number)) {
      current = exponent;
      since = index + 1 - from;
    }
  }
  const exponent = shortest(counts, to - from, highest - lowest);
  return exponent === null ? null : { exponent, since: exponent === current ? since : to - from };
}

/** By an estimate of the bits: a code a value, and the whole value for those that need more places. */
function shortest(counts: Int32Array, length: number, range: number): number | null {
  let best: number | null = null;
  let fewest = length * 64;
  let fitting = 0;
  for (let exponent = 0; exponent <= LARGEST; exponent++) {
    const count = counts[exponent] as number;
    fitting += count;
    if (count === 0) continue;
    const codes = range * (POWERS[exponent] as number) + 1 + length - fitting;
    const bits = length * Math.log2(codes) + (length - fitting) * 64;
    if (bits >= fewest) continue;
    fewest = bits;
    best = exponent;
  }
  return best;
}

function exponentOf(value: number): number | null {
  if (!Number.isFinite(value)) return null;
  for (let exponent = 0; exponent <= LARGEST; exponent++) {
    if (!Number.isNaN(toDecimal(value, POWERS[exponent] as number))) return exponent;
  }
  return null;
}
