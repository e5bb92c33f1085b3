/**
 * PostgreSQL's binary wire forms, written straight from columns (PostgreSQL manual, "COPY", section "Binary Format",
 * and src/backend/utils/adt/arrayfuncs.c for arrays). Integers are big-endian.
 */

/** Microseconds from 1970-01-01 to 2000-01-01, where timestamptz begins. */
const POSTGRES_EPOCH = 946_684_800_000_000;
const TWO_32 = 4_294_967_296;
const EPOCH_HIGH = Math.floor(POSTGRES_EPOCH / TWO_32);
const EPOCH_LOW = POSTGRES_EPOCH - EPOCH_HIGH * TWO_32;

const SIGNATURE = Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1');
/** No flags, no extension. */
export const COPY_HEADER: Buffer = Buffer.concat([SIGNATURE, Buffer.alloc(8)]);
export const COPY_TRAILER: Buffer = Buffer.from([0xff, 0xff]);
/** Of a row of `KeyedRows`. */
export const ROW_BYTES: number = 2 + 3 * (4 + 8);

/** OIDs of array elements. */
const INT8 = 20;
const FLOAT8 = 701;
const TIMESTAMPTZ = 1184;

/** Columns to write: ids below 2^53, microseconds since 1970, doubles; all three of at least `length`. */
export interface KeyedRows {
  readonly length: number;
  readonly seriesId: Float64Array;
  readonly timestamp: Float64Array;
  readonly value: Float64Array;
}

/** The whole COPY stream, header and trailer included, of (series_id bigint, ts timestamptz, value float8). */
export function copyRows(rows: KeyedRows): Buffer {
  const buffer = Buffer.allocUnsafe(COPY_HEADER.length + rows.length * ROW_BYTES + COPY_TRAILER.length);
  const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  COPY_HEADER.copy(buffer);
  let at = COPY_HEADER.length;
  for (let row = 0; row < rows.length; row++) {
    view.setInt16(at, 3);
    view.setInt32(at + 2, 8);
    setInt64(view, at + 6, rows.seriesId[row] as number);
    view.setInt32(at + 14, 8);
    setTimestamptz(view, at + 18, rows.timestamp[row] as number);
    view.setInt32(at + 26, 8);
    view.setFloat64(at + 30, rows.value[row] as number);
    at += ROW_BYTES;
  }
  COPY_TRAILER.copy(buffer, at);
  return buffer;
}

/** A bigint[] parameter. */
export function int8Array(values: ArrayLike<number>): Buffer {
  return eightByteArray(INT8, values, setInt64);
}

/** A timestamptz[] parameter from microseconds since 1970. */
export function timestamptzArray(values: ArrayLike<number>): Buffer {
  return eightByteArray(TIMESTAMPTZ, values, setTimestamptz);
}

/** A timestamptz parameter from microseconds since 1970. */
export function timestamptz(value: number): Buffer {
  const buffer = Buffer.allocUnsafe(8);
  setTimestamptz(new DataView(buffer.buffer, buffer.byteOffset, 8), 0, value);
  return buffer;
}

/** Microseconds since 1970 as timestamptz has them, since 2000; exact from the year 1714 on. */
export function toTimestamptz(microseconds: number): number {
  return microseconds - POSTGRES_EPOCH;
}

/** A double precision[] parameter: NaN, the infinities and -0 keep their bits, which their text would not. */
export function float8Array(values: ArrayLike<number>): Buffer {
  return eightByteArray(FLOAT8, values, (view, at, value) => view.setFloat64(at, value));
}

function eightByteArray(
  oid: number,
  values: ArrayLike<number>,
  set: (view: DataView, at: number, value: number) => void,
): Buffer {
  const dimensions = values.length === 0 ? 0 : 1;
  const buffer = Buffer.allocUnsafe(12 + dimensions * 8 + values.length * 12);
  const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  view.setInt32(0, dimensions);
  view.setInt32(4, 0); // no nulls
  view.setInt32(8, oid);
  if (dimensions === 1) {
    view.setInt32(12, values.length);
    view.setInt32(16, 1); // lower bound
  }
  for (let index = 0, at = 20; index < values.length; index++, at += 12) {
    view.setInt32(at, 8);
    set(view, at + 4, values[index] as number);
  }
  return buffer;
}

/** A whole number below 2^53 in two's complement. */
export function setInt64(view: DataView, at: number, value: number): void {
  const high = Math.floor(value / TWO_32);
  view.setInt32(at, high);
  view.setUint32(at + 4, value - high * TWO_32);
}

/** Microseconds since 1970 as those since 2000, in halves: before 1714 their difference is not exact in a double. */
export function setTimestamptz(view: DataView, at: number, value: number): void {
  const high = Math.floor(value / TWO_32);
  const low = value - high * TWO_32 - EPOCH_LOW;
  view.setInt32(at, low < 0 ? high - EPOCH_HIGH - 1 : high - EPOCH_HIGH);
  view.setUint32(at + 4, low);
}

/** Exact below 2^53. */
export function getInt64(view: DataView, at: number): number {
  return view.getInt32(at) * TWO_32 + view.getUint32(at + 4);
}

/** Microseconds since 1970, exact where they are below 2^53. */
export function getTimestamptz(view: DataView, at: number): number {
  return (view.getInt32(at) + EPOCH_HIGH) * TWO_32 + (view.getUint32(at + 4) + EPOCH_LOW);
}

/** By type: how the elements of an array are read, timestamptz as microseconds since 1970. */
const ELEMENTS = {
  float8: (view: DataView, at: number) => view.getFloat64(at),
  int8: getInt64,
  timestamptz: getTimestamptz,
  xid: (view: DataView, at: number) => view.getUint32(at),
};

/** The elements of what array_send made; a null is NaN. */
export function elementsOf(array: Buffer, type: keyof typeof ELEMENTS): Float64Array {
  const view = new DataView(array.buffer, array.byteOffset, array.byteLength);
  const elements = new Float64Array(view.getInt32(0) === 0 ? 0 : view.getInt32(12));
  const read = ELEMENTS[type];
  for (let row = 0, at = 20; row < elements.length; row++) {
    const size = view.getInt32(at);
    at += 4;
    elements[row] = size < 0 ? Number.NaN : read(view, at);
    at += Math.max(0, size);
  }
  return elements;
}

/** 1 for each element that is a null; null: none is. */
export function nullsOf(array: Buffer): Uint8Array | null {
  if (array.readInt32BE(0) === 0 || array.readInt32BE(4) === 0) return null;
  const nulls = new Uint8Array(array.readInt32BE(12));
  for (let row = 0, at = 20; row < nulls.length; row++) {
    const size = array.readInt32BE(at);
    if (size < 0) nulls[row] = 1;
    at += 4 + Math.max(0, size);
  }
  return nulls;
}
