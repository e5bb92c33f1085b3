import type { DeadLetterCode } from '../errors.ts';
import { isName, nameOf } from './names.ts';
import { excerpt } from './place.ts';
import { NO_TIME, OUT_OF_RANGE, UNREADABLE } from './timestamp.ts';

/** Why an item can have no points. */
export interface Fault {
  readonly code: DeadLetterCode;
  readonly detail: string;
}

/** What the points of an item have in common: the device and the time. One for all items. */
export class Item {
  deviceId = '';
  /** Microseconds since 1970, or one of the marks of timestamp.ts. */
  time = NO_TIME;
  /** Times before it (microseconds since 1970) are those of a clock that is not set: none. */
  unsetBefore = Number.NEGATIVE_INFINITY;
  #timeAsSent: unknown;
  #deviceFault: Fault | null = null;

  start(deviceId: string): void {
    this.deviceId = deviceId;
    this.#deviceFault = null;
    this.time = NO_TIME;
  }

  /** A device_id that the payload names. */
  setDevice(value: unknown, path: string, nameLength: number): void {
    const id = nameOf(value);
    if (id === undefined) {
      this.#deviceFault = { code: 'device_id_missing', detail: `no device_id at ${path}` };
    } else if (id === null || !isName(id, nameLength)) {
      this.#deviceFault = { code: 'name_invalid', detail: `the device_id at ${path} is ${excerpt(value)}` };
    } else {
      this.deviceId = id;
    }
  }

  /** As read, and as the payload has it. */
  setTime(time: number, sent: unknown): void {
    this.time = time < this.unsetBefore && time !== OUT_OF_RANGE ? NO_TIME : time;
    this.#timeAsSent = sent;
  }

  /** Whether a point at each of the times is one, at that time. */
  takes(times: Float64Array): boolean {
    if (this.#deviceFault !== null) return false;
    const { unsetBefore } = this;
    for (let row = 0; row < times.length; row++) {
      const time = times[row] as number;
      if (!(time >= unsetBefore && time < UNREADABLE && time > OUT_OF_RANGE)) return false;
    }
    return true;
  }

  /** Null where it can have points. */
  fault(): Fault | null {
    if (this.#deviceFault !== null) return this.#deviceFault;
    if (this.time === UNREADABLE) {
      return { code: 'timestamp_invalid', detail: `the timestamp is ${excerpt(this.#timeAsSent)}` };
    }
    if (this.time === OUT_OF_RANGE) {
      return { code: 'timestamp_out_of_range', detail: `the timestamp is ${excerpt(this.#timeAsSent)}` };
    }
    return null;
  }
}
