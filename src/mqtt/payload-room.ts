/** Bytes of one block, and how many are kept for what comes next. */
const BLOCK_BYTES = 262_144;
const MOST_SPARE = 16;
/** Smaller payloads cost more to be copied than their memory does; larger ones have theirs for themselves, and give it back. */
const LEAST_BYTES = 1_024;
const MOST_BYTES = 65_536;

/** Memory for the payloads of messages that came one after another. */
export class PayloadBlock {
  readonly #room: PayloadRoom;
  readonly #bytes = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  #used = 0;
  #held = 0;

  constructor(room: PayloadRoom) {
    this.#room = room;
  }

  get free(): number {
    return BLOCK_BYTES - this.#used;
  }

  copy(payload: Uint8Array): Uint8Array {
    const from = this.#used;
    this.#bytes.set(payload, from);
    this.#used += payload.byteLength;
    this.#held++;
    return this.#bytes.subarray(from, this.#used);
  }

  /** Of one of the copies, once. */
  giveBack(): void {
    if (--this.#held === 0) this.#room.giveBack(this);
  }

  clear(): void {
    this.#used = 0;
  }
}

/**
 * Where payloads lie until their messages are settled. As they come they are parts of what was read from the socket at once: made anew
 * each time, too long-lived for V8's young generation, and outside of its heap, all of which it collects whenever some 20 MiB
 * of such memory have come together. A copy costs far less. A block is written to again when all of its payloads are given
 * back; one of which some never is, as somebody may still be reading it, is left to the collector.
 */
export class PayloadRoom {
  readonly #spare: PayloadBlock[] = [];
  #current: PayloadBlock | null = null;

  /** The block to copy a payload of that many bytes to; null where it should stay as it is. */
  blockFor(bytes: number): PayloadBlock | null {
    if (bytes < LEAST_BYTES || bytes >= MOST_BYTES) return null;
    if (this.#current === null || this.#current.free < bytes) {
      this.#current = this.#spare.pop() ?? new PayloadBlock(this);
    }
    return this.#current;
  }

  /** Nobody will read any of the payloads in this block any more. */
  giveBack(block: PayloadBlock): void {
    block.clear();
    if (block !== this.#current && this.#spare.length < MOST_SPARE) this.#spare.push(block);
  }
}
