import type { DeliveryIdentity, LedgerEntry } from '../pipeline/types.ts';

/** Packet identifiers are 16 bits. */
const IDENTIFIERS = 0x1_0000;

/**
 * How far back, in arrivals, a settled message is known again. A broker that gives identifiers out in turn (mosquitto,
 * EMQX, aedes) has at most half of them in flight here when it comes round to one, so what had it before is out of the
 * window by then. `receive_maximum` would be closer, but mosquitto 2.0.11 sends further ahead than that.
 */
const WINDOW = IDENTIFIERS / 2 - 1;

const NONE = -1;

/** A message that was here before, to be settled and not handled. */
export interface Match<InHand> {
  /** Below this ordinal all is acknowledged once this one is. */
  readonly proves: number;
  /** What is to take over the acknowledgement once it is durable; null: it is durable already. */
  readonly inHand: InHand | null;
}

/**
 * What this session at the broker has brought, so that a message sent again is known: under each packet identifier the
 * latest arrival, as an identifier is free for another message only after the one before was acknowledged.
 *
 * A match that is none would lose a message, a missed one only stores it twice: every doubt makes a new message.
 */
export class Ledger<InHand> {
  readonly #window: number;
  readonly #ordinals = new Float64Array(IDENTIFIERS).fill(NONE);
  readonly #topics = new Uint32Array(IDENTIFIERS);
  readonly #payloads = new Uint32Array(IDENTIFIERS);
  /**
   * 1 for a message that came as a repeat and was not known (the daemon was killed before it was durable): its ordinal is
   * late, it was sent before some that have lesser ones.
   */
  readonly #repeated = new Uint8Array(IDENTIFIERS);
  /** The connection that brought it last. */
  readonly #connections = new Uint32Array(IDENTIFIERS);
  readonly #inHand: (InHand | null)[] = Array.from({ length: IDENTIFIERS }, () => null);
  #epoch = 0;
  #next = 0;
  #proven = 0;
  #connection = 1;
  #lastMatch = NONE;
  #suspended = false;

  constructor(window: number = WINDOW) {
    this.#window = window;
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** Whether the epoch has brought nothing so far. */
  get fresh(): boolean {
    return this.#next === 0;
  }

  /** Whether there is no epoch that messages can be counted in. */
  get suspended(): boolean {
    return this.#suspended;
  }

  /** Below it nothing will be asked for again. */
  get floor(): number {
    return Math.max(this.#proven, this.#next - this.#window);
  }

  /** The session is another one; `begin` names its epoch. */
  suspend(): void {
    this.#suspended = true;
    this.#ordinals.fill(NONE);
    this.#inHand.fill(null);
  }

  /** `entries`: what earlier lives of the daemon settled in it, in ascending order. */
  begin(epoch: number, entries: readonly LedgerEntry[] = []): void {
    this.suspend();
    this.#suspended = false;
    this.#epoch = epoch;
    this.#next = 0;
    this.#proven = 0;
    for (const entry of entries) {
      this.#put(entry, entry.duplicate);
      // Not of this connection, whichever that is.
      this.#connections[entry.packetId] = 0;
      this.#next = entry.ordinal + 1;
    }
  }

  /** A new network connection: what is sent again now comes in the order in which it was sent [MQTT-4.6.0-1]. */
  connected(): void {
    this.#connection++;
    this.#lastMatch = NONE;
  }

  /** A new message, as far as is known; `duplicate`: it is marked as sent again. */
  arrive(packetId: number, topicDigest: number, payloadDigest: number, duplicate: boolean): DeliveryIdentity {
    const identity = { epoch: this.#epoch, ordinal: this.#next++, packetId, topicDigest, payloadDigest };
    this.#put(identity, duplicate);
    return identity;
  }

  /** Who waits for `settle`. */
  hold(identity: DeliveryIdentity, inHand: InHand): void {
    if (this.#isLatest(identity)) this.#inHand[identity.packetId] = inHand;
  }

  /** It is durable. */
  settle(identity: DeliveryIdentity): void {
    if (this.#isLatest(identity)) this.#inHand[identity.packetId] = null;
  }

  /** It was not taken, and is a new message when it comes again. */
  forget(identity: DeliveryIdentity): void {
    if (!this.#isLatest(identity)) return;
    this.#ordinals[identity.packetId] = NONE;
    this.#inHand[identity.packetId] = null;
  }

  /**
   * Looks up a message that is marked as sent again (DUP). Null: a new one, as far as can be known. `resent`: it came on
   * this connection before, so its acknowledgement is written or owed.
   */
  find(packetId: number, topicDigest: number, payloadDigest: number): Match<InHand> | 'resent' | null {
    const ordinal = this.#ordinals[packetId] as number;
    if (
      ordinal === NONE ||
      this.#topics[packetId] !== topicDigest ||
      this.#payloads[packetId] !== payloadDigest
    ) {
      return null;
    }
    if (this.#connections[packetId] === this.#connection) return 'resent';
    const inHand = this.#inHand[packetId] as InHand | null;
    // Never acknowledged, its identifier cannot be another message's. A settled one may have been acknowledged, and the
    // identifier used again for the like: not if it was sent before one that came again already, or is long past.
    if (inHand === null && (ordinal <= this.#lastMatch || ordinal < this.floor)) return null;
    this.#connections[packetId] = this.#connection;
    if (this.#repeated[packetId] === 1) return { proves: 0, inHand };
    this.#lastMatch = Math.max(this.#lastMatch, ordinal);
    return { proves: ordinal + 1, inHand };
  }

  /** The broker has the acknowledgements of all below `ordinal`. */
  prove(ordinal: number): void {
    this.#proven = Math.max(this.#proven, ordinal);
  }

  #put(identity: DeliveryIdentity, duplicate: boolean): void {
    const { ordinal, packetId, topicDigest, payloadDigest } = identity;
    this.#ordinals[packetId] = ordinal;
    this.#topics[packetId] = topicDigest;
    this.#payloads[packetId] = payloadDigest;
    this.#repeated[packetId] = duplicate ? 1 : 0;
    this.#connections[packetId] = this.#connection;
    this.#inHand[packetId] = null;
  }

  #isLatest({ epoch, ordinal, packetId }: DeliveryIdentity): boolean {
    return epoch === this.#epoch && this.#ordinals[packetId] === ordinal;
  }
}
