/** Datatypes of Sparkplug B (specification 3.0, section 6.4.16) and what values on the wire mean by them. */

import type { Metric, ValueKind, WireValue } from './payload.ts';

/** By their number. */
const NAMES = [
  'Unknown',
  'Int8',
  'Int16',
  'Int32',
  'Int64',
  'UInt8',
  'UInt16',
  'UInt32',
  'UInt64',
  'Float',
  'Double',
  'Boolean',
  'String',
  'DateTime',
  'Text',
  'UUID',
  'DataSet',
  'Bytes',
  'File',
  'Template',
  'PropertySet',
  'PropertySetList',
  'Int8Array',
  'Int16Array',
  'Int32Array',
  'Int64Array',
  'UInt8Array',
  'UInt16Array',
  'UInt32Array',
  'UInt64Array',
  'FloatArray',
  'DoubleArray',
  'BooleanArray',
  'StringArray',
  'DateTimeArray',
] as const;

export const TYPE = { none: 0, boolean: 11, dataSet: 16, template: 19 } as const;

/** Bits and whether it is signed, by the datatype. DateTime is milliseconds since 1970. */
const INTEGERS: Readonly<Record<number, readonly [bits: number, signed: boolean]>> = {
  1: [8, true],
  2: [16, true],
  3: [32, true],
  4: [64, true],
  5: [8, false],
  6: [16, false],
  7: [32, false],
  8: [64, false],
  13: [64, false],
};

/** By the kind of a value; whether an integer is signed nobody can tell. */
const IMPLIED: Readonly<Record<ValueKind, number>> = {
  int: TYPE.none,
  long: TYPE.none,
  float: 9,
  double: 10,
  boolean: TYPE.boolean,
  string: 12,
  bytes: 17,
  dataset: TYPE.dataSet,
  template: TYPE.template,
  other: TYPE.none,
};

export type Scalar = number | bigint | boolean | string;

export function typeName(type: number): string {
  return NAMES[type] ?? `datatype ${type}`;
}

/** What it is of by its datatype or, without one, by the kind of the value; `none` where that does not tell. */
export function typeOf(metric: Pick<Metric, 'datatype' | 'kind'>): number {
  if (metric.datatype !== TYPE.none) return metric.datatype;
  return metric.kind === null ? TYPE.none : IMPLIED[metric.kind];
}

/** The value of a scalar datatype; undefined where the value on the wire is none of it. */
export function scalarOf({ kind, value }: WireValue, type: number): Scalar | undefined {
  const integer = INTEGERS[type];
  if (integer !== undefined) {
    if (kind !== 'int' && kind !== 'long') return undefined;
    return integerOf(value as number | bigint, kind === 'int' ? 32 : 64, ...integer);
  }
  switch (type) {
    case 9:
    case 10:
      return kind === 'float' || kind === 'double' ? (value as number) : undefined;
    case 11:
      return kind === 'boolean' ? (value as boolean) : undefined;
    case 12:
    case 14:
    case 15:
      return kind === 'string' ? (value as string) : undefined;
    default:
      return undefined;
  }
}

/**
 * Signed integers stand as the two's complement of the whole field or, from some implementations, of their own width.
 * Undefined where the value does not fit the type.
 */
function integerOf(
  value: number | bigint,
  fieldBits: number,
  bits: number,
  signed: boolean,
): number | bigint | undefined {
  if (typeof value === 'number' && value < 2 ** (signed ? bits - 1 : bits)) return value;
  const wide = BigInt(value);
  if (!signed) return wide < 1n << BigInt(bits) ? slim(wide) : undefined;
  const negative = BigInt.asIntN(fieldBits, wide);
  if (negative < 0n && negative >= -(1n << BigInt(bits - 1))) return slim(negative);
  return wide < 1n << BigInt(bits) ? slim(BigInt.asIntN(bits, wide)) : undefined;
}

/** As a number where that is exact. */
function slim(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** Bytes of an item, by the array type; those that are not here have none of their own. */
const WIDTHS: Readonly<Record<number, number>> = {
  22: 1,
  23: 2,
  24: 4,
  25: 8,
  26: 1,
  27: 2,
  28: 4,
  29: 8,
  30: 4,
  31: 8,
  34: 8,
};
const BOOLEANS = 32;
const TEXTS = 33;

export function isArray(type: number): boolean {
  return type >= 22 && type <= 34;
}

/** The number of items of an array type, which come packed; undefined where the bytes are none of it. */
export function arrayLength(bytes: Uint8Array, type: number): number | undefined {
  const width = WIDTHS[type];
  if (width !== undefined) return bytes.length % width === 0 ? bytes.length / width : undefined;
  if (type === BOOLEANS) {
    // Their number in four bytes, then eight a byte, the first in the highest bit.
    const length = bytes.length < 4 ? -1 : viewOf(bytes).getUint32(0, true);
    return Math.ceil(length / 8) === bytes.length - 4 ? length : undefined;
  }
  // Each ends with a NUL.
  const ends = bytes.reduce((count, byte) => count + (byte === 0 ? 1 : 0), 0);
  return bytes.length === 0 || bytes.at(-1) === 0 ? ends : undefined;
}

/** The items of an array type; of bytes that have a length. */
export function arrayOf(bytes: Uint8Array, type: number): Scalar[] {
  if (type === TEXTS) return Buffer.from(bytes).toString('utf8').split('\0').slice(0, -1);
  const view = viewOf(bytes);
  const width = WIDTHS[type] ?? 0;
  return Array.from({ length: arrayLength(bytes, type) ?? 0 }, (_, index) => {
    const at = index * width;
    switch (type) {
      case 22:
        return view.getInt8(at);
      case 23:
        return view.getInt16(at, true);
      case 24:
        return view.getInt32(at, true);
      case 25:
        return slim(view.getBigInt64(at, true));
      case 26:
        return view.getUint8(at);
      case 27:
        return view.getUint16(at, true);
      case 28:
        return view.getUint32(at, true);
      case 30:
        return view.getFloat32(at, true);
      case 31:
        return view.getFloat64(at, true);
      case BOOLEANS:
        return ((view.getUint8(4 + (index >> 3)) >> (7 - (index & 7))) & 1) === 1;
      default:
        return slim(view.getBigUint64(at, true));
    }
  });
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
