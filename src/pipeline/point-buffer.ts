import type { PointColumns } from './types.ts';

const FIRST_CAPACITY = 1024;

/** Numeric points as columns that grow by doubling. */
export class PointBuffer {
  #capacity: number;
  #length = 0;
  #seriesIndex: Int32Array;
  #messageIndex: Int32Array;
  #timestamp: Float64Array;
  #value: Float64Array;
  #flags: Uint8Array;

  /** `capacity`: how many points are expected. */
  constructor(capacity = 0) {
    this.#capacity = capacity;
    this.#seriesIndex = new Int32Array(capacity);
    this.#messageIndex = new Int32Array(capacity);
    this.#timestamp = new Float64Array(capacity);
    this.#value = new Float64Array(capacity);
    this.#flags = new Uint8Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  push(seriesIndex: number, messageIndex: number, timestamp: number, value: number, flags: number): void {
    if (this.#length === this.#capacity) this.#grow();
    const row = this.#length++;
    this.#seriesIndex[row] = seriesIndex;
    this.#messageIndex[row] = messageIndex;
    this.#timestamp[row] = timestamp;
    this.#value[row] = value;
    this.#flags[row] = flags;
  }

  /** Points of one series and message, without flags. */
  pushColumn(
    seriesIndex: number,
    messageIndex: number,
    timestamps: Float64Array,
    values: Float64Array,
  ): void {
    const from = this.#length;
    const to = from + values.length;
    while (this.#capacity < to) this.#grow();
    this.#seriesIndex.fill(seriesIndex, from, to);
    this.#messageIndex.fill(messageIndex, from, to);
    this.#timestamp.set(timestamps, from);
    this.#value.set(values, from);
    this.#flags.fill(0, from, to);
    this.#length = to;
  }

  /** Takes back what was pushed last. */
  truncate(length: number): void {
    this.#length = length;
  }

  /** The columns, which may be longer than `length`, and change with what is written after. */
  columns(): PointColumns {
    return {
      length: this.#length,
      seriesIndex: this.#seriesIndex,
      messageIndex: this.#messageIndex,
      timestamp: this.#timestamp,
      value: this.#value,
      flags: this.#flags,
    };
  }

  #grow(): void {
    this.#capacity = Math.max(FIRST_CAPACITY, this.#capacity * 2);
    this.#seriesIndex = grown(this.#seriesIndex, new Int32Array(this.#capacity));
    this.#messageIndex = grown(this.#messageIndex, new Int32Array(this.#capacity));
    this.#timestamp = grown(this.#timestamp, new Float64Array(this.#capacity));
    this.#value = grown(this.#value, new Float64Array(this.#capacity));
    this.#flags = grown(this.#flags, new Uint8Array(this.#capacity));
  }
}

function grown<T extends Int32Array | Float64Array | Uint8Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
