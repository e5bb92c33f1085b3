/** The bytes of InfluxDB's line protocol: where its parts end, and its values. What separates them is ASCII. */

import { asBuffer } from './byte-reader.ts';
import { HASH_PRIME, HASH_SEED } from '../text-hash.ts';
import { KeyCache } from './key-cache.ts';
import { endOfNumeral, isDigit } from './line-numeral.ts';

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
const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ...['t', 'T', 'true', 'True', 'TRUE'].map((word) => [word, true] as const),
  ...['f', 'F', 'false', 'False', 'FALSE'].map((word) => [word, false] as const),
]);

/** Names of fields: the longest that Telegraf's inputs have are near. */
const LONGEST_FIELD = 200;
const fields = new KeyCache(LONGEST_FIELD);
/** Where short texts are put together. */
const scratch = Buffer.alloc(1024);

/**
 * Goes through valid UTF-8 part by part. Where a part is not there its method returns null and `fault` says what is wrong: a
 * message may have thousands of lines that are none, and an exception each would take long.
 */
export class LineScanner {
  readonly bytes: Buffer;
  at = 0;
  fault = '';
  /** Where the latest key is: measurement and tags as they are written. */
  keyStart = 0;
  keyEnd = 0;
  /** Tells it from most others. */
  keyHash = 0;
  keyIsAscii = true;
  /** Where the digits of the latest timestamp are; both the same where there are none. */
  timeStart = 0;
  timeEnd = 0;
  readonly #end: number;

  constructor(payload: Uint8Array) {
    this.bytes = asBuffer(payload);
    this.#end = payload.byteLength;
    if (hasByteOrderMark(payload)) this.at = 3;
  }

