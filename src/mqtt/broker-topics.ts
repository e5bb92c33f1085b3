import { setTimeout as delay } from 'node:timers/promises';
import { Subscriber } from './subscriber.ts';
import type { SubscriberOptions } from './subscriber-options.ts';

const PREFIX = '$SYS/broker/';
/** Milliseconds for what is retained to come, after the subscription is granted. */
const PATIENCE = 2_000;

/**
 * What the broker says of itself: the texts of its retained topics below $SYS/broker, by the rest of their names. Empty
 * where it says nothing, or not to this user. Connects under a client id of its own and leaves nothing behind. Rejects as
 * `Subscriber.start` does.
 */
export async function readBrokerTopics(
  options: SubscriberOptions,
  wanted: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const told = new Map<string, string>();
  const complete = new AbortController();
  const subscriber = new Subscriber({
    ...options,
    clientId: `${options.clientId}-doctor`,
    filters: wanted.map((name) => ({ filter: PREFIX + name, qos: 0 })),
    keepSession: false,
    shareGroup: null,
    retained: 'store',
    silenceTimeoutMs: null,
  });
  try {
    await subscriber.start(({ topic, payload }) => {
      told.set(topic.slice(PREFIX.length), Buffer.from(payload).toString());
      if (told.size === wanted.length) complete.abort();
    });
    await delay(PATIENCE, undefined, { signal: complete.signal }).catch(() => {});
    return told;
  } finally {
    await subscriber.close();
  }
}
