import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { connect, type MqttClient } from 'mqtt';
import { type Daemon, settled } from './daemon.ts';
import type { TestDatabase } from './database.ts';
import { eventually } from './eventually.ts';

/** With a time of its own; without one; not readable, which is kept as a dead letter. */
export type Kind = 'timed' | 'untimed' | 'garbage';

/** What the oracle of every fault is asked with: mostly points, with garbage in between. */
export const ALL_KINDS: readonly Kind[] = ['timed', 'untimed', 'timed', 'untimed', 'garbage'];

/** Few enough to meet in every batch, enough to be interleaved. */
const DEVICES = 20;
/** Published at once, then waited for. */
const BURST = 50;
/** Milliseconds between two attempts to reach the broker. */
const RETRY_MS = 50;
/** So many times the pause while nobody waits for messages: enough of a flow to meet what is waited for, at a fourth of the cost. */
const CALM = 4;

export interface TrafficOptions {
  /** In turn. Default: timed. */
  readonly kinds?: readonly Kind[];
  /**
   * Milliseconds between bursts of 50 while a test waits for more of them, a fourth of the rate meanwhile. Default: 15, so that
   * a fault meets a flow and not its end, and the daemon keeps up with it on a small machine too.
   */
  readonly pauseMs?: number;
  /** Bytes of each message that say nothing: what is bounded in bytes is full the sooner. Default: none. */
  readonly padding?: number;
}

/** Messages by their number. */
export interface Findings {
  /** Acknowledged by the broker, and neither a point nor a dead letter. */
  readonly lost: number[];
  /** Stored more than once. */
  readonly twice: number[];
  /** Stored with another time or at another device, or never published. */
  readonly wrong: number[];
}

/**
 * QoS 1 messages that flow until they are told to stop. Message i carries the value i, so that none can be lost, doubled or
 * changed without being seen. None is ever sent twice: what the broker had not acknowledged when its connection ended is
 * in doubt, and may be stored or not.
 */
export class Traffic implements AsyncDisposable {
  readonly #url: string;
  readonly #kinds: readonly Kind[];
  readonly #pauseMs: number;
  readonly #padding: string;
  /** Milliseconds since 1970 of message 0. */
  readonly #firstTime: number;
  readonly #acknowledged: boolean[] = [];
  #count = 0;
  /** Who waits for more. */
  #waiting = 0;
  #client: MqttClient | null = null;
  #stopped = false;
  readonly #flow: Promise<void>;

  constructor(url: string, { kinds, pauseMs, padding }: Required<TrafficOptions>, firstTime: number) {
    this.#url = url;
    this.#kinds = kinds;
    this.#pauseMs = pauseMs;
    this.#padding = padding > 0 ? `,"padding":"${'x'.repeat(padding)}"` : '';
    this.#firstTime = firstTime;
    this.#flow = this.#run();
    this.#flow.catch(() => undefined);
  }

  /** Messages that the broker has acknowledged. */
  get count(): number {
    return this.#count;
  }

  /** Messages that were sent. */
  get published(): number {
    return this.#acknowledged.length;
  }

  /** The latest message that the broker has acknowledged. */
  get last(): number {
    return this.#acknowledged.lastIndexOf(true);
  }

  /** Messages that may have come to the broker or not. */
  get inDoubt(): number {
    return this.#acknowledged.length - this.#count;
  }

