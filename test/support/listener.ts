import { connectAsync } from 'mqtt';

/** Everything that is published under a filter, as it comes; `await using`. */
export interface Listener extends AsyncDisposable {
  /** Of one topic, or of all. */
  payloads(topic?: string): string[];
  readonly messages: readonly {
    readonly topic: string;
    readonly payload: string;
    readonly retain: boolean;
  }[];
}

/** Resolves once it is subscribed. */
export async function listenTo(url: string, filter: string): Promise<Listener> {
  const messages: { topic: string; payload: string; retain: boolean }[] = [];
  const client = await connectAsync(url, { log: () => {} }, false);
  client.on('message', (topic, payload, { retain }) => {
    messages.push({ topic, payload: payload.toString(), retain });
  });
  await client.subscribeAsync(filter, { qos: 1 });
  return {
    messages,
    payloads: (wanted) =>
      messages.filter(({ topic }) => wanted === undefined || topic === wanted).map(({ payload }) => payload),
    [Symbol.asyncDispose]: () => client.endAsync(),
  };
}
