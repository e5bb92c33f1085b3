/** CBOR (RFC 8949) by hand: exact integers, times to the microsecond, and no length that is believed before its bytes are there. */

import { ByteString } from '../byte-string.ts';
import { Instant } from '../instant.ts';
import { NO_TIME, secondsToMicros, UNREADABLE } from '../timestamp.ts';
import { type ByteReader, setMember } from './byte-reader.ts';
import { isTypedArrayTag, readTypedArray } from './typed-array.ts';

/** A length that is not told; the end is marked. */
const INDEFINITE = -1;
const BREAK = 0xff;
const [BYTES, TEXT] = [2, 3];
/** A bignum of more bytes is beyond the doubles. */
const LONGEST_BIGNUM = 128;
const BEYOND_DOUBLES = 2n ** 1024n;

/** The one item that the bytes are. Throws Malformed or Excess. */
export function readCbor(reader: ByteReader): unknown {
  const item = readItem(reader);
  if (reader.left > 0) {
    throw reader.malformed(`${reader.left} bytes after the end`);
  }
  return item;
}

export function readItem(reader: ByteReader): unknown {
  reader.value();
  const initial = reader.u8();
  const low = initial & 0x1f;
  switch (initial >> 5) {
    case 0:
      return low < 24 ? low : argument(low, reader);
    case 1: {
      const value = argument(low, reader);
      return typeof value === 'bigint' || value === Number.MAX_SAFE_INTEGER
        ? -1n - BigInt(value)
        : -1 - value;
    }
    case BYTES:
      reader.object();
      return new ByteString(readBytes(low, reader).length);
    case TEXT:
      return readText(low, reader);
    case 4:
      return readArray(low, reader);
    case 5:
      return readMap(low, reader);
    case 6:
      return readTagged(argument(low, reader), reader);
    default:
      return readSimple(low, reader);
  }
}

/** The length that an array or map tells, in values; INDEFINITE where its end is marked. */
export function readLength(low: number, reader: ByteReader): number {
  return low === 31 ? INDEFINITE : Number(argument(low, reader));
}

/** Whether a list of that length goes on after so many values; takes the mark of its end. */
export function goesOn(length: number, read: number, reader: ByteReader): boolean {
  if (length !== INDEFINITE) {
    return read < length;
  }
  if (reader.u8() === BREAK) {
    return false;
  }
  reader.at--;
  return true;
}

function argument(low: number, reader: ByteReader): number | bigint {
  if (low < 24) {
    return low;
  }
  switch (low) {
    case 24:
      return reader.u8();
    case 25:
      return reader.u16();
    case 26:
      return reader.u32();
    case 27:
      return reader.u64();
    default:
      throw reader.malformed(`the reserved length ${low}`);
  }
}

function readArray(low: number, reader: ByteReader): unknown[] {
  const length = readLength(low, reader);
  reader.enter(length);
  const items: unknown[] = [];
  while (goesOn(length, items.length, reader)) {
    items.push(readItem(reader));
  }
  reader.leave();
  return items;
}

function readMap(low: number, reader: ByteReader): Record<string, unknown> {
  const length = readLength(low, reader);
  reader.enter(length * 2);
  const members: Record<string, unknown> = {};
  for (let read = 0; goesOn(length, read, reader); read++) {
    const key = readKey(reader);
    setMember(members, reader.key(typeof key === 'string' ? key : String(key)), readItem(reader));
  }
  reader.leave();
  return members;
}

/** Not counted as a value: it has one. */
export function readKey(reader: ByteReader): string | number | bigint {
  const initial = reader.u8();
  const low = initial & 0x1f;
  if (initial >> 5 === TEXT) {
    return readText(low, reader);
  }
  if (initial >> 5 > 1) {
    throw reader.malformed('a key that is neither a text nor a number');
  }
  const value = argument(low, reader);
  return initial >> 5 === 0 ? value : -1n - BigInt(value);
}

function readBytes(low: number, reader: ByteReader): Buffer {
  const length = readLength(low, reader);
  if (length !== INDEFINITE) {
    return reader.bytes(length);
  }
  const chunks: Buffer[] = [];
  while (goesOn(INDEFINITE, 0, reader)) {
    chunks.push(reader.bytes(readChunkLength(BYTES, reader)));
  }
  return Buffer.concat(chunks);
}

