import { connect, type IConnackPacket } from 'mqtt';
import type { TestBroker } from './broker.ts';

/**
 * What a broker still keeps for the client id of a daemon that has left: the topics, in the order in which it sends
 * them. Takes them over: a daemon that starts later will not get them.
 */
export async function keptFor(broker: TestBroker, clientId = 'tidegate'): Promise<string[]> {
  const topics: string[] = [];
  // Subscribed by the daemon, and behind everything that waits: what comes before it is all there was.
  const last = `devices/last-${process.pid}/marker`;
  const client = connect(broker.url, {
    clientId,
    clean: false,
    protocolVersion: broker.kind === 'aedes' ? 4 : 5,
    properties: { sessionExpiryInterval: 3_600 },
    manualConnect: true,
    log: () => {},
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  const connected = new Promise<IConnackPacket>((accept) => client.once('connect', accept));
  client.on('message', (topic) => {
    if (topic === last) resolve();
    else topics.push(topic);
  });
  client.connect();
  const { sessionPresent } = await connected;
  if (!sessionPresent) throw new Error(`the broker keeps no session of ${clientId}`);
  await client.publishAsync(last, '1', { qos: 1 });
  await promise;
  await client.endAsync();
  return topics;
}
