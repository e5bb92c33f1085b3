/** Packet identifiers have 16 bits and none is in hand twice: more than this can never be owed. */
const CAPACITY = 0x1_0000;
const MASK = CAPACITY - 1;

const OWED = 0;
const DONE = 1;
const SKIPPED = 2;

/**
 * The acknowledgements owed on one network connection. PUBACKs must go out in the order in which the PUBLISH packets
 * came [MQTT-4.6.0-2]: the longest finished prefix is written, as one write for all that finish in the same turn.
 * The right to acknowledge ends with the connection, so each connection has an acknowledger of its own: after `close`
 * nothing is ever written, whoever still holds an ordinal.
 */
export class Acknowledger {
  readonly #write: (packets: Buffer) => void;
  readonly #packetIds = new Uint16Array(CAPACITY);
  readonly #states = new Uint8Array(CAPACITY);
  readonly #inHand = new Uint8Array(CAPACITY);
  /** Ordinals count arrivals from 0; those from head up to tail are in hand. */
  #head = 0;
  #tail = 0;
  #scheduled = false;
  #closed = false;

  constructor(write: (packets: Buffer) => void) {
    this.#write = write;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Messages that were received and whose PUBACK is not yet written. */
  get pending(): number {
    return this.#tail - this.#head;
  }

  /**
   * Takes an arrival into hand and returns its ordinal, or -1 where this packet identifier is in hand already: then
   * the broker sent the same message again (EMQX does every 30 s), and a second PUBACK might hit the next message
   * that gets the identifier.
   */
  add(packetId: number): number {
    if (this.#inHand[packetId] === 1) return -1;
    const ordinal = this.#tail++;
    this.#inHand[packetId] = 1;
    this.#packetIds[ordinal & MASK] = packetId;
    this.#states[ordinal & MASK] = OWED;
    return ordinal;
  }

  /** Idempotent. */
  acknowledge(ordinal: number): void {
    this.#finish(ordinal, DONE);
  }

  /** Leaves one message unacknowledged for good, without holding back those behind it. */
  skip(ordinal: number): void {
    this.#finish(ordinal, SKIPPED);
  }

  /** Writes the finished prefix now instead of at the end of the turn. */
  flush(): void {
    this.#scheduled = false;
    if (this.#closed) return;
    let end = this.#head;
    while (end < this.#tail && this.#states[end & MASK] !== OWED) end++;
    if (end === this.#head) return;
    const packets = Buffer.allocUnsafe(4 * (end - this.#head));
    let length = 0;
    for (let ordinal = this.#head; ordinal < end; ordinal++) {
      // A skipped message stays the broker's: its identifier may only come back as the same message.
      if (this.#states[ordinal & MASK] === SKIPPED) continue;
      const packetId = this.#packetIds[ordinal & MASK] ?? 0;
      this.#inHand[packetId] = 0;
      // PUBACK with reason "success": the same four bytes in MQTT 3.1.1 and 5 (section 3.4).
      packets.writeUInt16BE(0x4002, length);
      packets.writeUInt16BE(packetId, length + 2);
      length += 4;
    }
    this.#head = end;
    if (length > 0) this.#write(packets.subarray(0, length));
  }

  close(): void {
    this.#closed = true;
    this.#head = this.#tail;
  }

  #finish(ordinal: number, state: typeof DONE | typeof SKIPPED): void {
    if (ordinal < this.#head) return;
    this.#states[ordinal & MASK] = state;
    if (ordinal !== this.#head || this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => this.flush());
  }
}
