import { hash } from 'node:crypto';

/** Of messages that are remembered, some 150 bytes each: beyond that the oldest may be taken again. */
const MOST = 100_000;

/**
 * Knows a message of the same topic and payload again for a while, as a bridge or a device sends it that does not know
 * whether it arrived. In this process only; where it is in doubt, a message is no repetition.
 */
export class Repeats {
  readonly #within: number;
  readonly #most: number;
  /** The receipt of each that was taken, the oldest first. */
  readonly #taken = new Map<string, number>();

  /** `within`: microseconds after the message that was taken. */
  constructor(within: number, most = MOST) {
    this.#within = within;
    this.#most = most;
  }

  /**
   * `receivedAt`: microseconds since 1970; NaN: nobody remembers it. A message that is decoded a second time, as it lay in
   * the spool, is no repetition of itself.
   */
  knows(topic: string, payload: Uint8Array, receivedAt: number): boolean {
    if (Number.isNaN(receivedAt)) return false;
    // A digest that is too short would lose what it takes for the same.
    const message = `${hash('sha1', payload, 'base64')} ${topic}`;
    const before = this.#taken.get(message);
    if (before !== undefined && receivedAt <= before) return false;
    if (before !== undefined && receivedAt - before <= this.#within) return true;
    this.#taken.delete(message);
    this.#taken.set(message, receivedAt);
    this.#forget(receivedAt - this.#within);
    return false;
  }

  #forget(until: number): void {
    for (const [message, at] of this.#taken) {
      if (at >= until && this.#taken.size <= this.#most) return;
      this.#taken.delete(message);
    }
  }
}
