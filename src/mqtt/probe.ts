import type { Grant } from './grant.ts';
import { Subscriber } from './subscriber.ts';
import type { SubscriberOptions } from './subscriber-options.ts';

/** Has the broker forget the session of this client id and what waits in it. Rejects as `Subscriber.start` does. */
export async function forgetSession(options: SubscriberOptions): Promise<void> {
  await visit({ ...options, filters: [] });
}

/**
 * Connects, subscribes, says what the broker granted and leaves nothing behind: under a client id of its own, so that
 * a running daemon keeps its session, and outside of the share group, so that it takes no message from it.
 * Rejects as `Subscriber.start` does.
 */
export async function probeBroker(options: SubscriberOptions): Promise<Grant> {
  return await visit({ ...options, clientId: `${options.clientId}-check`, shareGroup: null });
}

async function visit(options: SubscriberOptions): Promise<Grant> {
  const subscriber = new Subscriber({
    ...options,
    keepSession: false,
    retained: 'skip',
    silenceTimeoutMs: null,
  });
  try {
    await subscriber.start(() => {});
    const grant = subscriber.granted();
    if (grant === null) throw new Error('subscribed without a grant');
    return grant;
  } finally {
    await subscriber.close();
  }
}
