/** Numbers as line protocol writes them. */

const [PLUS, MINUS, DOT] = [0x2b, 0x2d, 0x2e];
const [ZERO, NINE, LOWER_E, LOWER_I, LOWER_U] = [0x30, 0x39, 0x65, 0x69, 0x75];

/** Where a decimal number, or an integer with its `i` or `u`, ends; -1 where there is none. */
export function endOfNumeral(bytes: Buffer, start: number, end: number): number {
  let at = start;
  const sign = bytes[at];
  if (sign === MINUS || sign === PLUS) at++;
  const whole = at;
  at = endOfDigits(bytes, at, end);
  let digits = at - whole;
  if (digits > 0 && at < end && (bytes[at] === LOWER_I || (bytes[at] === LOWER_U && sign !== MINUS))) {
    return at + 1;
  }
  if (at < end && bytes[at] === DOT) {
    const fraction = at + 1;
    at = endOfDigits(bytes, fraction, end);
    digits += at - fraction;
  }
  if (digits === 0) return -1;
  if (at >= end || ((bytes[at] as number) | 0x20) !== LOWER_E) return at;
  at++;
  if (at < end && (bytes[at] === MINUS || bytes[at] === PLUS)) at++;
  const exponent = at;
  at = endOfDigits(bytes, exponent, end);
  return at > exponent ? at : -1;
}

function endOfDigits(bytes: Buffer, start: number, end: number): number {
  let at = start;
  while (at < end && isDigit(bytes[at] as number)) at++;
  return at;
}

export function isDigit(code: number): boolean {
  return code >= ZERO && code <= NINE;
}
