import type { Delivery, DeviceObserver } from './types.ts';

/** Gathers the devices of one message after the other, each with its newest time, and tells an observer of them. */
export class DeviceTap {
  readonly #observer: DeviceObserver;
  /** Most messages have one device: the others alone are looked up by name. */
  #first: string | null = null;
  #newest = Number.NaN;
  #others: Map<string, number> | null = null;

  constructor(observer: DeviceObserver) {
    this.#observer = observer;
  }

  /** `timestamp`: NaN where the point has no time of its own. */
  note(deviceId: string, timestamp: number): void {
    if (this.#first === null || this.#first === deviceId) {
      this.#first = deviceId;
      // Any time is newer than none.
      if (!(timestamp <= this.#newest) && timestamp === timestamp) this.#newest = timestamp;
      return;
    }
    this.#others ??= new Map();
    const newest = this.#others.get(deviceId);
    if (newest === undefined || (!(timestamp <= newest) && timestamp === timestamp)) {
      this.#others.set(deviceId, timestamp);
    }
  }

  /** The message is through. */
  tell(delivery: Delivery): void {
    if (this.#first === null) return;
    this.#observer.heard(this.#first, delivery, this.#newest);
    this.#first = null;
    this.#newest = Number.NaN;
    if (this.#others === null) return;
    for (const [deviceId, timestamp] of this.#others) this.#observer.heard(deviceId, delivery, timestamp);
    this.#others = null;
  }
}
