import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { Publisher } from '../../../src/mqtt/publisher.ts';
import { needsMosquitto, startBroker } from '../../support/broker.ts';

const never = new AbortController().signal;
const quiet = () => {};
const logger = { debug: quiet, info: quiet, warn: quiet, error: quiet };
const OPTIONS = { clientId: 'publisher', qos: 1, maxInFlight: 10, logger } as const;

/** Takes connections and everything after, and acknowledges only CONNECT. */
async function unwillingBroker() {
  let packets = Buffer.alloc(0);
  const { promise: full, resolve } = Promise.withResolvers<void>();
  const server = createServer((socket) => {
    socket.once('data', () => {
      socket.write(Buffer.from([0x20, 2, 0, 0]));
      socket.on('data', (bytes) => {
        packets = Buffer.concat([packets, bytes]);
        if (publishes() === OPTIONS.maxInFlight) resolve();
      });
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const publishes = () => packets.toString('latin1').split('topic').length - 1;
  const { port } = server.address() as { port: number };
  return { url: `mqtt://127.0.0.1:${port}`, server, publishes, full };
}

test('no more than maxInFlight messages wait for their acknowledgement', async (t) => {
  const broker = await unwillingBroker();
  const publisher = new Publisher({ ...OPTIONS, url: broker.url });
  t.after(async () => {
    await publisher.close();
    broker.server.close();
  });
  await publisher.connect(never);
  for (let index = 1; index < OPTIONS.maxInFlight; index++) await publisher.publish('topic', 'x', never);
  const stop = new AbortController();
  let free = false;
  const publishLast = async (): Promise<void> => {
    await publisher.publish('topic', 'x', stop.signal);
    free = true;
  };
  const last = publishLast();
  await broker.full;
  assert.equal(free, false);
  assert.equal(publisher.inFlight, OPTIONS.maxInFlight);
  stop.abort();
  await last;
  assert.equal(await publisher.settle(AbortSignal.abort()), false);
  assert.equal(broker.publishes(), OPTIONS.maxInFlight);
});

test('a wrong password is refused with the reason of the broker', needsMosquitto, async () => {
  await using broker = await startBroker({ kind: 'mosquitto', config: ['allow_anonymous false'] });
  const publisher = new Publisher({ ...OPTIONS, url: broker.url });
  await assert.rejects(publisher.connect(never), { code: 'broker_refused', message: /Not authorized/ });
});

test('TLS with a listener that speaks none fails at once', async () => {
  await using broker = await startBroker({ kind: 'aedes' });
  const publisher = new Publisher({ ...OPTIONS, url: broker.url.replace('mqtt:', 'mqtts:') });
  await assert.rejects(publisher.connect(never), { code: 'broker_unreachable' });
});