/** A text is valid in each of its chunks (RFC 8949, section 3.2.3). */
function readText(low: number, reader: ByteReader): string {
  const length = readLength(low, reader);
  if (length !== INDEFINITE) {
    return reader.text(length);
  }
  let text = '';
  while (goesOn(INDEFINITE, 0, reader)) {
    text += reader.text(readChunkLength(TEXT, reader));
  }
  return text;
}

function readChunkLength(major: number, reader: ByteReader): number {
  reader.object();
  const initial = reader.u8();
  if (initial >> 5 !== major || (initial & 0x1f) === 31) {
    throw reader.malformed('a chunk of another type than its string');
  }
  return readLength(initial & 0x1f, reader);
}

function readTagged(tag: number | bigint, reader: ByteReader): unknown {
  reader.enter(1);
  const value = isBytesTag(tag) ? readTaggedBytes(tag, reader) : ofTag(tag, readItem(reader), reader);
  reader.leave();
  return value;
}

function isBytesTag(tag: number | bigint): tag is number {
  return tag === 2 || tag === 3 || isTypedArrayTag(tag);
}

/** Bignums and typed arrays. */
function readTaggedBytes(tag: number, reader: ByteReader): unknown {
  const initial = reader.u8();
  if (initial >> 5 !== BYTES) {
    throw reader.malformed(`a tag ${tag} of something else than bytes`);
  }
  const bytes = readBytes(initial & 0x1f, reader);
  if (tag !== 2 && tag !== 3) {
    return readTypedArray(tag, bytes, reader.room);
  }
  reader.object();
  const significant = bytes.subarray(
    Math.max(
      bytes.findIndex((byte) => byte !== 0),
      0,
    ),
  );
  const long = significant.length > LONGEST_BIGNUM;
  const value = long ? BEYOND_DOUBLES : BigInt(`0x${significant.toString('hex') || '0'}`);
  return tag === 2 ? value : -1n - value;
}

/** Tags that say nothing of a value's meaning to us leave it as it is. */
function ofTag(tag: number | bigint, value: unknown, reader: ByteReader): unknown {
  switch (tag) {
    case 1:
      reader.object();
      return new Instant(
        typeof value === 'number' || typeof value === 'bigint' ? epochMicros(value) : UNREADABLE,
      );
    case 4:
      return scaled(value, (exponent, mantissa) => Number(`${mantissa}e${exponent}`), reader);
    case 5:
      return scaled(value, powerOfTwo, reader);
    default:
      return value;
  }
}

function epochMicros(seconds: number | bigint): number {
  const micros = secondsToMicros(Number(seconds));
  return micros === NO_TIME ? UNREADABLE : micros;
}

/** Decimal fractions and bigfloats: [exponent, mantissa]. */
function scaled(
  value: unknown,
  scale: (exponent: number | bigint, mantissa: number | bigint) => number,
  reader: ByteReader,
): number {
  const [exponent, mantissa] = Array.isArray(value) && value.length === 2 ? (value as unknown[]) : [];
  if (!isInteger(exponent) || !isInteger(mantissa)) {
    throw reader.malformed('a fraction that is not an exponent and a mantissa');
  }
  return scale(exponent, mantissa);
}

function isInteger(value: unknown): value is number | bigint {
  return typeof value === 'bigint' || Number.isInteger(value);
}

/** In two steps: half of the power alone may fit a double where all of it does not. */
function powerOfTwo(exponent: number | bigint, mantissa: number | bigint): number {
  const half = Math.trunc(Number(exponent) / 2);
  return Number(mantissa) * 2 ** half * 2 ** (Number(exponent) - half);
}

function readSimple(low: number, reader: ByteReader): unknown {
  switch (low) {
    case 20:
      return false;
    case 21:
      return true;
    case 22:
    case 23: // undefined: no value either
      return null;
    case 25:
      return reader.f16();
    case 26:
      return reader.f32();
    case 27:
      return reader.f64();
    default:
      throw reader.malformed('a simple value without a meaning');
  }
}
