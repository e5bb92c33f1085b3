import { FORMAT } from '../segments/segment.ts';
import { getInt64, getTimestamptz } from './binary.ts';

const ARRAY_HEADER_BYTES = 20;

/** The fields of a `record_send(ROW(...))`, one after the other (record_send in src/backend/utils/adt/rowtypes.c). */
export class RecordReader {
  readonly #buffer: Buffer;
  readonly #view: DataView;
  #at: number;

  constructor(record: Buffer) {
    this.#buffer = record;
    this.#view = new DataView(record.buffer, record.byteOffset, record.byteLength);
    this.#at = 4; // after the number of fields
  }

  int2(): number | null {
    const at = this.#field();
    return at === null ? null : this.#view.getInt16(at);
  }

  int4(): number | null {
    const at = this.#field();
    return at === null ? null : this.#view.getInt32(at);
  }

  /** Exact below 2^53. */
  int8(): number | null {
    const at = this.#field();
    return at === null ? null : getInt64(this.#view, at);
  }

  /** Microseconds since 1970. */
  timestamptz(): number | null {
    const at = this.#field();
    return at === null ? null : getTimestamptz(this.#view, at);
  }

  float8(): number | null {
    const at = this.#field();
    return at === null ? null : this.#view.getFloat64(at);
  }

  /** The bytes of a varbit, which share the record's memory. */
  varbit(): Uint8Array | null {
    const at = this.#field();
    return at === null ? null : this.#buffer.subarray(at + 4, this.#at);
  }

  singles(): Float32Array | null {
    const at = this.#field();
    if (at === null) return null;
    return Float32Array.from({ length: this.#lengthOf(at) }, (_, index) =>
      this.#view.getFloat32(at + ARRAY_HEADER_BYTES + 4 + index * 8),
    );
  }

  doubles(): Float64Array | null {
    const at = this.#field();
    if (at === null) return null;
    return Float64Array.from({ length: this.#lengthOf(at) }, (_, index) =>
      this.#view.getFloat64(at + ARRAY_HEADER_BYTES + 4 + index * 12),
    );
  }

  /** Of an array without nulls; one of no dimension is empty. */
  #lengthOf(at: number): number {
    return this.#view.getInt32(at) === 0 ? 0 : this.#view.getInt32(at + 12);
  }

  /** Where the next field's bytes begin; null for a null. */
  #field(): number | null {
    const length = this.#view.getInt32(this.#at + 4); // after the type's OID
    const start = this.#at + 8;
    this.#at = start + Math.max(length, 0);
    return length < 0 ? null : start;
  }
}

/** Throws for codes of another format than ours. */
export function checkFormat(format: number | null): void {
  if (format !== FORMAT) throw new Error(`compressed rows of format ${format}; this version knows ${FORMAT}`);
}
