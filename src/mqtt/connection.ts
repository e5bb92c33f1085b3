import {
  connect,
  ErrorWithReasonCode,
  type IClientSubscribeProperties,
  type IConnackPacket,
  type IPublishPacket,
  type MqttClient,
  type Packet,
} from 'mqtt';
import { Acknowledger } from './acknowledger.ts';
import type { BrokerReason, ConnectionEnd } from './connection-errors.ts';
import type { SubscriptionGrant } from './grant.ts';
import type { ParserCallback } from './intake.ts';
import { type ConnectionOptions, clientOptions } from './mqtt-options.ts';
import { Pings } from './pings.ts';
import type { TopicFilter } from './subscriptions.ts';
import type { Announcement, Line } from './voice.ts';

export interface ConnectionHandlers {
  /** With the CONNACK, before any message. */
  opened(sessionPresent: boolean): void;
  accepted(connack: IConnackPacket): void;
  /** Messages of a resumed session may come before `accepted`. */
  published(packet: IPublishPacket, acknowledger: Acknowledger, done: ParserCallback): void;
  /** The broker has the acknowledgements of all messages below this ordinal of the ledger. */
  proven(below: number): void;
  /** What waited in the session has come. */
  caughtUp(): void;
  /** Exactly once, and nothing after it. */
  ended(end: ConnectionEnd): void;
}

/** Which retained messages a subscription brings: MQTT 5, 3.8.3.1. MQTT 3.1.1 always brings all. */
const RETAIN_HANDLING = { all: 0, if_new: 1, none: 2 } as const;
type Retained = keyof typeof RETAIN_HANDLING;

/** AWS IoT Core takes no more filters in one SUBSCRIBE. */
const FILTERS_PER_SUBSCRIBE = 8;

/** What a broker has in flight to a client of MQTT 3.1.1, which cannot say what it takes: mosquitto's default. */
const DEFAULT_WINDOW = 20;

const SUBACK_TIMEOUT_MS = 30_000;

/**
 * How long a farewell may take before the socket is cut. A broker reads what was acknowledged before it reads the
 * DISCONNECT, and mosquitto takes one packet a turn of its loop: cut too early, those messages come once more.
 */
const FAREWELL_MS = 5_000;

/** One network connection, from the attempt to its end; coming back means a new object. */
export class Connection implements Line {
  readonly acknowledger: Acknowledger;
  readonly #client: MqttClient;
  readonly #pings: Pings;
  readonly #window: number;
  readonly #handlers: ConnectionHandlers;
  readonly #farewell: { properties?: { sessionExpiryInterval: number } };
  readonly #is5: boolean;
  #identifies = false;
  #accepted = false;
  #over = false;
  #refusal: BrokerReason | null = null;
  #disconnect: BrokerReason | null = null;
  #error: Error | null = null;
  readonly #ended = Promise.withResolvers<void>();

