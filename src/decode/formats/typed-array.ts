/** Typed arrays of CBOR (RFC 8746): numbers one after another, in the byte order and width that the tag says. */

import { endianness } from 'node:os';
import type { NumberRoom } from '../number-room.ts';
import { halfFloat, Malformed } from './byte-reader.ts';

const HOST_IS_LITTLE = endianness() === 'LE';

const FIRST_TAG = 64;
const LAST_TAG = 87;

const FLOAT = 0b1_0000;
const SIGNED = 0b0_1000;
const LITTLE = 0b0_0100;

type Column = Float64Array | BigInt64Array | BigUint64Array;

export function isTypedArrayTag(tag: number | bigint): tag is number {
  return tag >= FIRST_TAG && tag <= LAST_TAG;
}

/** Integers of 64 bits stay bigints where a double may not hold one of them; doubles lie in the room. Throws Malformed. */
export function readTypedArray(tag: number, bytes: Uint8Array, room: NumberRoom): Column {
  const bits = tag - FIRST_TAG;
  const isFloat = (bits & FLOAT) !== 0;
  const isSigned = (bits & SIGNED) !== 0;
  const width = isFloat ? 2 << (bits & 3) : 1 << (bits & 3);
  // Of single bytes the order says nothing: 68 is uint8 that was clamped, 76 is reserved.
  const little = (bits & LITTLE) !== 0;
  if (width === 16 || tag === 76) {
    throw new Malformed(`a typed array of tag ${tag}, which cannot be read`);
  }
  if (bytes.length % width !== 0) {
    throw new Malformed(`a typed array of ${bytes.length} bytes, ${width} each`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = bytes.length / width;
  if (isFloat) {
    return readFloats(view, room.take(length), width, little);
  }
  return width === 8
    ? readLongs(view, room.take(length), isSigned, little)
    : readIntegers(view, room.take(length), width, isSigned, little);
}

function readFloats(view: DataView, column: Float64Array, width: number, little: boolean): Float64Array {
  const { length } = column;
  if (width === 8 && little && HOST_IS_LITTLE) {
    bytesOf(column).set(bytesOf(view));
    return column;
  }
  if (width === 8) {
    for (let row = 0; row < length; row++) column[row] = view.getFloat64(row * 8, little);
  } else if (width === 4) {
    for (let row = 0; row < length; row++) column[row] = view.getFloat32(row * 4, little);
  } else {
    for (let row = 0; row < length; row++) column[row] = halfFloat(view.getUint16(row * 2, little));
  }
  return column;
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function readIntegers(
  view: DataView,
  column: Float64Array,
  width: number,
  isSigned: boolean,
  little: boolean,
): Float64Array {
  const { length } = column;
  const bits = width * 8;
  for (let row = 0; row < length; row++) {
    const at = row * width;
    const value =
      width === 1 ? view.getUint8(at) : width === 2 ? view.getUint16(at, little) : view.getUint32(at, little);
    column[row] = isSigned && value >= 2 ** (bits - 1) ? value - 2 ** bits : value;
  }
  return column;
}

function readLongs(view: DataView, column: Float64Array, isSigned: boolean, little: boolean): Column {
  const { length } = column;
  for (let row = 0; row < length; row++) {
    const high = isSigned
      ? view.getInt32(row * 8 + (little ? 4 : 0), little)
      : view.getUint32(row * 8 + (little ? 4 : 0), little);
    if (high >= 0x20_0000 || high < -0x20_0000) {
      return isSigned ? readSigned(view, length, little) : readUnsigned(view, length, little);
    }
    column[row] = high * 0x1_0000_0000 + view.getUint32(row * 8 + (little ? 0 : 4), little);
  }
  return column;
}

function readSigned(view: DataView, length: number, little: boolean): BigInt64Array {
  return BigInt64Array.from({ length }, (_, row) => view.getBigInt64(row * 8, little));
}

function readUnsigned(view: DataView, length: number, little: boolean): BigUint64Array {
  return BigUint64Array.from({ length }, (_, row) => view.getBigUint64(row * 8, little));
}
