/** Numbers of JSON (RFC 8259, section 6) out of bytes. */

const [MINUS, DOT, ZERO, LOWER_E] = [0x2d, 0x2e, 0x30, 0x65];

/** A whole number of as many digits is one that a double holds. */
const EXACT_DIGITS = 15;
const POWERS = Float64Array.from({ length: EXACT_DIGITS + 1 }, (_, exponent) => 10 ** exponent);

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
}
