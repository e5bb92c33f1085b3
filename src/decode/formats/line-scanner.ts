/** The characters of InfluxDB's line protocol: where its parts end, and its values. */

const [NEWLINE, CARRIAGE_RETURN, SPACE, TAB, NUL] = [0x0a, 0x0d, 0x20, 0x09, 0];
const [QUOTE, HASH, PLUS, COMMA, MINUS, DOT, EQUALS, BACKSLASH] = [
  0x22, 0x23, 0x2b, 0x2c, 0x2d, 0x2e, 0x3d, 0x5c,
];
const [ZERO, NINE, LOWER_I, LOWER_U] = [0x30, 0x39, 0x69, 0x75];

/** Nothing longer is a number of a sensor, and reading it would cost more than it is worth. */
const LONGEST_NUMERAL = 400;
/** As many digits are a whole number that a double holds. */
const EXACT_DIGITS = 15;
const POWERS = Array.from({ length: EXACT_DIGITS + 1 }, (_, exponent) => 10 ** exponent);
const NUMERAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const INTEGER = /^[+-]?\d+[iu]$/;
const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ...['t', 'T', 'true', 'True', 'TRUE'].map((word) => [word, true] as const),
  ...['f', 'F', 'false', 'False', 'FALSE'].map((word) => [word, false] as const),
]);

/**
 * Goes through a text part by part. Where a part is not there its method returns null and `fault` says what is wrong: a
 * message may have 100,000 lines that are none, and an exception each would take seconds.
 */
export class LineScanner {
  readonly text: string;
  at = 0;
  fault = '';

  constructor(text: string) {
    this.text = text;
  }

  /** Goes to the next line that is neither empty nor a comment; false where there is none. */
  nextLine(): boolean {
    for (;;) {
      const code = this.text.charCodeAt(this.at);
      if (code === HASH) {
        this.skipLine();
      } else if (
        code === SPACE ||
        code === TAB ||
        code === NEWLINE ||
        code === CARRIAGE_RETURN ||
        code === NUL
      ) {
        this.at++;
      } else {
        return this.at < this.text.length;
      }
    }
  }

  /** Goes behind the end of the line, also where that lies in a text that has no end. */
  skipLine(): void {
    const end = this.text.indexOf('\n', this.at);
    this.at = end === -1 ? this.text.length : end + 1;
  }

  /** Measurement and tags as they are written, up to the space before the fields. */
  key(): string | null {
    const { text } = this;
    const start = this.at;
    let end = start;
    for (let code = text.charCodeAt(end); code !== SPACE; code = text.charCodeAt(++end)) {
      if (code === BACKSLASH) {
        end++;
      } else if (code === NEWLINE || code !== code) {
        return this.#refuse('no space before the fields');
      }
    }
    this.at = end;
    while (text.charCodeAt(this.at) === SPACE) this.at++;
    return text.slice(start, end);
  }

