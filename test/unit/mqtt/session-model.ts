/** A broker's session and a daemon in a few lines each, joined by a connection that can be cut at any packet. */

import type { IPublishPacket } from 'mqtt';
import { Acknowledger } from '../../../src/mqtt/acknowledger.ts';
import { Intake } from '../../../src/mqtt/intake.ts';
import { Ledger } from '../../../src/mqtt/ledger.ts';
import { Pings } from '../../../src/mqtt/pings.ts';
import type { Received } from '../../../src/mqtt/received.ts';
import type { Delivery, LedgerEntry } from '../../../src/pipeline/types.ts';

/** Identifiers go from 1 to so many. */
const IDENTIFIERS = 12;
const IN_FLIGHT = 4;
const WINDOW = IDENTIFIERS - IN_FLIGHT;

interface InFlight {
  readonly id: number;
  readonly number: number;
  sent: boolean;
}

interface Session {
  lastId: number;
  inFlight: InFlight[];
  queue: number[];
}

export interface SessionModelOptions {
  /** Whether identifiers are given out in turn, as most brokers do, or the lowest free one each time. */
  readonly identifiers: 'in turn' | 'lowest';
  /** What message number `n` carries. */
  readonly payload: (number: number) => string;
}

export class SessionModel {
  readonly #options: SessionModelOptions;
  #published = 0;
  // The broker.
  #session: Session = { lastId: 0, inFlight: [], queue: [] };
  #saved: Session = structuredClone(this.#session);
  // The network.
  #toDaemon: (IPublishPacket | 'pingresp')[] = [];
  #toBroker: (number | 'pingreq')[] = [];
  // The database.
  readonly stored: number[] = [];
  /** Messages whose acknowledgement the broker had. */
  readonly acknowledged = new Set<number>();
  /** Messages that the broker itself forgot. */
  readonly forgotten = new Set<number>();
  /** Messages that the broker sends a second time as if it were the first. */
  readonly unmarked = new Set<number>();
  #rows: LedgerEntry[] = [];
  // The daemon.
  readonly #numbers = new WeakMap<Uint8Array, number>();
  #inHand: Delivery[] = [];
  #ledger = new Ledger<Received>(WINDOW);
  #intake = this.#newIntake();
  #acknowledger = this.#newAcknowledger();
  #pings = this.#newPings(this.#acknowledger);

  constructor(options: SessionModelOptions) {
    this.#options = options;
    this.#ledger.begin(1);
    this.connect();
  }

  get published(): number {
    return this.#published;
  }

  publish(): void {
    this.#session.queue.push(this.#published++);
    this.#send();
  }

  /** The daemon reads so many packets. */
  deliver(count: number): void {
    for (const packet of this.#toDaemon.splice(0, count)) {
      if (packet === 'pingresp') this.#pings.answered();
      else this.#intake.take(packet, this.#acknowledger, () => {});
    }
  }

