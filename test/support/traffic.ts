import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { connectAsync, type MqttClient } from 'mqtt';
import type { TestDatabase } from './database.ts';
import { eventually } from './eventually.ts';

/** Few enough to meet in every batch, enough to be interleaved. */
const DEVICES = 20;
/** Published at once, then waited for. */
const BURST = 50;
/** Milliseconds between bursts: at most 10,000 messages a second, so that a fault meets a flow and not its end. */
const PAUSE_MS = 5;

/**
 * QoS 1 messages that flow until they are told to stop. Message i carries the value i of device i % 20 and, where they
 * are timed, a time of its own, so that none can be lost, doubled or changed without being seen.
 */
export class Traffic implements AsyncDisposable {
  readonly #client: MqttClient;
  /** Milliseconds since 1970 of message 0. */
  readonly #firstTime: number;
  readonly #timed: boolean;
  #count = 0;
  #stopped = false;
  readonly #flow: Promise<void>;

  constructor(client: MqttClient, firstTime: number, timed: boolean) {
    this.#client = client;
    this.#timed = timed;
    this.#firstTime = firstTime;
    this.#flow = this.#run();
    this.#flow.catch(() => undefined);
  }

  /** Messages that the broker has taken. */
  get count(): number {
    return this.#count;
  }

  /** Resolves once the broker has taken so many more. */
  async more(messages: number): Promise<void> {
    const goal = this.#count + messages;
    await eventually(`${messages} more messages are published`, () => this.#count >= goal);
  }

  /** Resolves to the number of messages once the broker has taken all. */
  async stop(): Promise<number> {
    this.#stopped = true;
    await this.#flow;
    return this.#count;
  }

  /** Waits until every message of the stopped flow is in `iot_data`, then asserts that each is there once and unchanged. */
  async assertStored(database: TestDatabase): Promise<void> {
    const count = await this.stop();
    await eventually(`${count} messages are stored`, async () => {
      const [row] = await database.query<{ rows: number }>('SELECT count(*)::int AS rows FROM iot_data');
      return row !== undefined && row.rows >= count;
    });
    const [found] = await database.query(
      `SELECT count(*)::int AS rows, count(DISTINCT value)::int AS "values", min(value), max(value),
         count(*) FILTER (WHERE (NOT $2 OR "timestamp" = $1::timestamptz + value * interval '1 ms')
           AND device_id = 'device-' || value::bigint % ${DEVICES} AND metric_name = 'reading')::int AS right
       FROM iot_data`,
      [new Date(this.#firstTime).toISOString(), this.#timed],
    );
    assert.deepEqual(found, { rows: count, values: count, min: 0, max: count - 1, right: count });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    await this.#flow.catch(() => undefined);
    await this.#client.endAsync(true);
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const burst = Array.from({ length: BURST }, (_, index) => this.#count + index);
      await Promise.all(burst.map((index) => this.#publish(index)));
      this.#count += BURST;
      await delay(PAUSE_MS);
    }
  }

  async #publish(index: number): Promise<void> {
    const time = this.#timed ? { timestamp: this.#firstTime + index } : {};
    const payload = JSON.stringify({ value: index, ...time });
    await this.#client.publishAsync(`devices/device-${index % DEVICES}/reading`, payload, { qos: 1 });
  }
}

/** The messages' times, where they have any (default: they do), begin an hour ago. */
export async function startTraffic(
  url: string,
  { timed = true }: { readonly timed?: boolean } = {},
): Promise<Traffic> {
  const client = await connectAsync(url, { log: () => {} }, false);
  return new Traffic(client, Date.now() - 3_600_000, timed);
}
