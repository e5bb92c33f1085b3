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

/** A page has so many rows. The allocator of the C library holds on to more of everything once it was given back megabytes at once. */
const PAGE_BITS = 10;
const PAGE_ROWS = 1 << PAGE_BITS;
const IN_PAGE = PAGE_ROWS - 1;

/** The bytes of some rows, in the three ways in which they are looked at. */
interface Page {
  readonly bytes: Uint8Array;
  readonly floats: Float32Array;
  readonly doubles: Float64Array;
}

/** Devices as rows of pages: about 200 bytes each, names included. A row's number stays until it is removed. */
export class DeviceTable {
  readonly #limit: number;
  readonly #rows = new Map<string, number>();
  readonly #free: number[] = [];
  readonly #names: (string | null)[] = [];
  readonly #pages: Page[] = [];
  #size = 0;

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
    if (row >> PAGE_BITS === this.#pages.length) this.#pages.push(emptyPage());
    this.#rows.set(deviceId, row);
    this.#names[row] = deviceId;
    this.#clear(row);
    this.setHeardAt(row, Number.NEGATIVE_INFINITY);
    return row;
  }

  remove(row: number): void {
    const name = this.nameOf(row);
    if (name === null) return;
    this.#rows.delete(name);
    this.#names[row] = null;
    this.#clear(row);
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
    return this.#page(row).doubles[(row & IN_PAGE) * DOUBLES + HEARD_AT] as number;
  }

  setHeardAt(row: number, time: number): void {
    this.#page(row).doubles[(row & IN_PAGE) * DOUBLES + HEARD_AT] = time;
  }

  /** Microseconds since 1970. */
  lastArrival(row: number): number {
    return this.#page(row).doubles[(row & IN_PAGE) * DOUBLES + LAST_ARRIVAL] as number;
  }

  /** One message more, at this time. */
  countArrival(row: number, time: number): void {
    const { doubles } = this.#page(row);
    const at = (row & IN_PAGE) * DOUBLES;
    doubles[at + LAST_ARRIVAL] = time;
    doubles[at + MESSAGES] = (doubles[at + MESSAGES] as number) + 1;
    this.setChanged(row, true);
  }

  state(row: number): number {
    return this.#byte(row, STATE);
  }

  setState(row: number, state: number): void {
    this.#setByte(row, STATE, state);
    this.setChanged(row, true);
  }

  /** Whether it is to be written. */
  isChanged(row: number): boolean {
    return this.#byte(row, CHANGED) === 1;
  }

  setChanged(row: number, changed: boolean): void {
    this.#setByte(row, CHANGED, changed ? 1 : 0);
  }

  /** Seconds. */
  addInterval(row: number, interval: number): void {
    const at = FIRST_INTERVAL + this.#next(row, INTERVAL, INTERVALS);
    this.#page(row).floats[(row & IN_PAGE) * FLOATS + at] = interval;
  }

  /** Seconds. */
  addSkew(row: number, skew: number): void {
    const at = FIRST_SKEW + this.#next(row, SKEW, SKEWS);
    this.#page(row).floats[(row & IN_PAGE) * FLOATS + at] = skew;
  }

  /** Seconds; null while too little is known. */
  cadence(row: number): number | null {
    return cadenceOf(this.#ring(row, FIRST_INTERVAL, INTERVAL));
  }

  record(row: number): DeviceRecord {
    const skews = this.#unrolled(row, FIRST_SKEW, SKEW);
    return {
      deviceId: this.nameOf(row) ?? '',
      state: STATES[this.state(row)] as DeviceState,
      lastArrival: this.lastArrival(row),
      messages: this.#page(row).doubles[(row & IN_PAGE) * DOUBLES + MESSAGES] as number,
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
    const { doubles } = this.#page(row);
    doubles[(row & IN_PAGE) * DOUBLES + LAST_ARRIVAL] = record.lastArrival;
    doubles[(row & IN_PAGE) * DOUBLES + MESSAGES] = record.messages;
    for (const interval of record.intervals) this.addInterval(row, interval);
    for (const skew of record.skews) this.addSkew(row, skew);
    this.setState(row, this.cadence(row) === null ? LEARNING : STATES.indexOf(record.state));
    this.setChanged(row, false);
  }

  #page(row: number): Page {
    return this.#pages[row >> PAGE_BITS] as Page;
  }

  #byte(row: number, at: number): number {
    return this.#page(row).bytes[(row & IN_PAGE) * ROW + at] as number;
  }

  #setByte(row: number, at: number, value: number): void {
    this.#page(row).bytes[(row & IN_PAGE) * ROW + at] = value;
  }

  #clear(row: number): void {
    const from = (row & IN_PAGE) * ROW;
    this.#page(row).bytes.fill(0, from, from + ROW);
  }

  /** A ring is told by two bytes: the place of the next value, and how many it has. Returns that place. */
  #next(row: number, ring: number, length: number): number {
    const at = this.#byte(row, ring);
    this.#setByte(row, ring, at + 1 === length ? 0 : at + 1);
    const count = this.#byte(row, ring + 1);
    if (count < length) this.#setByte(row, ring + 1, count + 1);
    return at;
  }

  /** The values of a ring, in no order. */
  #ring(row: number, first: number, ring: number): Float32Array {
    const from = (row & IN_PAGE) * FLOATS + first;
    return this.#page(row).floats.subarray(from, from + this.#byte(row, ring + 1));
  }

  /** The same, the oldest first. */
  #unrolled(row: number, first: number, ring: number): Float32Array {
    const values = this.#ring(row, first, ring);
    const next = this.#byte(row, ring);
    // While it is not full, nothing follows the next place.
    return Float32Array.from([...values.subarray(next), ...values.subarray(0, next)]);
  }
}

function emptyPage(): Page {
  const bytes = new Uint8Array(PAGE_ROWS * ROW);
  return { bytes, floats: new Float32Array(bytes.buffer), doubles: new Float64Array(bytes.buffer) };
}
