import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { connectAsync, type MqttClient } from 'mqtt';
import { type DemoBroker, startDemoBroker } from '../../../src/demo/broker.ts';
import { publish } from '../../support/broker.ts';

const never = new AbortController().signal;

/** A client with a session whose acknowledgements wait until `release`. */
async function slowReader(broker: DemoBroker, id: string) {
  const client: MqttClient = await connectAsync(broker.url, {
    clientId: id,
    clean: false,
    reconnectPeriod: 0,
  });
  const held: (() => void)[] = [];
  let holding = true;
  const { promise: reached, resolve } = Promise.withResolvers<void>();
  client.handleMessage = (_packet, done) => {
    if (!holding) return done();
    held.push(done);
    return resolve();
  };
  await client.subscribeAsync('devices/#', { qos: 1 });
  return {
    client,
    reached,
    release: () => {
      holding = false;
      for (const done of held) done();
    },
  };
}

test('waits for what a session holds, and takes nothing more meanwhile', async () => {
  const broker = await startDemoBroker(0);
  const reader = await slowReader(broker, 'reader');
  const bystander = await connectAsync(broker.url, { reconnectPeriod: 0 });
  let received = 0;
  reader.client.on('message', () => {
    received++;
  });
  await publish(
    broker.url,
    Array.from({ length: 100 }, (_, index) => ({ topic: 'devices/a/b', payload: `${index}` })),
  );
  const left = new Promise((resolve) => bystander.once('close', () => resolve(null)));
  const settled = broker.settle('reader', never);
  await left;
  await assert.rejects(
    publish(broker.url, [{ topic: 'devices/a/b', payload: 'late' }], { connectTimeout: 500 }),
  );
  await reader.reached;
  assert.ok(reader.client.connected);
  reader.release();
  await settled;
  assert.equal(received, 100);
  reader.client.end(true);
  await broker.close();
});

test('does not wait for a reader that has gone, was never there, or longer than it may', async () => {
  const broker = await startDemoBroker(0);
  const reader = await slowReader(broker, 'reader');
  await publish(broker.url, [{ topic: 'devices/a/b', payload: '1' }]);
  await reader.reached;
  await broker.settle('reader', AbortSignal.abort());
  const settled = broker.settle('reader', never);
  reader.client.stream.destroy();
  await settled;
  await broker.settle('nobody', never);
  reader.client.end(true);
  await broker.close();
});

test('rejects where the port is taken', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  await assert.rejects(startDemoBroker(port), { code: 'EADDRINUSE' });
  server.close();
});
