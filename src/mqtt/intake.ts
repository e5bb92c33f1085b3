import type { IPublishPacket } from 'mqtt';
import type { Delivery, DropReason, Logger } from '../pipeline/types.ts';
import type { Acknowledger } from './acknowledger.ts';
import { payloadDigest, topicDigest } from './digest.ts';
import type { Ledger } from './ledger.ts';
import { Overlap } from './overlap.ts';
import { PayloadRoom } from './payload-room.ts';
import { payloadOf, Received } from './received.ts';
import { RetainedMemory } from './retained-memory.ts';

export interface IntakeOptions {
  /** What becomes of messages that the broker had retained before we subscribed. */
  readonly retained: 'skip' | 'store' | 'if_changed';
  readonly logger: Logger;
  readonly observer: IntakeObserver;
  /** Null: a message that the broker sends again is a new one. */
  readonly ledger: Ledger<Received> | null;
  /** Whether a topic is one that we publish to: such messages are nobody's data. Default: none is. */
  readonly isOwn?: (topic: string) => boolean;
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
  readonly #room = new PayloadRoom();
  #paused = false;
  #stopped = false;
  /** Goes on where the parser is held. */
  #held: (() => void) | null = null;
  #lastMessageAt: number | null = null;
  /** The same by a clock that nobody sets, in milliseconds. */
  #lastHeard = Number.NEGATIVE_INFINITY;
  /** QoS 1 messages that were neither handled nor acknowledged on this connection: there was no epoch for them. */
  #declined = 0;
  #overlap: Overlap | null = null;
  #backlog: { readonly since: number; messages: number } | null = null;

  constructor(options: IntakeOptions, onDelivery: (delivery: Delivery) => void) {
    this.#options = options;
    this.#onDelivery = onDelivery;
    this.#seen = options.retained === 'if_changed' ? new RetainedMemory(REMEMBERED_TOPICS) : null;
  }

  /** Milliseconds since the last message, or since `turnedAt` (monotonic) where that is later; null while reading is held back. */
  quietMs(turnedAt: number): number | null {
    return this.#paused ? null : performance.now() - Math.max(turnedAt, this.#lastHeard);
  }

  /** Of the last message, microseconds since 1970. */
  get lastMessageAt(): number | null {
    return this.#lastMessageAt;
  }

  get declined(): number {
    return this.#declined;
  }

  /** The broker accepted a connection. With a session of ours there may be messages that waited in it. */
  opened(sessionPresent: boolean): void {
    this.#declined = 0;
    this.#options.ledger?.connected();
    this.#backlog = sessionPresent ? { since: performance.now(), messages: 0 } : null;
  }

  /** From now on messages may come twice: `identifier` is that of the new subscriptions. Null: no more. */
  overlap(identifier: number | null): void {
    this.#overlap = identifier === null ? null : new Overlap(identifier);
  }

  /** What comes from now on did not wait at the broker. */
  caughtUp(): void {
    const backlog = this.#backlog;
    this.#backlog = null;
    if (backlog === null || backlog.messages === 0) return;
    const seconds = (performance.now() - backlog.since) / 1e3;
    this.#options.logger.info(
      { messages: backlog.messages, seconds },
      `caught up: ${backlog.messages} messages had waited at the broker, and came within ${seconds.toFixed(1)} s`,
    );
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
    const receivedAt = this.#options.now();
    this.#lastMessageAt = receivedAt;
    this.#lastHeard = performance.now();
    if (packet.qos === 1) {
      this.#deliverOwed(packet, receivedAt, acknowledger);
      return;
    }
    const skipped = this.#skips(packet);
    if (skipped !== null) this.#options.observer.dropped(skipped, 1);
    else this.#handOn(new Received(packet, receivedAt, false, null, null, acknowledger, null, this.#room));
  }

  #deliverOwed(packet: IPublishPacket, receivedAt: number, acknowledger: Acknowledger): void {
    const { ledger, observer } = this.#options;
    const packetId = packet.messageId ?? 0;
    if (ledger?.suspended) {
      this.#declined++;
      return;
    }
    // In hand on this connection: the same message then (EMQX sends it every 30 s).
    if (packet.dup && acknowledger.holds(packetId)) {
      observer.resent();
      return;
    }
    const topic = ledger === null ? 0 : topicDigest(packet.topic);
    const payload = ledger === null ? 0 : payloadDigest(payloadOf(packet));
    if (packet.dup && ledger !== null) {
      const match = ledger.find(packetId, topic, payload);
      if (match === 'resent') {
        // Its PUBACK is on the way. A second one might come when the identifier is another message's.
        observer.resent();
        return;
      }
      if (match !== null) {
        const ordinal = acknowledger.add(packetId, match.proves);
        if (match.inHand === null) acknowledger.acknowledge(ordinal);
        else match.inHand.takeOver(acknowledger, ordinal);
        observer.dropped('redelivered', 1);
        return;
      }
    }
    const skipped = this.#skips(packet);
    if (skipped !== null) {
      acknowledger.acknowledge(acknowledger.add(packetId));
      observer.dropped(skipped, 1);
      return;
    }
    const backlog = this.#backlog !== null || packet.dup;
    if (this.#backlog !== null) this.#backlog.messages++;
    const identity = ledger?.arrive(packetId, topic, payload, packet.dup) ?? null;
    // All that is sent again comes before what is new. A repeat that we do not know may come before one that we know.
    const proves = identity === null || packet.dup ? 0 : identity.ordinal + 1;
    const ordinal = acknowledger.add(packetId, proves);
    const received = new Received(
      packet,
      receivedAt,
      backlog,
      ledger,
      identity,
      acknowledger,
      ordinal,
      this.#room,
    );
    if (identity !== null) ledger?.hold(identity, received);
    if (this.#handOn(received)) return;
    acknowledger.skip(ordinal);
    if (identity !== null) ledger?.forget(identity);
  }

  /** Returns whether it was taken. */
  #handOn(received: Received): boolean {
    try {
      this.#onDelivery(received);
      return true;
    } catch (error) {
      this.#options.logger.error(
        { err: error, topic: received.topic },
        'a message could not be taken and is not acknowledged',
      );
      return false;
    }
  }

  /** Why it is left aside, or null. Only messages sent because of a new subscription carry the retain flag (retain as published is not asked for). */
  #skips(packet: IPublishPacket): DropReason | null {
    if (this.#options.isOwn?.(packet.topic) === true) return 'own_message';
    if (this.#isSecondCopy(packet)) return 'redelivered';
    if (this.#seen === null) {
      return packet.retain && this.#options.retained === 'skip' ? 'retained_skipped' : null;
    }
    const changed = this.#seen.remember(packet.topic, payloadOf(packet));
    return packet.retain && !changed ? 'retained_skipped' : null;
  }

  #isSecondCopy(packet: IPublishPacket): boolean {
    // Sent again because of another connection it has no copy beside it.
    if (this.#overlap === null || packet.dup) return false;
    const identifiers = [packet.properties?.subscriptionIdentifier ?? []].flat();
    return this.#overlap.isSecond(packet.topic, payloadDigest(payloadOf(packet)), identifiers);
  }
}
