import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needsMosquitto, startBroker } from '../support/broker.ts';
import { assertBalanced, type Daemon, settled, startDaemon } from '../support/daemon.ts';
import { createDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { createFolder } from '../support/folder.ts';
import { addresses } from '../support/program.ts';
import { startProxy, through } from '../support/proxy.ts';
import { drawnFor, ROUNDS, SEED } from '../support/rounds.ts';
import { ALL_KINDS, startTraffic } from '../support/traffic.ts';

for (const spools of [true, false]) {
  test(
    `a broker that forgot the session while the database is away, ${spools ? 'with' : 'without'} a spool, then SIGKILL (${ROUNDS} rounds, seed ${SEED}): what the new session brings is stored once`,
    needsMosquitto,
    async () => {
      const draw = drawnFor(`lost session ${spools}`);
      await using broker = await startBroker();
      await using database = await createDatabase({ template: true });
      await using proxy = await startProxy(Number(new URL(database.url).port));
      await using folder = await createFolder();
      const env = {
        ...addresses(broker, through(proxy, database.url)),
        ...(spools ? { TIDEGATE_SPOOL_PATH: folder.path, TIDEGATE_SPOOL_AFTER: '100ms' } : {}),
      };
      let daemon: Daemon = await startDaemon({ env });
      try {
        await using traffic = startTraffic(broker.url, { kinds: ALL_KINDS, pauseMs: 25 });
        /** Published while there was no session, or in one that was forgotten. */
        const excused: [number, number][] = [];
        const expected = (index: number): boolean =>
          !excused.some(([from, until]) => index >= from && index < until);
        const stored = async (): Promise<void> => {
          const { last } = traffic;
          await eventually('what the sessions brought is stored', async () => {
            const { lost } = await traffic.findings(database);
            return !lost.some((index) => index <= last && expected(index));
          });
        };
        for (let round = 0; round < ROUNDS; round++) {
          await traffic.more(draw(300));
          // What is published from here on may be forgotten before it is delivered.
          const from = traffic.published;
          await stored();
          proxy.refuse();
          await traffic.more(draw(300));
          await broker.kill();
          await eventually('not connected', () => subscriptions(daemon) === 1 && !connected(daemon));
          await broker.restart();
          await eventually('subscribed again', () => subscriptions(daemon) === 2);
          excused.push([from, traffic.published]);
          await traffic.more(draw(500));
          await daemon.kill();
          await traffic.more(draw(200));
          proxy.heal();
          daemon = await startDaemon({ env });
        }
        await traffic.stop();
        await stored();
        assertBalanced(await settled(daemon));
        const { lost, twice, wrong } = await traffic.findings(database);
        assert.deepEqual({ lost: lost.filter(expected), twice, wrong }, { lost: [], twice: [], wrong: [] });
        assert.equal(await daemon.stop(), 0);
      } finally {
        await daemon.kill();
      }
    },
  );
}

function subscriptions(daemon: Daemon): number {
  return daemon.output().split('subscribed at').length - 1;
}

function connected(daemon: Daemon): boolean {
  return !/connecting to/.test(daemon.output());
}
