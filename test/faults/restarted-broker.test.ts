import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needsMosquitto, startBroker } from '../support/broker.ts';
import { assertBalanced, startDaemon } from '../support/daemon.ts';
import { createDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { addresses } from '../support/program.ts';
import { startTraffic } from '../support/traffic.ts';

for (const timed of [true, false]) {
  test(
    `the broker is restarted in order while messages ${timed ? 'with' : 'without'} times flow: nothing lost, nothing twice`,
    needsMosquitto,
    async () => {
      await using broker = await startBroker({ persistence: true });
      await using database = await createDatabase({ template: true });
      await using daemon = await startDaemon({ env: addresses(broker, database.url) });
      await using traffic = await startTraffic(broker.url, { timed });
      for (let round = 0; round < 2; round++) {
        await traffic.more(2000);
        await broker.stop();
        await eventually('not ready', async () => !(await daemon.ready()));
        await broker.restart();
        await eventually('ready again', () => daemon.ready());
      }
      await traffic.more(1000);
      await traffic.assertStored(database);
      const stats = await eventually('all is settled', async () => {
        const sheet = await daemon.stats();
        return sheet.messages.in_flight === 0 && sheet;
      });
      assertBalanced(stats);
      assert.equal(stats.points.stored, traffic.count);
      assert.equal(await daemon.stop(), 0);
    },
  );
}
