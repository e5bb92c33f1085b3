/** A ring for as many messages as there are packet identifiers (16 bits). */
const CAPACITY = 0x1_0000;
const MASK = CAPACITY - 1;
/**
 * So many owed, nothing more is taken. A broker that forgets our receive maximum (mosquitto 2.0.11 does) would come
 * round to identifiers that are in hand, and two messages under one cannot be told apart.
 */
const FULL = 60_000;
/** Going on at every single PUBACK would be a write for each. */
const ROOM = FULL / 2;

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
  readonly #proofs = new Float64Array(CAPACITY);
  /** Ordinals count arrivals from 0; those from head up to tail are in hand. */
  #head = 0;
  #tail = 0;
  #scheduled = false;
  #closed = false;
  #proven = 0;
  #onRoom: (() => void) | null = null;

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

  /** Whether no more can be taken; `whenRoom` tells when it can. */
  get full(): boolean {
    return this.pending >= FULL;
  }

  /** Calls back once, when half of what is owed is written; a later call replaces an earlier one. */
  whenRoom(callback: () => void): void {
    this.#onRoom = callback;
  }

  /** Messages that were ever taken into hand. */
  get arrived(): number {
    return this.#tail;
  }

  /** Of those, messages whose PUBACK is written. */
  get written(): number {
    return this.#head;
  }

  /** The greatest `proof` of a message whose PUBACK is written. */
  get proven(): number {
    return this.#proven;
  }

  /**
   * Whether a message under this identifier is in hand. One that is marked as sent again is the same message then, and a
   * second PUBACK might hit the next message that gets the identifier. Without that mark it is another message.
   */
  holds(packetId: number): boolean {
    return (this.#inHand[packetId] ?? 0) > 0;
  }

  /** Takes an arrival into hand and returns its ordinal. `proof`: the ordinal of the ledger below which all is acknowledged once this one is. */
  add(packetId: number, proof = 0): number {
    const ordinal = this.#tail++;
    this.#inHand[packetId] = (this.#inHand[packetId] ?? 0) + 1;
    this.#packetIds[ordinal & MASK] = packetId;
    this.#states[ordinal & MASK] = OWED;
    this.#proofs[ordinal & MASK] = proof;
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
      this.#inHand[packetId] = (this.#inHand[packetId] ?? 1) - 1;
      this.#proven = Math.max(this.#proven, this.#proofs[ordinal & MASK] as number);
      // PUBACK with reason "success": the same four bytes in MQTT 3.1.1 and 5 (section 3.4).
      packets.writeUInt16BE(0x4002, length);
      packets.writeUInt16BE(packetId, length + 2);
      length += 4;
    }
    this.#head = end;
    if (length > 0) this.#write(packets.subarray(0, length));
    if (this.#onRoom === null || this.pending > ROOM) return;
    const callback = this.#onRoom;
    this.#onRoom = null;
    callback();
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
