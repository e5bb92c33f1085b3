import type { Logger } from '../pipeline/types.ts';
import { type BrokerReason, type ConnectionEnd, describeReason } from './connection-errors.ts';

/** What a message of ours is about. */
export type Subject = 'status' | 'event' | 'discovery';

export interface Announcement {
  readonly subject: Subject;
  readonly topic: string;
  readonly payload: string;
  /** A retained one replaces an earlier one of its topic that still waits. */
  readonly retain: boolean;
}

/** What is said of the connection itself. */
export interface StatusWords {
  /** Said by the broker where the connection is lost. */
  readonly lost: Announcement;
  /** As soon as messages can come. */
  online(): Announcement;
  /** Before we leave. */
  left(reason: LeaveReason): Announcement;
}

/** Stopping for good; for as long as the queue is full; or to connect anew. */
export type LeaveReason = 'stopped' | 'full' | 'reconnecting';

type Outcome = 'sent' | 'refused' | 'dropped';

export interface VoiceOptions {
  /** Null: neither will nor status. */
  readonly status: StatusWords | null;
  readonly logger: Logger;
  readonly observer: (subject: Subject, outcome: Outcome) => void;
  /** Messages can come: by a session that the broker still had, or a new one. */
  readonly onLine?: (sessionPresent: boolean) => void;
}

/** Where it can speak: at QoS 1; `done` once, with the broker's reason where it refuses, or undefined where it never answered. */
export interface Line {
  publish(announcement: Announcement, done: (answer: BrokerReason | undefined) => void): void;
}

/** Messages that may be unanswered at once; brokers take 10 at least. */
const WINDOW = 8;
/** Events that wait for their turn; then the oldest goes. */
const WAITING = 10_000;
/** So many connections in a row that ended over our messages, and none was ever taken: the broker cuts us for them. */
const CUTS = 3;
/** From here on an answer is a refusal (MQTT 5, section 2.4). */
const REFUSED = 0x80;

/**
 * What Tidegate itself publishes, on the subscriber's connection. It never holds up what is received, and whatever the
 * broker does not allow is said once and then left.
 */
export class Voice {
  readonly #options: VoiceOptions;
  #line: Line | null = null;
  #window = WINDOW;
  readonly #unanswered = new Map<string, Announcement>();
  /** In order; retained ones by their topic. */
  #waiting = new Map<string, Announcement>();
  #counter = 0;
  readonly #refused = new Set<Subject>();
  #taken = false;
  #cuts = 0;
  #willRefused = false;

  constructor(options: VoiceOptions) {
    this.#options = options;
  }

  /** The Last Will of the next connection. */
  get will(): Announcement | null {
    return this.#willRefused || this.#refused.has('status') ? null : (this.#options.status?.lost ?? null);
  }

  /** Messages that wait or are not answered. */
  get waiting(): number {
    return this.#waiting.size + this.#unanswered.size;
  }

  say(announcement: Announcement): void {
    const { subject, topic, retain } = announcement;
    if (this.#refused.has(subject)) return;
    const key = retain ? topic : `${topic}\0${this.#counter++}`;
    this.#waiting.delete(key);
    if (this.#waiting.size >= WAITING) this.#dropOldest();
    this.#waiting.set(key, announcement);
    this.#send();
  }

  /** Messages can come. `receiveMaximum`: what the broker takes unanswered; null where it does not say. */
  attach(line: Line, sessionPresent: boolean, receiveMaximum: number | null): void {
    const { status, onLine } = this.#options;
    if (this.#willRefused && !this.#refused.has('status')) {
      this.#refuse(
        'status',
        status?.lost.topic ?? '',
        'it refuses a connection that has its Last Will there',
      );
    }
    this.#line = line;
    this.#window = Math.min(WINDOW, receiveMaximum ?? WINDOW);
    const online = this.#refused.has('status') ? undefined : status?.online();
    // What was not answered goes again, unless there is newer under its key; and who reads it must know that we are there.
    this.#waiting = new Map([
      ...(online === undefined ? [] : [[online.topic, online] as const]),
      ...this.#unanswered,
      ...this.#waiting,
    ]);
    this.#unanswered.clear();
    this.#send();
    onLine?.(sessionPresent);
  }

  /** The connection is gone. */
  detach(): void {
    if (this.#line === null) return;
    this.#line = null;
    if (this.#unanswered.size === 0 || this.#taken || ++this.#cuts < CUTS) return;
    for (const subject of ['status', 'event', 'discovery'] as const) this.#refused.add(subject);
    this.#waiting.clear();
    this.#unanswered.clear();
    this.#options.logger.warn(
      {},
      'the broker ends the connection when we publish: nothing is published any more',
    );
  }

  /** What to say last, before leaving; null where nothing is said. */
  farewell(reason: LeaveReason): Announcement | null {
    if (this.#line === null || this.#refused.has('status')) return null;
    return this.#options.status?.left(reason) ?? null;
  }

  /**
   * A connection ended, perhaps before it was accepted. Returns whether to try again at once, without the will: some
   * brokers let nobody in whose Last Will they would not publish.
   */
  retriesWithoutWill({ accepted, refusal }: Pick<ConnectionEnd, 'accepted' | 'refusal'>): boolean {
    const withWill = this.will !== null;
    // Refused without it too, it was not the will.
    if (!accepted) this.#willRefused = withWill && refusal !== null;
    return !accepted && this.#willRefused;
  }

  #send(): void {
    // The first one tries whether we may.
    while (this.#line !== null && this.#unanswered.size < (this.#taken ? this.#window : 1)) {
      const [next] = this.#waiting;
      if (next === undefined) return;
      this.#waiting.delete(next[0]);
      this.#publish(this.#line, ...next);
    }
  }

  #publish(line: Line, key: string, announcement: Announcement): void {
    const { subject, topic } = announcement;
    this.#unanswered.set(key, announcement);
    line.publish(announcement, (answer) => {
      if (line !== this.#line) return;
      if (this.#unanswered.get(key) === announcement) this.#unanswered.delete(key);
      if (answer === undefined) this.#options.observer(subject, 'dropped');
      else if (answer.code >= REFUSED) this.#refuse(subject, topic, describeReason(answer));
      else {
        this.#taken = true;
        this.#cuts = 0;
        this.#options.observer(subject, 'sent');
      }
      this.#send();
    });
  }

  #refuse(subject: Subject, topic: string, reason: string): void {
    this.#options.observer(subject, 'refused');
    if (this.#refused.has(subject)) return;
    this.#refused.add(subject);
    for (const [key, waiting] of this.#waiting) if (waiting.subject === subject) this.#waiting.delete(key);
    this.#options.logger.warn(
      { topic, subject },
      `the broker does not let us publish to ${topic}: ${reason}; no ${subject} messages any more`,
    );
  }

  #dropOldest(): void {
    for (const [key, { subject }] of this.#waiting) {
      this.#waiting.delete(key);
      this.#options.observer(subject, 'dropped');
      return;
    }
  }
}
