import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needsMosquitto, startBroker } from '../support/broker.ts';
import { assertBalanced, startDaemon } from '../support/daemon.ts';
import { createDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { addresses } from '../support/program.ts';
import { randomFrom } from '../support/random.ts';
import { ROUNDS as ASKED } from '../support/rounds.ts';
import { startTraffic } from '../support/traffic.ts';

const ROUNDS = 3 * ASKED;
const SEED = 20_260_917;

test(
  `SIGKILL at ${ROUNDS} random moments of a flow without times (seed ${SEED}): nothing lost, nothing twice`,
  needsMosquitto,
  async (t) => {
    await using broker = await startBroker();
    await using database = await createDatabase({ template: true });
    const env = addresses(broker, database.url);
    const random = randomFrom(SEED);
    let daemon = await startDaemon({ env });
    try {
      await using traffic = startTraffic(broker.url, { kinds: ['untimed'] });
      for (let round = 0; round < ROUNDS; round++) {
        await traffic.more(Math.ceil(random() * 1500));
        await daemon.kill();
        await traffic.more(Math.ceil(random() * 500));
        daemon = await startDaemon({ env });
      }
      await traffic.assertStored(database, daemon);
      assert.equal(await daemon.stop(), 0);
      daemon = await startDaemon({ env });
      const stats = await daemon.stats();
      assertBalanced(stats);
      assert.equal(stats.points.stored, traffic.count);
      assert.equal(stats.points.duplicate, 0);
      // Whether a kill came between a commit and its acknowledgements is a matter of luck; kill-points.test.ts sees to it.
      t.diagnostic(`${stats.messages.ignored} messages came again and were known`);
    } finally {
      await daemon.kill();
    }
  },
);

test('the rows of the ledger go once the broker has the acknowledgements', needsMosquitto, async () => {
  await using broker = await startBroker();
  await using database = await createDatabase({ template: true });
  await using daemon = await startDaemon({ env: addresses(broker, database.url) });
  await using traffic = startTraffic(broker.url, { kinds: ['untimed'] });
  await traffic.more(500);
  await traffic.assertStored(database, daemon);
  await eventually('no row is left', async () => {
    const rows = await database.query('SELECT FROM tidegate.deliveries');
    return rows.length === 0;
  });
  assert.deepEqual(await database.query('SELECT client_id, epoch::int FROM tidegate.sessions'), [
    { client_id: 'tidegate', epoch: 1 },
  ]);
  assert.equal(await daemon.ready(), true);
});
