import { cadenceOf, INTERVALS, medianOf } from './cadence.ts';
import type { DeviceRecord, DeviceState } from './types.ts';

export const LEARNING = 0;
export const OK = 1;
export const SILENT = 2;
const STATES: readonly DeviceState[] = ['learning', 'ok', 'silent'];

/**
 * A row is 128 bytes, of which most messages touch the first 64, a line of the processor's cache: three doubles, six
 * bytes, the ring of skews; then the ring of intervals.
 */
const ROW = 128;
const DOUBLES = ROW / 8;
const FLOATS = ROW / 4;
const HEARD_AT = 0;
const LAST_ARRIVAL = 1;
const MESSAGES = 2;
const STATE = 24;
const CHANGED = 25;
const SKEW = 26;
const INTERVAL = 28;
const SKEWS = 8;
const FIRST_SKEW = 32 / 4;
const FIRST_INTERVAL = 64 / 4;

/** Rows of the smallest table. */
const SMALLEST = 64;

/** Devices as rows of one buffer: about 230 bytes each, names included. A row's number stays until it is removed. */
export class DeviceTable {
  readonly #limit: number;
  readonly #rows = new Map<string, number>();
  readonly #free: number[] = [];
  readonly #names: (string | null)[] = [];
  #capacity = 0;
  #size = 0;
  #bytes = new Uint8Array(0);
  #floats = new Float32Array(0);
  #doubles = new Float64Array(0);

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
    if (row >= this.#capacity) this.#grow();
    this.#rows.set(deviceId, row);
    this.#names[row] = deviceId;
    this.#bytes.fill(0, row * ROW, (row + 1) * ROW);
    this.setHeardAt(row, Number.NEGATIVE_INFINITY);
    return row;
  }

  remove(row: number): void {
    const name = this.nameOf(row);
    if (name === null) return;
    this.#rows.delete(name);
    this.#names[row] = null;
    this.#bytes.fill(0, row * ROW, (row + 1) * ROW);
    this.#free.push(row);
  }

  /** There must be none of the new name. */
  rename(row: number, deviceId: string): void {
    this.#rows.delete(this.nameOf(row) ?? '');
    this.#rows.set(deviceId, row);
    this.#names[row] = deviceId;
  }

  /** The beginning of its latest burst of messages, in milliseconds of the listening clock. */
  heardAt(row: number): number {
    return this.#doubles[row * DOUBLES + HEARD_AT] as number;
  }

  setHeardAt(row: number, time: number): void {
    this.#doubles[row * DOUBLES + HEARD_AT] = time;
  }

  /** Microseconds since 1970. */
  lastArrival(row: number): number {
    return this.#doubles[row * DOUBLES + LAST_ARRIVAL] as number;
  }

  /** One message more, at this time. */
  countArrival(row: number, time: number): void {
    const at = row * DOUBLES;
    this.#doubles[at + LAST_ARRIVAL] = time;
    this.#doubles[at + MESSAGES] = (this.#doubles[at + MESSAGES] as number) + 1;
    this.#bytes[row * ROW + CHANGED] = 1;
  }

  state(row: number): number {
    return this.#bytes[row * ROW + STATE] as number;
  }

  setState(row: number, state: number): void {
    this.#bytes[row * ROW + STATE] = state;
    this.#bytes[row * ROW + CHANGED] = 1;
  }

  /** Whether it is to be written. */
  isChanged(row: number): boolean {
    return this.#bytes[row * ROW + CHANGED] === 1;
  }

  setChanged(row: number, changed: boolean): void {
    this.#bytes[row * ROW + CHANGED] = changed ? 1 : 0;
  }

  /** Seconds. */
  addInterval(row: number, interval: number): void {
    const at = this.#next(row * ROW + INTERVAL, INTERVALS);
    this.#floats[row * FLOATS + FIRST_INTERVAL + at] = interval;
  }

  /** Seconds. */
  addSkew(row: number, skew: number): void {
    this.#floats[row * FLOATS + FIRST_SKEW + this.#next(row * ROW + SKEW, SKEWS)] = skew;
  }

  /** Seconds; null while too little is known. */
  cadence(row: number): number | null {
    const first = row * FLOATS + FIRST_INTERVAL;
    return cadenceOf(this.#floats.subarray(first, first + (this.#bytes[row * ROW + INTERVAL + 1] as number)));
  }

  record(row: number): DeviceRecord {
    const skews = this.#unrolled(row, FIRST_SKEW, SKEW);
    return {
      deviceId: this.nameOf(row) ?? '',
      state: STATES[this.state(row)] as DeviceState,
      lastArrival: this.lastArrival(row),
      messages: this.#doubles[row * DOUBLES + MESSAGES] as number,
      intervals: [...this.#unrolled(row, FIRST_INTERVAL, INTERVAL)],
      skews: [...skews],
      expectedInterval: this.cadence(row),
      clockSkew: medianOf(skews),
    };
  }

  /** Nothing where it is full. */
  restore(record: DeviceRecord): void {
    const row = this.add(record.deviceId);
    if (row === -1) return;
    this.#doubles[row * DOUBLES + LAST_ARRIVAL] = record.lastArrival;
    this.#doubles[row * DOUBLES + MESSAGES] = record.messages;
    for (const interval of record.intervals) this.addInterval(row, interval);
    for (const skew of record.skews) this.addSkew(row, skew);
    this.setState(row, this.cadence(row) === null ? LEARNING : STATES.indexOf(record.state));
    this.setChanged(row, false);
  }

  /** A ring is told by two bytes: the place of the next value, and how many it has. Returns that place. */
  #next(ring: number, length: number): number {
    const at = this.#bytes[ring] as number;
    this.#bytes[ring] = at + 1 === length ? 0 : at + 1;
    const count = this.#bytes[ring + 1] as number;
    if (count < length) this.#bytes[ring + 1] = count + 1;
    return at;
  }

  /** The values of a ring, the oldest first. */
  #unrolled(row: number, first: number, ring: number): Float32Array {
    const [next, count] = [this.#bytes[row * ROW + ring], this.#bytes[row * ROW + ring + 1]] as [
      number,
      number,
    ];
    const values = this.#floats.subarray(row * FLOATS + first, row * FLOATS + first + count);
    // While it is not full, nothing follows the next place.
    return Float32Array.from([...values.subarray(next), ...values.subarray(0, next)]);
  }

  #grow(): void {
    this.#capacity = Math.max(SMALLEST, this.#capacity * 2);
    const grown = new Uint8Array(this.#capacity * ROW);
    grown.set(this.#bytes);
    this.#bytes = grown;
    this.#floats = new Float32Array(grown.buffer);
    this.#doubles = new Float64Array(grown.buffer);
  }
}
