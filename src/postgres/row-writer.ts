import { COPY_HEADER, COPY_TRAILER, setInt64, setTimestamptz } from './binary.ts';

const FLOAT4 = 700;
const FLOAT8 = 701;
const PART_BYTES = 65_536;
const ARRAY_HEADER_BYTES = 20;

/**
 * Rows of any columns for COPY ... FROM STDIN (FORMAT binary), in parts of some 64 kB (PostgreSQL manual, "COPY",
 * section "Binary Format"; varbit_recv and array_recv in src/backend/utils/adt). The caller names a row's number of
 * fields and then writes that many.
 */
export class RowWriter {
  #buffer: Buffer;
  #view: DataView;
  #at: number;

  constructor() {
    this.#buffer = Buffer.allocUnsafeSlow(PART_BYTES * 2);
    this.#view = new DataView(this.#buffer.buffer);
    this.#at = COPY_HEADER.copy(this.#buffer);
  }

  /** Whether it is time to `take` what is written. */
  get isFull(): boolean {
    return this.#at >= PART_BYTES;
  }

  /** What was written since the last time; the header comes with the first part. */
  take(): Buffer {
    const part = Buffer.from(this.#buffer.subarray(0, this.#at));
    this.#at = 0;
    return part;
  }

  /** The last part. */
  end(): Buffer {
    this.#reserve(COPY_TRAILER.length);
    this.#at += COPY_TRAILER.copy(this.#buffer, this.#at);
    return this.take();
  }

  row(fields: number): void {
    this.#reserve(2);
    this.#view.setInt16(this.#at, fields);
    this.#at += 2;
  }

  null(): void {
    this.#reserve(4);
    this.#view.setInt32(this.#at, -1);
    this.#at += 4;
  }

  int2(value: number | null): void {
    if (value === null) this.null();
    else this.#view.setInt16(this.#field(2), value);
  }

  int4(value: number | null): void {
    if (value === null) this.null();
    else this.#view.setInt32(this.#field(4), value);
  }

  /** A whole number below 2^53. */
  int8(value: number | null): void {
    if (value === null) this.null();
    else setInt64(this.#view, this.#field(8), value);
  }

  /** Microseconds since 1970. */
  timestamptz(value: number | null): void {
    if (value === null) this.null();
    else setTimestamptz(this.#view, this.#field(8), value);
  }

  float8(value: number | null): void {
    if (value === null) this.null();
    else this.#view.setFloat64(this.#field(8), value);
  }

  /** The bits that the bytes begin with. */
  varbit(bytes: Uint8Array | null, bits: number): void {
    if (bytes === null) {
      this.null();
      return;
    }
    const at = this.#field(4 + bytes.length);
    this.#view.setInt32(at, bits);
    this.#buffer.set(bytes, at + 4);
  }

  /** A real[] or a double precision[] of one dimension. */
  floats(values: Float32Array | Float64Array | null): void {
    if (values === null) {
      this.null();
      return;
    }
    const isSingle = values instanceof Float32Array;
    const size = isSingle ? 4 : 8;
    const start = this.#field(ARRAY_HEADER_BYTES + values.length * (4 + size));
    const view = this.#view;
    view.setInt32(start, 1); // dimensions
    view.setInt32(start + 4, 0); // no nulls
    view.setInt32(start + 8, isSingle ? FLOAT4 : FLOAT8);
    view.setInt32(start + 12, values.length);
    view.setInt32(start + 16, 1); // lower bound
    let at = start + ARRAY_HEADER_BYTES;
    for (const value of values) {
      view.setInt32(at, size);
      if (isSingle) view.setFloat32(at + 4, value);
      else view.setFloat64(at + 4, value);
      at += 4 + size;
    }
  }

  /** Where a field's bytes begin. */
  #field(bytes: number): number {
    this.#reserve(4 + bytes);
    this.#view.setInt32(this.#at, bytes);
    const start = this.#at + 4;
    this.#at = start + bytes;
    return start;
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, this.#at + bytes));
    this.#buffer.copy(larger, 0, 0, this.#at);
    this.#buffer = larger;
    this.#view = new DataView(larger.buffer);
  }
}
