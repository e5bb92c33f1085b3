/** Numbers of JSON (RFC 8259, section 6) out of bytes. */

const [PLUS, MINUS, DOT, ZERO, NINE, LOWER_E] = [0x2b, 0x2d, 0x2e, 0x30, 0x39, 0x65];

/** A whole number of as many digits is one that a double holds. */
const EXACT_DIGITS = 15;
const POWERS = Float64Array.from({ length: EXACT_DIGITS + 1 }, (_, exponent) => 10 ** exponent);

/** Characters; longer integers are doubles. */
const LONGEST_BIGINT = 20;
/** Digits of a whole number that a double does not hold for certain, as it begins with none of zero. */
const UNSAFE_DIGITS = 17;
/** So many of its last digits are read apart. */
const LOW = 10n ** BigInt(EXACT_DIGITS);

/** Reads the numbers that devices send. One for all of them, so that a number costs no object. */
export class JsonNumeral {
  /** Behind the number that was read last. */
  end = 0;

  /**
   * The double that any parser makes of the number which begins there; NaN where there is none, or one that has to be looked
   * at otherwise: with an exponent, or of more digits than a double certainly holds.
   */
  read(bytes: Buffer, start: number): number {
    let at = start;
    const isNegative = bytes[at] === MINUS;
    if (isNegative) at++;
    const whole = at;
    let mantissa = 0;
    let digit = (bytes[at] as number) - ZERO;
    while (digit >= 0 && digit <= 9) {
      mantissa = mantissa * 10 + digit;
      digit = (bytes[++at] as number) - ZERO;
    }
    let digits = at - whole;
    if (digits === 0 || (digits > 1 && bytes[whole] === ZERO)) return Number.NaN;
    let decimals = 0;
    if (digit === DOT - ZERO) {
      const point = ++at;
      digit = (bytes[at] as number) - ZERO;
      while (digit >= 0 && digit <= 9) {
        mantissa = mantissa * 10 + digit;
        digit = (bytes[++at] as number) - ZERO;
      }
      decimals = at - point;
      if (decimals === 0) return Number.NaN;
      digits += decimals;
    }
    if (((digit + ZERO) | 0x20) === LOWER_E) return Number.NaN;
    // A longer whole number is exact up to 2^53, and what is more stays more.
    const isExact = digits <= EXACT_DIGITS || (decimals === 0 && mantissa <= Number.MAX_SAFE_INTEGER);
    if (!isExact) return Number.NaN;
    this.end = at;
    // Both are exact: so the quotient is the nearest double, as that of any parser.
    const value = decimals === 0 ? mantissa : mantissa / (POWERS[decimals] as number);
    return isNegative ? -value : value;
  }

  /**
   * Of any number of digits, or with an exponent: a bigint where a double may not hold the integer. Undefined, and `end` as it
   * was, where there is none.
   */
  readLong(bytes: Buffer, start: number): number | bigint | undefined {
    const isNegative = bytes[start] === MINUS;
    const whole = isNegative ? start + 1 : start;
    let at = endOfDigits(bytes, whole);
    if (at === whole || (at > whole + 1 && bytes[whole] === ZERO)) return undefined;
    let isWhole = true;
    if (bytes[at] === DOT) {
      isWhole = false;
      const point = ++at;
      at = endOfDigits(bytes, at);
      if (at === point) return undefined;
    }
    if (((bytes[at] ?? 0) | 0x20) === LOWER_E) {
      isWhole = false;
      const sign = bytes[++at];
      if (sign === PLUS || sign === MINUS) at++;
      const exponent = at;
      at = endOfDigits(bytes, at);
      if (at === exponent) return undefined;
    }
    this.end = at;
    if (isWhole && at - whole >= UNSAFE_DIGITS && at - start <= LONGEST_BIGINT) {
      const low = at - EXACT_DIGITS;
      const value = digitsOf(bytes, whole, low) * LOW + digitsOf(bytes, low, at);
      return isNegative ? -value : value;
    }
    const text = bytes.toString('latin1', start, at);
    const value = Number(text);
    return !isWhole || Number.isSafeInteger(value) || text.length > LONGEST_BIGINT ? value : BigInt(text);
  }
}

function endOfDigits(bytes: Buffer, start: number): number {
  let at = start;
  for (let byte = bytes[at] ?? 0; byte >= ZERO && byte <= NINE; byte = bytes[++at] ?? 0);
  return at;
}

/** So few that a double holds them: to make a text of them, and that a bigint, takes twice as long. */
function digitsOf(bytes: Buffer, start: number, end: number): bigint {
  let value = 0;
  for (let at = start; at < end; at++) value = value * 10 + (bytes[at] as number) - ZERO;
  return BigInt(value);
}
