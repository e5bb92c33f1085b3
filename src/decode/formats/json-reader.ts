/** JSON (RFC 8259) out of bytes, for what devices send: short, mostly ASCII, with the same keys again and again. */

import { isUtf8 } from 'node:buffer';
import type { NumberRoom } from '../number-room.ts';
import { setMember } from './byte-reader.ts';
import type { DifferentTexts } from '../different-texts.ts';
import { JsonNumeral } from './json-numeral.ts';
import { KeyCache } from './key-cache.ts';
import type { Members } from './members.ts';

const [QUOTE, COMMA, MINUS, COLON, BACKSLASH] = [0x22, 0x2c, 0x2d, 0x3a, 0x5c];
const [SPACE, TAB, NEWLINE, CARRIAGE_RETURN] = [0x20, 0x09, 0x0a, 0x0d];
const [ZERO, NINE] = [0x30, 0x39];
const [OPEN_BRACKET, CLOSE_BRACKET, OPEN_BRACE, CLOSE_BRACE] = [0x5b, 0x5d, 0x7b, 0x7d];

const keys = new KeyCache(48);
const numeral = new JsonNumeral();

/** What a document may have, beyond which it is not read. */
export interface JsonBounds {
  /** Levels of arrays and objects within one another. */
  readonly nesting: number;
  /** Arrays and objects. Default: any number. */
  readonly items?: number;
  /** Values, beside the document itself. Default: any number. */
  readonly values?: number;
  /** Keys, each as often as it is there. Default: any number. */
  readonly keys?: number;
  /** Where keys are told apart, so that only different ones count. Default: nowhere. */
  readonly different?: DifferentTexts;
}
const [TRUE, FALSE, NULL] = ['true', 'false', 'null'].map((word) => Buffer.from(word)) as [
  Buffer,
  Buffer,
  Buffer,
];

/**
 * Reads what `JSON.parse` reads, integers beyond 2^53 of up to 20 characters as bigints, at half of its cost for short
 * documents: no text is made of what is looked at once. One for all documents.
 */
export class JsonReader {
  #bytes: Buffer = Buffer.alloc(0);
  #end = 0;
  #at = 0;
  #levels = 0;
  #items = 0;
  #values = 0;
  #keys = 0;
  #different: DifferentTexts | null = null;
  #room: NumberRoom | null = null;
  /** Whether all bytes are known to be UTF-8. */
  #isUtf8 = false;

  /**
   * Undefined where the bytes are no JSON, or beyond the bounds: this does not say why. With a room, an array of numbers that
   * is a member of an object lies there, as a Float64Array.
   */
  read(bytes: Buffer, bounds: JsonBounds, room: NumberRoom | null = null): unknown {
    this.#begin(bytes, bounds, room);
    const value = this.#value();
    return this.#next() === -1 ? value : undefined;
  }

  /** The members of an object, in order, each as often as it is there; false where the bytes are none, or beyond the bounds. */
  readMembers(bytes: Buffer, bounds: JsonBounds, members: Members, room: NumberRoom | null = null): boolean {
    members.clear();
    this.#begin(bytes, bounds, room);
    return this.#next() === OPEN_BRACE && this.#members(members, null) && this.#next() === -1;
  }