  /** Resolves once the broker has taken so many more. */
  async more(messages: number): Promise<void> {
    const goal = this.#count + messages;
    this.#waiting++;
    try {
      await eventually(`${messages} more messages are published`, () => this.#count >= goal);
    } finally {
      this.#waiting--;
    }
  }

  /** Resolves to the number of messages once the broker has taken all. */
  async stop(): Promise<number> {
    this.#stopped = true;
    await this.#flow;
    return this.#count;
  }

  /**
   * Stops, waits until every message is in the database and `daemon` has nothing left in its hands, then asserts that
   * each is there once and unchanged.
   */
  async assertStored(database: TestDatabase, daemon: Daemon): Promise<void> {
    await this.stop();
    // What is missing is better told by the assertion.
    await this.untilStored(database).catch(() => undefined);
    await settled(daemon);
    const { lost, twice, wrong } = await this.findings(database);
    const told = (messages: number[]): string =>
      `${messages.length} of ${this.#count}: ${messages
        .slice(0, 20)
        .map((index) => `${index} ${this.#kind(index)}`)
        .join(', ')}`;
    const none = told([]);
    assert.deepEqual(
      { lost: told(lost), twice: told(twice), wrong: told(wrong) },
      { lost: none, twice: none, wrong: none },
    );
  }

  /** Waits until every message that was acknowledged so far is in the database. */
  async untilStored(database: TestDatabase): Promise<void> {
    const [count, last] = [this.#count, this.last];
    await eventually(`${count} messages are stored`, async () => {
      const [row] = await database.query<{ rows: number }>(
        'SELECT (SELECT count(*) FROM iot_data)::int + (SELECT count(*) FROM iot_dead_letters)::int AS rows',
      );
      if (row === undefined || row.rows < count) return false;
      const { lost } = await this.findings(database);
      return !lost.some((index) => index <= last);
    });
  }

  /** What is in the database, held against what was published so far. */
  async findings(database: TestDatabase): Promise<Findings> {
    const rows = await database.query<{ topic: string; value: number; time: number }>(
      `SELECT 'devices/' || device_id || '/' || metric_name AS topic, value,
         (extract(epoch FROM "timestamp") * 1000)::float8 AS time
       FROM iot_data`,
    );
    const letters = await database.query<{ topic: string; payload: Buffer }>(
      'SELECT topic, payload FROM iot_dead_letters',
    );
    const counts = new Map<number, number>();
    const wrong: number[] = [];
    const found = (index: number, topic: string, time: number | null): void => {
      counts.set(index, (counts.get(index) ?? 0) + 1);
      const timed = this.#kind(index) === 'timed' && time !== null;
      const right = topic === this.#topic(index) && (!timed || time === this.#firstTime + index);
      if (!right || this.#acknowledged[index] === undefined) wrong.push(index);
    };
    for (const { topic, value, time } of rows) found(value, topic, time);
    for (const { topic, payload } of letters) {
      found(Number(/"value":(\d+)/.exec(payload.toString())?.[1]), topic, null);
    }
    return {
      lost: [...this.#acknowledged.keys()].filter(
        (index) => this.#acknowledged[index] === true && !counts.has(index),
      ),
      twice: [...counts].filter(([, count]) => count > 1).map(([index]) => index),
      wrong,
    };
  }

  /** Which messages carry a time of their own. */
  isTimed(index: number): boolean {
    return this.#kind(index) === 'timed';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    await this.#flow.catch(() => undefined);
    await this.#client?.endAsync(true);
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const client = await this.#connected();
      if (client === null) {
        await delay(RETRY_MS);
        continue;
      }
      await Promise.all(Array.from({ length: BURST }, () => this.#publish(client)));
      await delay(this.#waiting > 0 ? this.#pauseMs : CALM * this.#pauseMs);
    }
  }

  async #connected(): Promise<MqttClient | null> {
    if (this.#client?.connected) return this.#client;
    const client = connect(this.#url, { log: () => {}, reconnectPeriod: 0 });
    client.setMaxListeners(2 * BURST);
    client.on('error', () => undefined);
    this.#client = client;
    await new Promise<void>((resolve) => {
      client.once('connect', () => resolve());
      client.once('close', () => resolve());
    });
    if (client.connected) return client;
    client.end(true);
    return null;
  }

  /** Resolves once the next message is acknowledged, or nobody will. */
  #publish(client: MqttClient): Promise<void> {
    const index = this.#acknowledged.push(false) - 1;
    const { promise, resolve } = Promise.withResolvers<void>();
    const ended = (): void => {
      // Not to be sent again.
      client.end(true);
      resolve();
    };
    client.once('close', ended);
    client.publish(this.#topic(index), this.#payload(index), { qos: 1 }, (error) => {
      if (error === undefined || error === null) {
        this.#acknowledged[index] = true;
        this.#count++;
      }
      client.off('close', ended);
      resolve();
    });
    return promise;
  }

  #kind(index: number): Kind {
    return this.#kinds[index % this.#kinds.length] ?? 'timed';
  }

  #topic(index: number): string {
    return `devices/${this.#kind(index)}-${Math.floor(index / this.#kinds.length) % DEVICES}/reading`;
  }

  #payload(index: number): string {
    const kind = this.#kind(index);
    const time = kind === 'timed' ? `,"timestamp":${this.#firstTime + index}` : '';
    return `{"value":${index}${time}${this.#padding}${kind === 'garbage' ? '' : '}'}`;
  }
}

/** The messages' times begin an hour ago. */
export function startTraffic(url: string, options: TrafficOptions = {}): Traffic {
  return new Traffic(url, { kinds: ['timed'], pauseMs: 15, padding: 0, ...options }, Date.now() - 3_600_000);
}