  /** Goes to the next line that is neither empty nor a comment; false where there is none. */
  nextLine(): boolean {
    while (this.at < this.#end) {
      const code = this.bytes[this.at];
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
        return true;
      }
    }
    return false;
  }

  /** Goes behind the end of the line, also where that lies in a text that has no end. */
  skipLine(): void {
    const end = this.bytes.indexOf(NEWLINE, this.at);
    this.at = end === -1 ? this.#end : end + 1;
  }

  /** Goes through measurement and tags, behind the spaces before the fields; false where none of those follows. */
  key(): boolean {
    const { bytes } = this;
    const start = this.at;
    let end = start;
    let hash = HASH_SEED;
    let high = 0;
    for (; end < this.#end; end++) {
      const code = bytes[end] as number;
      if (code === SPACE || code === NEWLINE) break;
      hash = Math.imul(hash ^ code, HASH_PRIME);
      high |= code;
      if (code === BACKSLASH) {
        // Ends nothing, whatever it is.
        const escaped = bytes[++end] ?? 0;
        hash = Math.imul(hash ^ escaped, HASH_PRIME);
        high |= escaped;
      }
    }
    if (end >= this.#end || bytes[end] === NEWLINE) {
      this.#refuse('no space before the fields');
      return false;
    }
    this.keyStart = start;
    this.keyEnd = end;
    this.keyHash = hash;
    this.keyIsAscii = high < 0x80;
    this.at = end;
    while (bytes[this.at] === SPACE) this.at++;
    return true;
  }

  /** The name of a field as it is written, up to its `=`. */
  fieldKey(): string | null {
    const { bytes } = this;
    const start = this.at;
    let at = start;
    for (; at < this.#end; at++) {
      const code = bytes[at];
      if (code === EQUALS) {
        break;
      }
      if (code === BACKSLASH) {
        at++;
      } else if (code === SPACE || code === COMMA || code === NEWLINE) {
        return this.#refuse('a field without a value');
      }
    }
    if (at >= this.#end || at === start) {
      return this.#refuse(at === start ? 'a field without a name' : 'a field without a value');
    }
    this.at = at + 1;
    return fields.get(bytes, start, at - start) ?? bytes.toString('utf8', start, at);
  }

  /** A field's value where it is a plain decimal of few digits; NaN, and the place unchanged, where it is anything else. */
  plainNumber(): number {
    const { bytes } = this;
    const end = this.#end;
    let at = this.at;
    const negative = at < end && bytes[at] === MINUS;
    if (negative) at++;
    const start = at;
    let mantissa = 0;
    let point = -1;
    for (; at < end; at++) {
      const code = bytes[at] as number;
      if (code >= ZERO && code <= NINE) mantissa = mantissa * 10 + (code - ZERO);
      else if (code === DOT && point === -1) point = at;
      else break;
      if (at - start > EXACT_DIGITS) return Number.NaN;
    }
    const digits = at - start - (point === -1 ? 0 : 1);
    if (digits === 0 || digits > EXACT_DIGITS) {
      return Number.NaN;
    }
    const decimals = point === -1 ? 0 : at - point - 1;
    if (at < end && point === -1) {
      const code = bytes[at];
      if (code === LOWER_I || (code === LOWER_U && !negative)) at++;
    }
    if (at < end && !isEnd(bytes[at] as number)) {
      return Number.NaN;
    }
    this.at = at;
    // Both are exact: so the quotient is the nearest double, as that of any parser.
    const value = decimals === 0 ? mantissa : mantissa / (POWERS[decimals] as number);
    return negative ? -value : value;
  }

  /** A field's value: a number, a boolean or a text. */
  value(): number | boolean | string | null {
    const { bytes } = this;
    if (bytes[this.at] === QUOTE) {
      return this.#quoted();
    }
    const start = this.at;
    const numeral = endOfNumeral(bytes, start, this.#end);
    let at = Math.max(start, numeral);
    while (at < this.#end && !isEnd(bytes[at] as number)) at++;
    this.at = at;
    if (at - start > LONGEST_NUMERAL) {
      return this.#refuse('a value that is too long');
    }
    if (at === numeral) {
      const last = bytes[at - 1];
      return Number(bytes.toString('latin1', start, last === LOWER_I || last === LOWER_U ? at - 1 : at));
    }
    const boolean = BOOLEANS.get(bytes.toString('latin1', start, at));
    if (boolean === undefined) {
      return this.#refuse('a value that is no number, boolean or text in quotes');
    }
    return boolean;
  }

  /** Whether another field follows; goes behind the comma before it. */
  anotherField(): boolean {
    if (this.at >= this.#end || this.bytes[this.at] !== COMMA) {
      return false;
    }
    this.at++;
    return true;
  }

  /** Finds the digits of the timestamp, if there are any, and goes behind the end of the line; false where something else is there. */
  timestamp(): boolean {
    const { bytes } = this;
    const end = this.#end;
    let at = this.at;
    while (at < end && bytes[at] === SPACE) at++;
    this.timeStart = at;
    if (at < end && (bytes[at] === MINUS || bytes[at] === PLUS)) at++;
    while (at < end && isDigit(bytes[at] as number)) at++;
    this.timeEnd = at;
    for (; at < end; at++) {
      const code = bytes[at];
      if (code === NEWLINE) break;
      if (code !== SPACE && code !== CARRIAGE_RETURN && code !== TAB) {
        this.#refuse('something else than a timestamp after the fields');
        return false;
      }
    }
    this.at = at + 1;
    return true;
  }

  #refuse(fault: string): null {
    this.fault = fault;
    return null;
  }

  #quoted(): string | null {
    const { bytes } = this;
    const start = this.at + 1;
    let end = start;
    let escapes = 0;
    let high = 0;
    for (; end < this.#end; end++) {
      const code = bytes[end] as number;
      high |= code;
      if (code === QUOTE) break;
      if (code === BACKSLASH && (bytes[end + 1] === QUOTE || bytes[end + 1] === BACKSLASH)) {
        escapes++;
        end++;
      }
    }
    if (end >= this.#end || (end + 1 < this.#end && !isEnd(bytes[end + 1] as number))) {
      return this.#refuse(end >= this.#end ? 'a text without its end' : 'something behind the end of a text');
    }
    this.at = end + 1;
    if (escapes > 0) return unescape(bytes, start, end, escapes);
    return high < 0x80 ? bytes.toString('latin1', start, end) : bytes.toString('utf8', start, end);
  }
}

/** The text without the backslashes before quotes and backslashes: a copy costs less than a search. */
function unescape(bytes: Buffer, start: number, end: number, escapes: number): string {
  const length = end - start - escapes;
  const plain = length <= scratch.length ? scratch : Buffer.allocUnsafe(length);
  let to = 0;
  for (let at = start; at < end; at++) {
    if (bytes[at] === BACKSLASH && (bytes[at + 1] === QUOTE || bytes[at + 1] === BACKSLASH)) at++;
    plain[to++] = bytes[at] as number;
  }
  return plain.toString('utf8', 0, length);
}

/** Of UTF-8: decoders leave it away. */
function hasByteOrderMark(payload: Uint8Array): boolean {
  return payload[0] === 0xef && payload[1] === 0xbb && payload[2] === 0xbf;
}

function isEnd(code: number): boolean {
  return code === COMMA || code === SPACE || code === NEWLINE || code === CARRIAGE_RETURN;
}
