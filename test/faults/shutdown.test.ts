import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { needsMosquitto, startBroker } from '../support/broker.ts';
import { assertBalanced, settled, startDaemon } from '../support/daemon.ts';
import { createDatabase, startTestPostgres, type TestPostgres } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { addresses } from '../support/program.ts';
import { startTraffic } from '../support/traffic.ts';

test(
  'SIGTERM while messages flow: what is in hand is written, the rest waits at the broker',
  needsMosquitto,
  async () => {
    const ROUNDS = 3;
    await using broker = await startBroker();
    await using database = await createDatabase({ template: true });
    const env = addresses(broker, database.url);
    let daemon = await startDaemon({ env });
    try {
      await using traffic = startTraffic(broker.url);
      for (let round = 0; round < ROUNDS; round++) {
        await traffic.more(1000);
        assert.equal(await daemon.stop(), 0);
        assert.match(daemon.output(), /everything is written and acknowledged/);
        await traffic.more(1000);
        daemon = await startDaemon({ env });
      }
      await traffic.assertStored(database, daemon);
      const stats = await settled(daemon);
      assertBalanced(stats);
      // All that was stored was acknowledged: nothing came a second time.
      assert.equal(stats.messages.received, traffic.count);
      assert.equal(stats.points.duplicate, 0);
      assert.equal(await daemon.stop(), 0);
    } finally {
      await daemon.kill();
    }
  },
);

suite('SIGTERM while the database is away', () => {
  let postgres: TestPostgres;
  before(async () => {
    postgres = await startTestPostgres();
  });
  after(() => postgres[Symbol.asyncDispose]());

  const endings = [
    {
      name: 'gives up after shutdown_timeout',
      timeout: '1s',
      end: async () => {},
    },
    {
      name: 'gives up at the second signal',
      timeout: '1d',
      end: async (daemon: Awaited<ReturnType<typeof startDaemon>>) => {
        await daemon.logged(/Stopping: writing what is in hand/);
        daemon.terminate();
      },
    },
  ];
  for (const { name, timeout, end } of endings) {
    test(`${name}: exit code 1, nothing is lost`, needsMosquitto, async () => {
      await postgres.start();
      await using broker = await startBroker();
      await using database = await createDatabase({ server: postgres.url, template: true });
      const env = { ...addresses(broker, database.url), TIDEGATE_SHUTDOWN_TIMEOUT: timeout };
      await using stopped = await startDaemon({ env });
      await using traffic = startTraffic(broker.url);
      await traffic.more(1000);
      await postgres.stop();
      await traffic.more(1000);
      await eventually('messages wait', async () => (await stopped.stats()).messages.in_flight > 0);
      stopped.terminate();
      await end(stopped);
      assert.equal(await stopped.exited(), 1);
      assert.match(stopped.output(), /the broker keeps what was not acknowledged/);

      await postgres.start();
      await using daemon = await startDaemon({ env });
      await traffic.assertStored(database, daemon);
      assertBalanced(await daemon.stats());
      assert.equal(await daemon.stop(), 0);
    });
  }
});
