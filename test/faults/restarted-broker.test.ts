import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needsMosquitto, startBroker } from '../support/broker.ts';
import { assertBalanced, settled, startDaemon } from '../support/daemon.ts';
import { createDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { addresses } from '../support/program.ts';
import { ALL_KINDS, startTraffic } from '../support/traffic.ts';

test(
  'the broker is restarted in order while messages flow: nothing lost, nothing twice',
  needsMosquitto,
  async () => {
    await using broker = await startBroker({ persistence: true });
    await using database = await createDatabase({ template: true });
    await using daemon = await startDaemon({ env: addresses(broker, database.url) });
    await using traffic = startTraffic(broker.url, { kinds: ALL_KINDS });
    for (let round = 0; round < 2; round++) {
      await traffic.more(2000);
      await broker.stop();
      await eventually('not ready', async () => !(await daemon.ready()));
      await broker.restart();
      await eventually('ready again', () => daemon.ready());
    }
    await traffic.more(1000);
    await traffic.assertStored(database, daemon);
    const stats = await settled(daemon);
    assertBalanced(stats);
    const stored = stats.messages.settled + stats.messages.dead_lettered;
    assert.ok(stored >= traffic.count && stored <= traffic.count + traffic.inDoubt, `${stored} stored`);
    assert.equal(await daemon.stop(), 0);
  },
);
