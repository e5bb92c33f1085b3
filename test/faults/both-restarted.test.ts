import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needsMosquitto, startBroker } from '../support/broker.ts';
import { assertBalanced, settled, startDaemon } from '../support/daemon.ts';
import { createDatabase, startTestPostgres } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { createFolder } from '../support/folder.ts';
import { addresses } from '../support/program.ts';
import { drawnFor, ROUNDS, SEED } from '../support/rounds.ts';
import { ALL_KINDS, startTraffic } from '../support/traffic.ts';

for (const spools of [false, true]) {
  test(
    `PostgreSQL crashes and the broker restarts in order at once, ${spools ? 'with' : 'without'} a spool (${ROUNDS} rounds, seed ${SEED}): nothing lost, nothing twice`,
    needsMosquitto,
    async () => {
      const draw = drawnFor(`both ${spools}`);
      await using postgres = await startTestPostgres();
      await using broker = await startBroker({ persistence: true });
      await using database = await createDatabase({ server: postgres.url, template: true });
      await using folder = await createFolder();
      const env = {
        ...addresses(broker, database.url),
        ...(spools ? { TIDEGATE_SPOOL_PATH: folder.path, TIDEGATE_SPOOL_AFTER: '100ms' } : {}),
      };
      let daemon = await startDaemon({ env });
      try {
        await using traffic = startTraffic(broker.url, { kinds: ALL_KINDS, pauseMs: 25 });
        for (let round = 0; round < ROUNDS; round++) {
          await traffic.more(draw(1000));
          const databaseFirst = draw(2) === 1;
          if (databaseFirst) await postgres.stop('immediate');
          await traffic.more(draw(500));
          await broker.stop();
          if (!databaseFirst) await postgres.stop('immediate');
          await eventually('not ready', async () => !(await daemon.ready()));
          const brokerFirst = draw(2) === 1;
          if (brokerFirst) await broker.restart();
          // Without a spool the broker's window fills up.
          if (brokerFirst) await traffic.more(draw(2000));
          await postgres.start();
          if (!brokerFirst) await broker.restart();
          await eventually('ready again', () => daemon.ready());
          // Anew: four connections in a row that end without a word are taken for a second daemon's doing.
          assert.equal(await daemon.stop(), 0);
          daemon = await startDaemon({ env });
        }
        await traffic.more(500);
        await traffic.assertStored(database, daemon);
        assertBalanced(await settled(daemon));
        assert.equal(await daemon.stop(), 0);
      } finally {
        await daemon.kill();
      }
    },
  );
}