  /** One of the messages in hand becomes durable, with its row. */
  commit(pick: number): void {
    const [delivery] = this.#inHand.splice(pick % Math.max(1, this.#inHand.length), 1);
    if (delivery === undefined || delivery.identity === null) return;
    this.stored.push(this.#numberOf(delivery));
    this.#rows.push({ ...delivery.identity, duplicate: delivery.duplicate });
    delivery.ack();
  }

  /** What the event loop would do at the end of a turn. */
  flush(): void {
    this.#acknowledger.flush();
  }

  ping(): void {
    this.#pings.sent();
    this.#toBroker.push('pingreq');
  }

  /** The broker reads so many packets. */
  acknowledge(count: number): void {
    for (const packet of this.#toBroker.splice(0, count)) {
      if (packet === 'pingreq') this.#toDaemon.push('pingresp');
      else {
        const { inFlight } = this.#session;
        for (const { id, number } of inFlight) if (id === packet) this.acknowledged.add(number);
        this.#session.inFlight = inFlight.filter(({ id }) => id !== packet);
      }
    }
    this.#send();
  }

  /** All that is under way is lost. */
  connect(): void {
    this.#acknowledger.close();
    this.#pings.close();
    this.#toDaemon = [];
    this.#toBroker = [];
    this.#acknowledger = this.#newAcknowledger();
    this.#pings = this.#newPings(this.#acknowledger);
    this.#intake.opened(true);
    for (const message of this.#session.inFlight) this.#transmit(message);
    this.#send();
  }

  /** The daemon is killed, and starts with what the database has. */
  kill(): void {
    this.#inHand = [];
    this.#ledger = new Ledger(WINDOW);
    this.#ledger.begin(
      1,
      this.#rows.toSorted((one, other) => one.ordinal - other.ordinal),
    );
    this.#intake = this.#newIntake();
    this.connect();
  }

  /** The broker writes its state to disk. */
  save(): void {
    this.#saved = structuredClone(this.#session);
  }

  /** The broker is killed, and starts with what it wrote last. */
  killBroker(): void {
    const known = new Set([...this.#saved.queue, ...this.#saved.inFlight.map(({ number }) => number)]);
    for (let number = 0; number < this.#published; number++) {
      if (!known.has(number)) this.forgotten.add(number);
    }
    this.#session = structuredClone(this.#saved);
    for (const number of this.#session.queue) this.unmarked.add(number);
    for (const { number, sent } of this.#session.inFlight) if (!sent) this.unmarked.add(number);
    this.connect();
  }

  /** Until nothing moves any more. Throws where something never does. */
  settle(): void {
    for (let turn = 0; ; turn++) {
      if (this.#session.inFlight.length + this.#session.queue.length + this.#inHand.length === 0) return;
      if (turn > 10 * this.#published) throw new Error('a message is never acknowledged');
      this.deliver(Number.POSITIVE_INFINITY);
      this.commit(0);
      this.flush();
      this.acknowledge(Number.POSITIVE_INFINITY);
    }
  }

  #send(): void {
    const { inFlight, queue } = this.#session;
    while (inFlight.length < IN_FLIGHT && queue.length > 0) {
      const message = { id: this.#nextId(), number: queue.shift() as number, sent: false };
      inFlight.push(message);
      this.#transmit(message);
    }
  }

  #transmit(message: InFlight): void {
    const payload = Buffer.from(this.#options.payload(message.number));
    this.#numbers.set(payload, message.number);
    this.#toDaemon.push({
      cmd: 'publish',
      topic: 't',
      payload,
      qos: 1,
      retain: false,
      dup: message.sent,
      messageId: message.id,
    });
    message.sent = true;
  }

  #nextId(): number {
    const used = new Set(this.#session.inFlight.map(({ id }) => id));
    let id = this.#options.identifiers === 'lowest' ? 0 : this.#session.lastId;
    do id = (id % IDENTIFIERS) + 1;
    while (used.has(id));
    this.#session.lastId = id;
    return id;
  }

  #numberOf({ payload }: Delivery): number {
    return this.#numbers.get(payload) as number;
  }

  #newIntake(): Intake {
    const nothing = (): void => {};
    return new Intake(
      {
        retained: 'store',
        ledger: this.#ledger,
        now: () => 0,
        logger: { debug: nothing, info: nothing, warn: nothing, error: nothing },
        observer: { dropped: nothing, resent: nothing },
      },
      (delivery) => this.#inHand.push(delivery),
    );
  }

  #newAcknowledger(): Acknowledger {
    return new Acknowledger((packets) => {
      for (let at = 2; at < packets.length; at += 4) this.#toBroker.push(packets.readUInt16BE(at));
    });
  }

  #newPings(acknowledger: Acknowledger): Pings {
    return new Pings({
      acknowledger,
      send: () => {},
      proven: (below) => {
        this.#ledger.prove(below);
        const { floor } = this.#ledger;
        this.#rows = this.#rows.filter(({ ordinal }) => ordinal >= floor);
      },
      caughtUp: () => {},
    });
  }
}