  /** Throws TidegateError where `url` is not usable. */
  constructor(options: ConnectionOptions, url: string, handlers: ConnectionHandlers) {
    this.#client = connect(clientOptions(options, url));
    this.#handlers = handlers;
    this.#farewell = forgets(options) ? { properties: { sessionExpiryInterval: 0 } } : {};
    this.acknowledger = new Acknowledger((packets) => {
      this.#client.stream.write(packets);
      this.#pings.acknowledged();
    });
    this.#is5 = options.protocolVersion === 5;
    this.#window = options.protocolVersion === 5 ? options.receiveMaximum : DEFAULT_WINDOW;
    this.#pings = new Pings({
      acknowledger: this.acknowledger,
      send: () => {
        if (this.#client.connected) this.#client.sendPing();
      },
      proven: (below) => handlers.proven(below),
      caughtUp: () => handlers.caughtUp(),
    });
  }

  open(): void {
    const client = this.#client;
    // Before connecting: what waited in the session may come in the same bytes as the CONNACK.
    client.handleMessage = (packet, done) => this.#handlers.published(packet, this.acknowledger, done);
    client.on('packetreceive', (packet) => this.#onPacket(packet));
    client.on('packetsend', (packet) => {
      if (packet.cmd === 'pingreq') this.#pings.sent();
    });
    client.on('connect', (connack) => {
      this.#accepted = true;
      this.#identifies = this.#is5 && connack.properties?.subscriptionIdentifiersAvailable !== false;
      if (connack.sessionPresent) this.#pings.catchUp(this.#window);
      this.#handlers.accepted(connack);
    });
    client.on('disconnect', (packet) => {
      this.#disconnect = { code: packet.reasonCode ?? 0, text: packet.properties?.reasonString };
      // MQTT.js waits for the broker to close the socket, which may be lost on the way.
      this.destroy();
    });
    // The first error is the cause; TLS reports twice.
    const onError = (error: Error): void => {
      this.#error ??= error;
    };
    client.on('error', onError);
    client.on('close', () => this.#end());
    try {
      client.connect();
    } catch (error) {
      // A certificate or key that OpenSSL cannot read is thrown here.
      this.#error = error instanceof Error ? error : new Error(String(error));
      this.#end();
      return;
    }
    // MQTT.js passes on only errors with a code; a refused WebSocket upgrade has none.
    client.stream.on('error', onError);
  }

  /**
   * Resolves to what the broker granted, refusals included. Rejects where the connection ends before. `identifier`: comes
   * with each message that these filters bring (MQTT 5, 3.8.2.1.2); null: nothing does.
   */
  async subscribe(
    filters: readonly TopicFilter[],
    retained: Retained,
    identifier: number | null = null,
  ): Promise<SubscriptionGrant[]> {
    const grants: SubscriptionGrant[] = [];
    await this.#inParts(filters, 'SUBSCRIBE', async (part) => {
      grants.push(...(await this.#subscribe(part, retained, identifier)));
    });
    return grants;
  }

  /** Rejects where the connection ends before the broker's answer. */
  async unsubscribe(filters: readonly string[]): Promise<void> {
    await this.#inParts(filters, 'UNSUBSCRIBE', async (part) => {
      // A filter that is not there is as good as one that went.
      await new Promise<void>((resolve, reject) => {
        this.#client.unsubscribe([...part], (error, packet) => {
          if (packet === undefined) reject(error ?? new Error('no answer to UNSUBSCRIBE'));
          else resolve();
        });
      });
    });
  }

  /** Has `caughtUp` told once more, when nothing waits at the broker. */
  catchUp(): void {
    this.#pings.catchUp(this.#window);
  }

  /** Whether messages can say which subscription brings them. */
  get identifiesSubscriptions(): boolean {
    return this.#identifies;
  }

  async #inParts<T>(
    filters: readonly T[],
    what: string,
    send: (part: readonly T[]) => Promise<void>,
  ): Promise<void> {
    const timer = setTimeout(
      () => this.destroy(new Error(`the broker did not answer ${what}`)),
      SUBACK_TIMEOUT_MS,
    );
    try {
      for (let at = 0; at < filters.length; at += FILTERS_PER_SUBSCRIBE)
        await send(filters.slice(at, at + FILTERS_PER_SUBSCRIBE));
    } finally {
      clearTimeout(timer);
    }
  }

  /** Publishes at QoS 1; `done` is not called any more once the connection is over. */
  publish({ topic, payload, retain }: Announcement, done: Parameters<Line['publish']>[1]): void {
    this.#client.publish(topic, payload, { qos: 1, retain }, (error) => {
      if (this.#over) return;
      if (error instanceof ErrorWithReasonCode) done({ code: error.code, text: undefined });
      else done(error ? undefined : { code: 0, text: undefined });
    });
  }

  /**
   * Takes leave in order: finished acknowledgements (the last), `words`, then DISCONNECT; the broker keeps the session.
   * Resolves after five seconds at most, whatever the network does.
   */
  async leave(words: Announcement | null = null): Promise<void> {
    this.acknowledger.flush();
    this.acknowledger.close();
    // A PINGREQ behind the DISCONNECT would fail, and with it the socket: acknowledgements under way would be lost.
    this.#pings.close();
    if (!this.#client.connected) {
      this.destroy();
      return;
    }
    const timer = setTimeout(() => this.destroy(), FAREWELL_MS);
    // At QoS 0: in order it comes before the DISCONNECT anyway. An answer would be waited for, behind all that the broker
    // still sends, and that is much where we leave because there is no room.
    if (words !== null) this.#client.publish(words.topic, words.payload, { qos: 0, retain: words.retain });
    this.#client.end(false, this.#farewell);
    await this.#ended.promise;
    clearTimeout(timer);
  }

  /** Cuts the connection without a farewell. */
  destroy(error?: Error): void {
    if (error !== undefined) this.#error ??= error;
    this.#client.stream.destroy();
    this.#end();
  }

  #onPacket(packet: Packet): void {
    if (packet.cmd === 'pingresp') this.#pings.answered();
    if (packet.cmd !== 'connack') return;
    const code = packet.reasonCode ?? packet.returnCode ?? 0;
    if (code === 0) this.#handlers.opened(packet.sessionPresent);
    else this.#refusal = { code, text: packet.properties?.reasonString };
  }

  #subscribe(
    filters: readonly TopicFilter[],
    retained: Retained,
    identifier: number | null,
  ): Promise<SubscriptionGrant[]> {
    // Without "retain as published" the retain flag says that a message was sent because of the subscription.
    const options = { nl: false, rap: false, rh: RETAIN_HANDLING[retained] };
    const request = Object.fromEntries(filters.map(({ filter, qos }) => [filter, { qos, ...options }]));
    const extra = identifier === null ? {} : { properties: { subscriptionIdentifier: identifier } };
    return new Promise((resolve, reject) => {
      this.#client.subscribe(request, extra as IClientSubscribeProperties, (error, _sent, suback) => {
        // A refusal is an error to MQTT.js; its SUBACK tells which filter it is about.
        const codes = suback?.granted;
        if (codes?.length !== filters.length) {
          reject(error ?? new Error('the broker answered SUBSCRIBE with a wrong number of reasons'));
          return;
        }
        resolve(filters.map(({ filter, qos }, at) => ({ filter, asked: qos, granted: Number(codes[at]) })));
      });
    });
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.acknowledger.close();
    this.#pings.close();
    this.#handlers.ended({
      accepted: this.#accepted,
      refusal: this.#refusal,
      disconnect: this.#disconnect,
      error: this.#error,
    });
    this.#ended.resolve();
  }
}

/** MQTT 3.1.1 needs no farewell for that: a clean session ends by itself. */
function forgets(options: ConnectionOptions): boolean {
  return options.protocolVersion === 5 && options.keepSession === false;
}
