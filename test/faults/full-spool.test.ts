import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { needsMosquitto, startBroker } from '../support/broker.ts';
import { assertBalanced, settled, startDaemon } from '../support/daemon.ts';
import { createDatabase } from '../support/database.ts';
import { createFolder } from '../support/folder.ts';
import { addresses } from '../support/program.ts';
import { startProxy, through } from '../support/proxy.ts';
import { smallDisk } from '../support/small-disk.ts';
import { ALL_KINDS, startTraffic } from '../support/traffic.ts';

/** Two thousand of them fill the smallest spool. */
const HEAVY = { kinds: ALL_KINDS, padding: 500 };

suite('the database is away for longer than the spool can bear', needsMosquitto, () => {
  for (const where of ['disk', 'limit'] as const) {
    test(`the ${where} is full: messages wait at the broker, nothing lost, nothing twice`, async (t) => {
      await using place = where === 'disk' ? await smallDisk() : await createFolder();
      if (place === null) {
        t.skip('mounting a small disk needs root on Linux');
        return;
      }
      await using broker = await startBroker();
      await using database = await createDatabase({ template: true });
      await using proxy = await startProxy(Number(new URL(database.url).port));
      const env = {
        ...addresses(broker, through(proxy, database.url)),
        TIDEGATE_SPOOL_PATH: place.path,
        TIDEGATE_SPOOL_AFTER: '100ms',
        TIDEGATE_SPOOL_MAX_BYTES: where === 'disk' ? '1GiB' : '1MiB',
      };
      await using daemon = await startDaemon({ env });
      await using traffic = startTraffic(broker.url, HEAVY);
      await traffic.more(500);
      proxy.refuse();
      await daemon.logged(where === 'disk' ? /ENOSPC/ : /"reason":"full"/);
      await traffic.more(1000);
      const full = await daemon.stats();
      assertBalanced(full);
      assert.ok(full.messages.in_flight > 0 && full.messages.spooled > 0, JSON.stringify(full));
      proxy.heal();
      await traffic.assertStored(database, daemon);
      const stats = await settled(daemon);
      assertBalanced(stats);
      assert.equal(stats.messages.dropped, 0);
      assert.equal(await daemon.stop(), 0);
    });
  }

  test('it drops the oldest: what is lost is what is counted', async () => {
    await using folder = await createFolder();
    await using broker = await startBroker();
    await using database = await createDatabase({ template: true });
    await using proxy = await startProxy(Number(new URL(database.url).port));
    const env = {
      ...addresses(broker, through(proxy, database.url)),
      TIDEGATE_SPOOL_PATH: folder.path,
      TIDEGATE_SPOOL_AFTER: '100ms',
      TIDEGATE_SPOOL_MAX_BYTES: '1MiB',
      TIDEGATE_SPOOL_ON_FULL: 'drop_oldest',
    };
    let daemon = await startDaemon({ env });
    try {
      await using traffic = startTraffic(broker.url, HEAVY);
      await traffic.more(500);
      proxy.refuse();
      await traffic.more(4_000);
      assertBalanced(await daemon.stats());
      await traffic.stop();
      proxy.heal();
      const stats = await settled(daemon);
      assertBalanced(stats);
      const { lost, twice, wrong } = await traffic.findings(database);
      assert.ok(lost.length > 0);
      assert.deepEqual({ twice, wrong }, { twice: [], wrong: [] });
      assert.equal(stats.messages.dropped, lost.length);
      assert.equal(stats.messages.received, traffic.count);
      assert.equal(await daemon.stop(), 0);
      daemon = await startDaemon({ env });
      const again = await daemon.stats();
      assertBalanced(again);
      assert.deepEqual(again.messages, stats.messages, 'the next life knows of it');
      assert.equal(await daemon.stop(), 0);
    } finally {
      await daemon.kill();
    }
  });
});
