import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needsMosquitto, startBroker } from '../support/broker.ts';
import { settled, startDaemon } from '../support/daemon.ts';
import { createDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { addresses } from '../support/program.ts';
import { startProxy, through } from '../support/proxy.ts';
import { ALL_KINDS, startTraffic } from '../support/traffic.ts';

// Four connections in a row that end within ten seconds look like a rival with our client id, but for the witness.
test('a network that cuts again and again: the daemon comes back each time', needsMosquitto, async () => {
  await using broker = await startBroker();
  await using database = await createDatabase({ template: true });
  await using proxy = await startProxy(broker.port);
  const url = through(proxy, broker.url);
  await using daemon = await startDaemon({
    env: addresses({ kind: broker.kind, url }, database.url),
  });
  await using traffic = startTraffic(broker.url, { kinds: ALL_KINDS, pauseMs: 25 });
  for (let cuts = 0; cuts < 5; cuts++) {
    proxy.cut();
    await eventually('not ready', async () => !(await daemon.ready()));
    await eventually('ready again', () => daemon.ready());
  }
  await traffic.assertStored(database, daemon);
  await settled(daemon);
  assert.equal(await daemon.stop(), 0);
});
