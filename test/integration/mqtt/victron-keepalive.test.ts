import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectAsync } from 'mqtt';
import { VictronKeepalive } from '../../../src/mqtt/victron-keepalive.ts';
import { freePort, startBroker } from '../../support/broker.ts';

const quiet = () => {};
const logger = { debug: quiet, info: quiet, warn: quiet, error: quiet };

test('each portal is asked for everything, and then to go on, also where a broker is away at first', async () => {
  await using broker = await startBroker();
  const venus = await connectAsync(broker.url, { log: quiet });
  const asked: string[] = [];
  const { promise: enough, resolve } = Promise.withResolvers<void>();
  venus.on('message', (topic, payload) => {
    asked.push(`${topic} ${payload.toString()}`);
    if (asked.length === 4) resolve();
  });
  await venus.subscribeAsync('R/#');
  const keepalive = new VictronKeepalive({
    urls: [`mqtt://127.0.0.1:${await freePort()}`, broker.url],
    clientId: 'tidegate-victron',
    login: { username: null, password: null, tls: {} },
    portals: ['c0619ab9c5f4', 'b827eb000000'],
    intervalMs: 1,
    logger,
  });
  keepalive.start();
  await enough;
  await keepalive.stop();
  await venus.endAsync();
  const on = '{"keepalive-options":["suppress-republish"]}';
  assert.deepEqual(asked.slice(0, 4), [
    'R/c0619ab9c5f4/keepalive ',
    'R/b827eb000000/keepalive ',
    `R/c0619ab9c5f4/keepalive ${on}`,
    `R/b827eb000000/keepalive ${on}`,
  ]);
});

test('it can be stopped while no broker is there', async () => {
  const keepalive = new VictronKeepalive({
    urls: [`mqtt://127.0.0.1:${await freePort()}`],
    clientId: 'tidegate-victron',
    login: { username: null, password: null, tls: {} },
    portals: ['c0619ab9c5f4'],
    intervalMs: 1,
    logger,
  });
  keepalive.start();
  await keepalive.stop();
});
