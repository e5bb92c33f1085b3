import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needsMosquitto, startBroker } from '../support/broker.ts';
import { assertBalanced, startDaemon } from '../support/daemon.ts';
import { createDatabase } from '../support/database.ts';
import { addresses } from '../support/program.ts';
import { randomFrom } from '../support/random.ts';
import { ROUNDS as ASKED } from '../support/rounds.ts';
import { startTraffic } from '../support/traffic.ts';

const ROUNDS = 3 * ASKED;
const SEED = 20_260_101;

test(
  `SIGKILL at ${ROUNDS} random moments of a flow (seed ${SEED}): nothing lost, nothing twice`,
  needsMosquitto,
  async () => {
    await using broker = await startBroker();
    await using database = await createDatabase({ template: true });
    const env = addresses(broker, database.url);
    const random = randomFrom(SEED);
    // Some lives make segments of what is little, others rows.
    const life = (round: number) =>
      startDaemon({
        env: { ...env, TIDEGATE_INGEST_DENSE_MIN_POINTS: ['2', '16', '0'][round % 3] as string },
      });
    let daemon = await life(0);
    try {
      await using traffic = startTraffic(broker.url);
      for (let round = 0; round < ROUNDS; round++) {
        await traffic.more(Math.ceil(random() * 1500));
        await daemon.kill();
        await traffic.more(Math.ceil(random() * 500));
        daemon = await life(round + 1);
      }
      await traffic.assertStored(database, daemon);

      assert.equal(await daemon.stop(), 0);
      daemon = await startDaemon({ env });
      // Of all its lives: what was sent again was counted again, as received and as duplicate.
      const stats = await daemon.stats();
      assertBalanced(stats);
      assert.equal(stats.points.stored, await traffic.stop());
      assert.equal(stats.points.decoded, stats.points.stored + stats.points.duplicate);
      assert.equal(stats.messages.in_flight, 0);
    } finally {
      await daemon.kill();
    }
  },
);
