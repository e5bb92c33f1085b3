import type { IPublishPacket } from 'mqtt';
import type { Delivery, DropReason, Logger } from '../pipeline/types.ts';
import type { Acknowledger } from './acknowledger.ts';
import { RetainedMemory } from './retained-memory.ts';

export interface IntakeOptions {
  /** What becomes of messages that the broker had retained before we subscribed. */
  readonly retained: 'skip' | 'store' | 'if_changed';
  readonly logger: Logger;
  readonly observer: IntakeObserver;
  /** Microseconds since 1970. */
  readonly now: () => number;
}

interface IntakeObserver {
  /** Messages received and acknowledged, but not handed on. */
  dropped(reason: DropReason, count: number): void;
  /** The broker sent a message that is still in hand once more on the same connection; it is handled once. */
  resent(): void;
}

/** Frees the parser for the next packet; with an error MQTT.js sends no acknowledgement of its own. */
export type ParserCallback = (error?: Error) => void;

const ACKNOWLEDGED_LATER = new Error('acknowledged after the commit');

/** A payload from here on has its memory for itself, as it came in several reads of the socket (64 KiB each). */
const LARGE_BYTES = 65_536;

/** Topics whose latest payload is known under `retained: if_changed`; about 100 bytes each. */
const REMEMBERED_TOPICS = 100_000;

/**
 * The way of a message from MQTT.js' parser to the pipeline. Each message is handed on at once and the parser freed,
 * whether it is acknowledged now or in a minute; only while paused is the parser held, and with it the connection.
 */
export class Intake {
  readonly #options: IntakeOptions;
  readonly #onDelivery: (delivery: Delivery) => void;
  readonly #seen: RetainedMemory | null;
  #paused = false;
  #stopped = false;
  /** Goes on where the parser is held. */
  #held: (() => void) | null = null;
  #lastMessageAt: number | null = null;

  constructor(options: IntakeOptions, onDelivery: (delivery: Delivery) => void) {
    this.#options = options;
    this.#onDelivery = onDelivery;
    this.#seen = options.retained === 'if_changed' ? new RetainedMemory(REMEMBERED_TOPICS) : null;
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** Microseconds since 1970. */
  get lastMessageAt(): number | null {
    return this.#lastMessageAt;
  }

  /** Takes one PUBLISH; `done` frees the parser. */
  take(packet: IPublishPacket, acknowledger: Acknowledger, done: ParserCallback): void {
    // Not acknowledged, a message comes again in the next connection of the session.
    if (this.#stopped || acknowledger.closed) {
      done(ACKNOWLEDGED_LATER);
      return;
    }
    if (this.#paused) {
      this.#held = () => this.take(packet, acknowledger, done);
      return;
    }
    if (acknowledger.full) {
      this.#held = () => this.take(packet, acknowledger, done);
      acknowledger.whenRoom(() => {
        if (!this.#paused) this.release();
      });
      return;
    }
    this.#deliver(packet, acknowledger);
    // We never subscribe at QoS 2. A subscription left in the session by another program may bring it: MQTT.js has
    // then taken the message over already, and is let finish the exchange.
    const free = () => done(packet.qos === 2 ? undefined : ACKNOWLEDGED_LATER);
    // The pipeline may have paused us inside of the delivery.
    if (this.#paused) this.#held = free;
    else free();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.release();
  }

  /** Hands nothing on any more; the parser runs, so that pings are answered while acknowledgements go out. */
  stop(): void {
    this.#stopped = true;
    this.release();
  }

  /** Frees a parser that is held: its connection ended, or reading goes on. */
  release(): void {
    const held = this.#held;
    this.#held = null;
    held?.();
  }

  #deliver(packet: IPublishPacket, acknowledger: Acknowledger): void {
    const { observer, logger } = this.#options;
    const receivedAt = this.#options.now();
    this.#lastMessageAt = receivedAt;
    let ordinal: number | null = null;
    if (packet.qos === 1) {
      ordinal = acknowledger.add(packet.messageId ?? 0, packet.dup);
      if (ordinal === -1) {
        observer.resent();
        return;
      }
    }
    if (this.#skips(packet)) {
      observer.dropped('retained_skipped', 1);
      if (ordinal !== null) acknowledger.acknowledge(ordinal);
      return;
    }
    try {
      this.#onDelivery(new Received(packet, receivedAt, acknowledger, ordinal));
    } catch (error) {
      logger.error(
        { err: error, topic: packet.topic },
        'a message could not be taken and is not acknowledged',
      );
      if (ordinal !== null) acknowledger.skip(ordinal);
    }
  }

  /** Only messages sent because of a new subscription carry the retain flag (retain as published is not asked for). */
  #skips(packet: IPublishPacket): boolean {
    if (this.#seen === null) return packet.retain && this.#options.retained === 'skip';
    const changed = this.#seen.remember(packet.topic, payloadOf(packet));
    return packet.retain && !changed;
  }
}

class Received implements Delivery {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: 0 | 1;
  readonly retain: boolean;
  readonly duplicate: boolean;
  readonly packetId: number | null;
  readonly receivedAt: number;
  readonly identity = null;
  readonly backlog = false;
  readonly #acknowledger: Acknowledger;
  readonly #ordinal: number | null;

  constructor(
    packet: IPublishPacket,
    receivedAt: number,
    acknowledger: Acknowledger,
    ordinal: number | null,
  ) {
    this.topic = packet.topic;
    this.payload = payloadOf(packet);
    this.qos = ordinal === null ? 0 : 1;
    this.retain = packet.retain;
    this.duplicate = packet.dup;
    this.packetId = ordinal === null ? null : (packet.messageId ?? null);
    this.receivedAt = receivedAt;
    this.#acknowledger = acknowledger;
    this.#ordinal = ordinal;
  }

  ack(): void {
    if (this.#ordinal !== null) this.#acknowledger.acknowledge(this.#ordinal);
    release(this.payload);
  }
}

/**
 * Frees the memory of a large payload that nobody needs any more. V8 would only look for it after some hundred
 * megabytes of such garbage. A small one shares its memory with others.
 */
function release({ buffer, byteLength }: Uint8Array): void {
  if (byteLength < LARGE_BYTES || byteLength !== buffer.byteLength) return;
  if (buffer instanceof ArrayBuffer) buffer.transfer(0);
}

/** A received payload is always a Buffer; the packet's type also serves packets to be sent. */
function payloadOf(packet: IPublishPacket): Uint8Array {
  return typeof packet.payload === 'string' ? Buffer.from(packet.payload) : packet.payload;
}
