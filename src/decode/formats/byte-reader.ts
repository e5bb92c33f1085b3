import { DifferentTexts } from '../different-texts.ts';
import { Excess } from '../excess.ts';
import type { NumberRoom } from '../number-room.ts';
import { keyBudget, itemBudget, type PartLimits, valueBudget } from './budget.ts';
import { KeyCache } from './key-cache.ts';

/** The bytes are not what the format says, or hold what cannot be read; the message says what and where. */
export class Malformed extends Error {
  override readonly name = 'Malformed';
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
/** Longer texts are seldom there twice. */
const LONGEST_KEY = 48;
const keys = new KeyCache(LONGEST_KEY);
/** Of a key with a value. */
const LEAST_KEY_BYTES = 3;

/**
 * Reads big-endian numbers and UTF-8 texts one after another. Throws Malformed past the end, and Excess beyond the limits:
 * a length that lies costs nothing, as no memory is taken by it.
 */
export class ByteReader {
  at = 0;
  readonly end: number;
  readonly room: NumberRoom;
  readonly #bytes: Buffer;
  readonly #view: DataView;
  readonly #limits: PartLimits;
  #depth = 0;
  #values: number;
  #objects: number;
  /** Null where the message is too short for more than it may have. */
  readonly #keys: DifferentTexts | null;

  /** `room`: where columns of numbers go. */
  constructor(payload: Uint8Array, limits: PartLimits, room: NumberRoom) {
    this.room = room;
    this.#bytes = asBuffer(payload);
    this.#view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
    this.end = payload.byteLength;
    this.#limits = limits;
    this.#values = valueBudget(limits);
    this.#objects = itemBudget(limits);
    this.#keys = this.end > keyBudget(limits) * LEAST_KEY_BYTES ? new DifferentTexts() : null;
  }

  get left(): number {
    return this.end - this.at;
  }

  /** Takes a value from the budget of the message. */
  value(): void {
    if (--this.#values < 0) {
      throw new Excess('too_many_points', `more than ${valueBudget(this.#limits)} values`);
    }
  }

  /** Goes into an array, a map or a tag; `parts`: how many values it says it has, each of a byte at least. */
  enter(parts: number): void {
    if (parts > this.left) {
      throw this.malformed(`${parts} values in ${this.left} bytes`);
    }
    if (++this.#depth > this.#limits.nesting) {
      throw new Excess('payload_too_deep', `more than ${this.#limits.nesting} levels`);
    }
    this.object();
  }

  leave(): void {
    this.#depth--;
  }

  /** Takes an object from the budget of the message. */
  object(): void {
    if (--this.#objects < 0) {
      throw new Excess('too_many_points', `more than ${itemBudget(this.#limits)} arrays and objects`);
    }
  }

  /** Takes a key from the budget of the message, if there was none like it. */
  key(key: string): string {
    if (this.#keys !== null) this.#count(this.#keys, key);
    return key;
  }

  u8(): number {
    const byte = this.#bytes[this.at];
    if (byte === undefined) {
      throw this.#cut();
    }
    this.at++;
    return byte;
  }

  u16(): number {
    return this.#view.getUint16(this.#advance(2));
  }

  u32(): number {
    return this.#view.getUint32(this.#advance(4));
  }

  /** A bigint where a double may not hold it. */
  u64(): number | bigint {
    const at = this.#advance(8);
    const high = this.#view.getUint32(at);
    return high < 0x20_0000
      ? high * 0x1_0000_0000 + this.#view.getUint32(at + 4)
      : this.#view.getBigUint64(at);
  }

  i8(): number {
    return this.#view.getInt8(this.#advance(1));
  }

  i16(): number {
    return this.#view.getInt16(this.#advance(2));
  }

  i32(): number {
    return this.#view.getInt32(this.#advance(4));
  }

  /** A bigint where a double may not hold it. */
  i64(): number | bigint {
    const value = this.#view.getBigInt64(this.#advance(8));
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }

  /** IEEE 754 binary16. */
  f16(): number {
    return halfFloat(this.u16());
  }

  f32(): number {
    return this.#view.getFloat32(this.#advance(4));
  }

  f64(): number {
    return this.#view.getFloat64(this.#advance(8));
  }

  bytes(length: number): Buffer {
    const at = this.#advance(length);
    return this.#bytes.subarray(at, at + length);
  }

  text(length: number): string {
    const at = this.#advance(length);
    return keys.get(this.#bytes, at, length) ?? this.#decode(at, length);
  }

  malformed(what: string): Malformed {
    return new Malformed(`${what}, at byte ${this.at}`);
  }

  #count(keys: DifferentTexts, key: string): void {
    keys.add(key);
    const most = keyBudget(this.#limits);
    if (keys.size > most) throw new Excess('too_many_names', `more than ${most} different keys`);
  }

  #decode(at: number, length: number): string {
    try {
      return strict.decode(this.#bytes.subarray(at, at + length));
    } catch {
      this.at = at;
      throw this.malformed('a text that is not UTF-8');
    }
  }

  #advance(length: number): number {
    const at = this.at;
    if (length > this.end - at) {
      throw this.#cut();
    }
    this.at = at + length;
    return at;
  }

  #cut(): Malformed {
    return new Malformed(`cut off after ${this.end} bytes`);
  }
}

/** The same bytes: brokers' messages are Buffers already. */
export function asBuffer(payload: Uint8Array): Buffer {
  return Buffer.isBuffer(payload)
    ? payload
    : Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
}

/** A key's own property, whatever its name. */
export function setMember(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
  } else {
    object[key] = value;
  }
}

/** From the bits of an IEEE 754 binary16. */
export function halfFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) {
    return sign * fraction * 2 ** -24;
  }
  if (exponent === 31) {
    return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  }
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}