  #begin(
    bytes: Buffer,
    { nesting, items = Infinity, values = Infinity, keys: most = Infinity, different }: JsonBounds,
    room: NumberRoom | null,
  ): void {
    this.#bytes = bytes;
    this.#end = bytes.length;
    this.#at = 0;
    this.#levels = nesting;
    this.#items = items;
    this.#values = values;
    this.#keys = most;
    this.#different = different ?? null;
    this.#room = room;
    this.#isUtf8 = false;
  }

  /** Goes to the next byte that is no white space, and returns it; -1 at the end. */
  #next(): number {
    const bytes = this.#bytes;
    for (let at = this.#at; at < this.#end; at++) {
      const byte = bytes[at] as number;
      if (byte > SPACE || (byte !== SPACE && byte !== NEWLINE && byte !== CARRIAGE_RETURN && byte !== TAB)) {
        this.#at = at;
        return byte;
      }
    }
    this.#at = this.#end;
    return -1;
  }

  #value(): unknown {
    const byte = this.#next();
    if (byte === MINUS || (byte >= ZERO && byte <= NINE)) return this.#number();
    switch (byte) {
      case QUOTE:
        return this.#string();
      case OPEN_BRACE:
        return this.#object();
      case OPEN_BRACKET:
        return this.#array();
      case 0x74:
        return this.#word(TRUE) ? true : undefined;
      case 0x66:
        return this.#word(FALSE) ? false : undefined;
      case 0x6e:
        return this.#word(NULL) ? null : undefined;
      default:
        return undefined;
    }
  }

  #object(): object | undefined {
    const object: Record<string, unknown> = {};
    return this.#members(null, object) ? object : undefined;
  }

  /** Into one of the two. */
  #members(members: Members | null, object: Record<string, unknown> | null): boolean {
    if (--this.#levels < 0 || --this.#items < 0) return false;
    this.#at++;
    let byte = this.#next();
    while (byte !== CLOSE_BRACE) {
      const key = byte === QUOTE ? this.#string() : undefined;
      if (key === undefined || this.#next() !== COLON) return false;
      this.#at++;
      const value = this.#member();
      if (value === undefined || --this.#values < 0 || !this.#takesKey(key)) return false;
      if (members !== null) members.push(key, value);
      else if (object !== null) setMember(object, key, value);
      byte = this.#next();
      if (byte === COMMA) {
        this.#at++;
        byte = this.#next();
        if (byte !== QUOTE) return false;
      } else if (byte !== CLOSE_BRACE) {
        return false;
      }
    }
    this.#at++;
    this.#levels++;
    return true;
  }

  #takesKey(key: string): boolean {
    const different = this.#different;
    if (different === null) return --this.#keys >= 0;
    different.add(key);
    return different.size <= this.#keys;
  }

  #member(): unknown {
    const room = this.#room;
    if (room === null || this.#next() !== OPEN_BRACKET || this.#levels < 1) return this.#value();
    return this.#numbers(room) ?? this.#array();
  }

  /** All of an array; undefined, and nothing is read, where it has anything but the usual numbers, or there is no room. */
  #numbers(room: NumberRoom): Float64Array | undefined {
    const bytes = this.#bytes;
    const start = this.#at;
    const numbers = room.rest();
    let length = 0;
    do {
      this.#at++;
      // Most arrays are written without a space.
      if ((bytes[this.#at] as number) <= SPACE) this.#next();
      const value = numeral.read(bytes, this.#at);
      if (value !== value || length === numbers.length) {
        this.#at = start;
        return undefined;
      }
      numbers[length++] = value;
      this.#at = numeral.end;
    } while (bytes[this.#at] === COMMA || this.#next() === COMMA);
    if (bytes[this.#at] !== CLOSE_BRACKET || --this.#items < 0) {
      this.#at = start;
      return undefined;
    }
    this.#at++;
    return room.take(length);
  }

  #array(): unknown[] | undefined {
    if (--this.#levels < 0 || --this.#items < 0) return undefined;
    const array: unknown[] = [];
    this.#at++;
    let byte = this.#next();
    while (byte !== CLOSE_BRACKET) {
      const value = this.#value();
      if (value === undefined || --this.#values < 0) return undefined;
      array.push(value);
      byte = this.#next();
      if (byte === COMMA) {
        this.#at++;
        // No value begins with the end of an array.
        if (this.#next() === CLOSE_BRACKET) return undefined;
      } else if (byte !== CLOSE_BRACKET) {
        return undefined;
      }
    }
    this.#at++;
    this.#levels++;
    return array;
  }

  #string(): string | undefined {
    const bytes = this.#bytes;
    const start = this.#at + 1;
    let at = start;
    let plain = true;
    for (; ; at++) {
      if (at >= this.#end) return undefined;
      const byte = bytes[at] as number;
      if (byte === QUOTE) break;
      if (byte < SPACE) return undefined;
      if (byte === BACKSLASH) {
        plain = false;
        at++;
      } else if (byte >= 0x80) {
        this.#isUtf8 ||= isUtf8(bytes);
        if (!this.#isUtf8) return undefined;
      }
    }
    this.#at = at + 1;
    return plain
      ? (keys.get(bytes, start, at - start) ?? bytes.toString('utf8', start, at))
      : unescape(bytes.toString('utf8', start - 1, at + 1));
  }

  #number(): number | bigint | undefined {
    const short = numeral.read(this.#bytes, this.#at);
    const value = short === short ? short : numeral.readLong(this.#bytes, this.#at);
    if (value !== undefined) this.#at = numeral.end;
    return value;
  }

  #word(word: Buffer): boolean {
    const { length } = word;
    if (this.#bytes.compare(word, 0, length, this.#at, Math.min(this.#at + length, this.#end)) !== 0) {
      return false;
    }
    this.#at += length;
    return true;
  }
}

function unescape(quoted: string): string | undefined {
  try {
    return JSON.parse(quoted) as string;
  } catch {
    return undefined;
  }
}
