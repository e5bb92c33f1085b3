import type { Delivery } from './types.ts';

/** The newest QoS 0 messages while the queue is full and `ingest.qos0` is drop_oldest: a ring bounded in bytes. */
export class WaitingRoom {
  readonly #maxBytes: number;
  #waiting: Delivery[] = [];
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get size(): number {
    return this.#waiting.length;
  }

  /** Takes a message; returns how many older ones had to leave for it (itself, where it alone is too large). */
  push(delivery: Delivery): number {
    this.#waiting.push(delivery);
    this.#bytes += sizeOf(delivery);
    let leaving = 0;
    while (this.#bytes > this.#maxBytes) this.#bytes -= sizeOf(this.#waiting[leaving++] as Delivery);
    if (leaving > 0) this.#waiting = this.#waiting.slice(leaving);
    return leaving;
  }

  /** Everybody out, in order of arrival. */
  empty(): Delivery[] {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#bytes = 0;
    return waiting;
  }
}

function sizeOf(delivery: Delivery): number {
  return delivery.payload.byteLength + delivery.topic.length + 300;
}