  /** The name of a field as it is written, up to its `=`. */
  fieldKey(): string | null {
    const { text } = this;
    const start = this.at;
    let at = start;
    for (; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code === EQUALS) {
        break;
      }
      if (code === BACKSLASH) {
        at++;
      } else if (code === SPACE || code === COMMA || code === NEWLINE) {
        return this.#refuse('a field without a value');
      }
    }
    if (at >= text.length || at === start) {
      return this.#refuse(at === start ? 'a field without a name' : 'a field without a value');
    }
    this.at = at + 1;
    return text.slice(start, at);
  }

  /** A field's value where it is a plain decimal of few digits; NaN, and the place unchanged, where it is anything else. */
  plainNumber(): number {
    const { text } = this;
    let at = this.at;
    const negative = text.charCodeAt(at) === MINUS;
    if (negative) at++;
    const start = at;
    let mantissa = 0;
    let point = -1;
    let code = text.charCodeAt(at);
    for (; (code >= ZERO && code <= NINE) || (code === DOT && point === -1); code = text.charCodeAt(++at)) {
      if (at - start > EXACT_DIGITS) return Number.NaN;
      if (code === DOT) point = at;
      else mantissa = mantissa * 10 + (code - ZERO);
    }
    const digits = at - start - (point === -1 ? 0 : 1);
    if (digits === 0 || digits > EXACT_DIGITS) {
      return Number.NaN;
    }
    if ((code === LOWER_I || (code === LOWER_U && !negative)) && point === -1) code = text.charCodeAt(++at);
    if (!isEnd(code)) {
      return Number.NaN;
    }
    const decimals = point === -1 ? 0 : start + digits - point;
    this.at = at;
    // Both are exact: so the quotient is the nearest double, as that of any parser.
    const value = decimals === 0 ? mantissa : mantissa / (POWERS[decimals] as number);
    return negative ? -value : value;
  }

  /** A field's value: a number, a boolean or a text. */
  value(): number | boolean | string | null {
    if (this.text.charCodeAt(this.at) === QUOTE) {
      return this.#quoted();
    }
    const start = this.at;
    let at = start;
    while (!isEnd(this.text.charCodeAt(at))) at++;
    this.at = at;
    if (at - start > LONGEST_NUMERAL) {
      return this.#refuse('a value that is too long');
    }
    const written = this.text.slice(start, at);
    if (NUMERAL.test(written)) {
      return Number(written);
    }
    if (
      INTEGER.test(written) &&
      !(written.startsWith('-') && written.charCodeAt(written.length - 1) === LOWER_U)
    ) {
      return Number(written.slice(0, -1));
    }
    const boolean = BOOLEANS.get(written);
    if (boolean === undefined) {
      return this.#refuse('a value that is no number, boolean or text in quotes');
    }
    return boolean;
  }

  /** Whether another field follows; goes behind the comma before it. */
  anotherField(): boolean {
    if (this.text.charCodeAt(this.at) !== COMMA) {
      return false;
    }
    this.at++;
    return true;
  }

  /** The timestamp as it is written, '' where there is none; goes behind the end of the line. */
  timestamp(): string | null {
    const { text } = this;
    let at = this.at;
    while (text.charCodeAt(at) === SPACE) at++;
    const start = at;
    for (
      let code = text.charCodeAt(at);
      isDigit(code) || (at === start && (code === MINUS || code === PLUS));
    ) {
      code = text.charCodeAt(++at);
    }
    const end = at;
    for (let code = text.charCodeAt(at); code === SPACE || code === CARRIAGE_RETURN || code === TAB; ) {
      code = text.charCodeAt(++at);
    }
    if (at < text.length && text.charCodeAt(at) !== NEWLINE) {
      return this.#refuse('something else than a timestamp after the fields');
    }
    this.at = at + 1;
    return text.slice(start, end);
  }

  #refuse(fault: string): null {
    this.fault = fault;
    return null;
  }

  #quoted(): string | null {
    const { text } = this;
    const start = this.at + 1;
    let end = text.indexOf('"', start);
    while (end !== -1 && isEscaped(text, start, end)) {
      end = text.indexOf('"', end + 1);
    }
    if (end === -1 || !isEnd(text.charCodeAt(end + 1))) {
      return this.#refuse(end === -1 ? 'a text without its end' : 'something behind the end of a text');
    }
    this.at = end + 1;
    return text.slice(start, end).replaceAll(/\\(["\\])/g, '$1');
  }
}

/** Whether the first line, beside comments and empty ones, is one of the protocol. */
export function beginsWithLine(text: string): boolean {
  const scanner = new LineScanner(text);
  if (!scanner.nextLine() || scanner.key() === null) {
    return false;
  }
  do {
    if (scanner.fieldKey() === null || scanner.value() === null) return false;
  } while (scanner.anotherField());
  return scanner.timestamp() !== null;
}

function isDigit(code: number): boolean {
  return code >= ZERO && code <= NINE;
}

/** NaN is the end of the text. */
function isEnd(code: number): boolean {
  return code === COMMA || code === SPACE || code === NEWLINE || code === CARRIAGE_RETURN || code !== code;
}

/** Whether an odd number of backslashes stands before. */
function isEscaped(text: string, start: number, at: number): boolean {
  let first = at;
  while (first > start && text.charCodeAt(first - 1) === BACKSLASH) first--;
  return (at - first) % 2 === 1;
}
