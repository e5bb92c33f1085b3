/** MessagePack (github.com/msgpack/msgpack, spec.md), its timestamps to the microsecond. */

import { ByteString } from '../byte-string.ts';
import { emitDocument } from '../document.ts';
import { Instant } from '../instant.ts';
import { OUT_OF_RANGE, UNREADABLE } from '../timestamp.ts';
import { parseBinary } from './binary.ts';
import { type ByteReader, setMember } from './byte-reader.ts';
import type { Format } from './format.ts';

export const msgpackFormat: Format = {
  what: 'MessagePack',
  unused: [],
  parse: (payload, points) => parseBinary(payload, readMsgpack, 'payload_not_msgpack', points),
  emit: emitDocument,
};

const TIMESTAMP = -1;

/** The one object that the bytes are. Throws Malformed or Excess. */
export function readMsgpack(reader: ByteReader): unknown {
  const item = readItem(reader);
  if (reader.left > 0) {
    throw reader.malformed(`${reader.left} bytes after the end`);
  }
  return item;
}

function readItem(reader: ByteReader): unknown {
  reader.value();
  return readUncounted(reader);
}

/** A key is not counted as a value: it has one. */
function readUncounted(reader: ByteReader): unknown {
  const head = reader.u8();
  if (head < 0x80) {
    return head;
  }
  if (head >= 0xe0) {
    return head - 0x100;
  }
  if (head < 0x90) {
    return readMap(head & 0x0f, reader);
  }
  if (head < 0xa0) {
    return readArray(head & 0x0f, reader);
  }
  return head < 0xc0 ? reader.text(head & 0x1f) : readLong(head, reader);
}

function readLong(head: number, reader: ByteReader): unknown {
  switch (head) {
    case 0xc0:
      return null;
    case 0xc2:
      return false;
    case 0xc3:
      return true;
    case 0xc4:
      return readBytes(reader.u8(), reader);
    case 0xc5:
      return readBytes(reader.u16(), reader);
    case 0xc6:
      return readBytes(reader.u32(), reader);
    case 0xc7:
      return readExtension(reader.u8(), reader);
    case 0xc8:
      return readExtension(reader.u16(), reader);
    case 0xc9:
      return readExtension(reader.u32(), reader);
    case 0xca:
      return reader.f32();
    case 0xcb:
      return reader.f64();
    case 0xcc:
      return reader.u8();
    case 0xcd:
      return reader.u16();
    case 0xce:
      return reader.u32();
    case 0xcf:
      return reader.u64();
    case 0xd0:
      return reader.i8();
    case 0xd1:
      return reader.i16();
    case 0xd2:
      return reader.i32();
    case 0xd3:
      return reader.i64();
    case 0xd4:
    case 0xd5:
    case 0xd6:
    case 0xd7:
    case 0xd8:
      return readExtension(1 << (head - 0xd4), reader);
    case 0xd9:
      return reader.text(reader.u8());
    case 0xda:
      return reader.text(reader.u16());
    case 0xdb:
      return reader.text(reader.u32());
    case 0xdc:
      return readArray(reader.u16(), reader);
    case 0xdd:
      return readArray(reader.u32(), reader);
    case 0xde:
      return readMap(reader.u16(), reader);
    case 0xdf:
      return readMap(reader.u32(), reader);
    default:
      throw reader.malformed('the byte c1, which MessagePack never uses');
  }
}

function readArray(length: number, reader: ByteReader): unknown[] {
  reader.enter(length);
  const items: unknown[] = [];
  for (let index = 0; index < length; index++) {
    items.push(readItem(reader));
  }
  reader.leave();
  return items;
}

function readMap(length: number, reader: ByteReader): Record<string, unknown> {
  reader.enter(length * 2);
  const members: Record<string, unknown> = {};
  for (let index = 0; index < length; index++) {
    const key = readUncounted(reader);
    if (typeof key !== 'string' && typeof key !== 'number' && typeof key !== 'bigint') {
      throw reader.malformed('a key that is neither a text nor a number');
    }
    setMember(members, reader.key(typeof key === 'string' ? key : String(key)), readItem(reader));
  }
  reader.leave();
  return members;
}

function readBytes(length: number, reader: ByteReader): ByteString {
  reader.object();
  return new ByteString(reader.bytes(length).length);
}

function readExtension(length: number, reader: ByteReader): unknown {
  const type = reader.i8();
  if (type !== TIMESTAMP) {
    return readBytes(length, reader);
  }
  reader.object();
  if (length === 4) {
    return new Instant(reader.u32() * 1_000_000);
  }
  if (length === 8) {
    // 30 bits of nanoseconds and 34 of seconds.
    const [high, low] = [reader.u32(), reader.u32()];
    return new Instant(instantOf((high % 4) * 0x1_0000_0000 + low, Math.floor(high / 4)));
  }
  if (length === 12) {
    const nanos = reader.u32();
    return new Instant(instantOf(Number(reader.i64()), nanos));
  }
  throw reader.malformed(`a timestamp of ${length} bytes`);
}

function instantOf(seconds: number, nanos: number): number {
  if (nanos > 999_999_999) {
    return UNREADABLE;
  }
  const micros = seconds * 1_000_000 + Math.floor(nanos / 1000);
  return Number.isSafeInteger(micros) ? micros : OUT_OF_RANGE;
}
