import { cadenceOf, INTERVALS, medianOf } from './cadence.ts';
import type { DeviceRecord, DeviceState } from './types.ts';

const SKEWS = 8;
const SMALLEST = 64;

export const LEARNING = 0;
export const OK = 1;
export const SILENT = 2;
const STATES: readonly DeviceState[] = ['learning', 'ok', 'silent'];

/** Devices as columns: about 200 bytes each, names included. A row's number stays until it is removed. */
export class DeviceTable {
  readonly #limit: number;
  readonly #rows = new Map<string, number>();
  readonly #free: number[] = [];
  #names: (string | null)[] = [];
  #size = 0;
  #intervals = new Float32Array(0);
  #skews = new Float32Array(0);
  #counts = new Uint32Array(0);
  /** Milliseconds of the listening clock: the beginning of its latest burst of messages. */
  heardAt = new Float64Array(0);
  /** Microseconds since 1970. */
  lastArrival = new Float64Array(0);
  messages = new Float64Array(0);
  state = new Uint8Array(0);
  /** Whether it is to be written. */
  changed = new Uint8Array(0);

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Devices that it holds. */
  get count(): number {
    return this.#rows.size;
  }

  /** Rows are below this; some of them may be without a device. */
  get size(): number {
    return this.#size;
  }

  /** -1 where there is none of that name. */
  find(deviceId: string): number {
    return this.#rows.get(deviceId) ?? -1;
  }

  nameOf(row: number): string | null {
    return this.#names[row] ?? null;
  }

  /** A new row, or -1 where it is full. */
  add(deviceId: string): number {
    if (this.#rows.size >= this.#limit) return -1;
    const row = this.#free.pop() ?? this.#size++;
    if (row >= this.state.length) this.#grow();
    this.#rows.set(deviceId, row);
    this.#names[row] = deviceId;
    this.#counts[row * 2] = 0;
    this.#counts[row * 2 + 1] = 0;
    this.heardAt[row] = Number.NEGATIVE_INFINITY;
    this.lastArrival[row] = 0;
    this.messages[row] = 0;
    this.state[row] = LEARNING;
    this.changed[row] = 0;
    return row;
  }

  remove(row: number): void {
    const name = this.nameOf(row);
    if (name === null) return;
    this.#rows.delete(name);
    this.#names[row] = null;
    this.state[row] = LEARNING;
    this.changed[row] = 0;
    this.#free.push(row);
  }

  /** There must be none of the new name. */
  rename(row: number, deviceId: string): void {
    this.#rows.delete(this.nameOf(row) ?? '');
    this.#rows.set(deviceId, row);
    this.#names[row] = deviceId;
  }

  /** Seconds. */
  addInterval(row: number, interval: number): void {
    const count = this.#counts[row * 2] as number;
    this.#intervals[row * INTERVALS + (count % INTERVALS)] = interval;
    this.#counts[row * 2] = count + 1;
  }

  /** Seconds. */
  addSkew(row: number, skew: number): void {
    const count = this.#counts[row * 2 + 1] as number;
    this.#skews[row * SKEWS + (count % SKEWS)] = skew;
    this.#counts[row * 2 + 1] = count + 1;
  }

  /** Seconds; null while too little is known. */
  cadence(row: number): number | null {
    const count = Math.min(this.#counts[row * 2] as number, INTERVALS);
    return cadenceOf(this.#intervals.subarray(row * INTERVALS, row * INTERVALS + count));
  }

  record(row: number): DeviceRecord {
    const skews = unrolled(this.#skews, row, SKEWS, this.#counts[row * 2 + 1] as number);
    return {
      deviceId: this.nameOf(row) ?? '',
      state: STATES[this.state[row] as number] as DeviceState,
      lastArrival: this.lastArrival[row] as number,
      messages: this.messages[row] as number,
      intervals: [...unrolled(this.#intervals, row, INTERVALS, this.#counts[row * 2] as number)],
      skews: [...skews],
      expectedInterval: this.cadence(row),
      clockSkew: medianOf(skews),
    };
  }

  /** Nothing where it is full. */
  restore(record: DeviceRecord): void {
    const row = this.add(record.deviceId);
    if (row === -1) return;
    this.lastArrival[row] = record.lastArrival;
    this.messages[row] = record.messages;
    for (const interval of record.intervals) this.addInterval(row, interval);
    for (const skew of record.skews) this.addSkew(row, skew);
    this.state[row] = this.cadence(row) === null ? LEARNING : STATES.indexOf(record.state);
  }

  #grow(): void {
    const rows = Math.max(SMALLEST, this.state.length * 2);
    this.#intervals = extended(this.#intervals, new Float32Array(rows * INTERVALS));
    this.#skews = extended(this.#skews, new Float32Array(rows * SKEWS));
    this.#counts = extended(this.#counts, new Uint32Array(rows * 2));
    this.heardAt = extended(this.heardAt, new Float64Array(rows));
    this.lastArrival = extended(this.lastArrival, new Float64Array(rows));
    this.messages = extended(this.messages, new Float64Array(rows));
    this.state = extended(this.state, new Uint8Array(rows));
    this.changed = extended(this.changed, new Uint8Array(rows));
  }
}

/** The values of a ring, the oldest first. */
function unrolled(rings: Float32Array, row: number, length: number, count: number): Float32Array {
  const ring = rings.subarray(row * length, row * length + Math.min(count, length));
  const oldest = count > length ? count % length : 0;
  return Float32Array.from([...ring.subarray(oldest), ...ring.subarray(0, oldest)]);
}

function extended<Column extends Float64Array | Float32Array | Uint32Array | Uint8Array>(
  old: Column,
  grown: Column,
): Column {
  grown.set(old);
  return grown;
}
