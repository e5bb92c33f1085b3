import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { needsMosquitto, startBroker } from '../support/broker.ts';
import { assertBalanced, type Daemon, settled, startDaemon, startFaultyDaemon } from '../support/daemon.ts';
import { createDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import type { FaultPoint } from '../support/fault-points.ts';
import { createFolder } from '../support/folder.ts';
import { addresses } from '../support/program.ts';
import { type Proxy, startProxy, through } from '../support/proxy.ts';
import { drawnFor, ROUNDS, SEED } from '../support/rounds.ts';
import { ALL_KINDS, startTraffic } from '../support/traffic.ts';

interface Scene {
  /** How often a daemon passes the point at most before it ends there. */
  readonly passes: number;
  /** Whether the database has to go and come back for it. */
  readonly spools?: boolean;
}

/** Each outage of the database takes seconds: two rounds have few of them, twenty have all. */
const OUTAGES = ROUNDS > 2 ? 10 : 3;

const POINTS: Readonly<Record<FaultPoint, Scene>> = {
  received: { passes: 600 },
  decoded: { passes: 600 },
  sealed: { passes: 20 },
  spooling: { passes: OUTAGES, spools: true },
  spooled: { passes: OUTAGES, spools: true },
  'COPY sent': { passes: 20 },
  'COMMIT sent': { passes: 20 },
  committed: { passes: 20 },
  acknowledged: { passes: 600 },
  draining: { passes: OUTAGES, spools: true },
  drained: { passes: OUTAGES, spools: true },
};

suite(`SIGKILL while messages flow, ${ROUNDS} times at each point (seed ${SEED})`, needsMosquitto, () => {
  for (const [point, { passes, spools = false }] of Object.entries(POINTS)) {
    test(`${point}: nothing lost, nothing twice`, async () => {
      const draw = drawnFor(point);
      await using broker = await startBroker();
      await using database = await createDatabase({ template: true });
      await using proxy = await startProxy(Number(new URL(database.url).port));
      await using folder = await createFolder();
      const env = {
        ...addresses(broker, through(proxy, database.url)),
        ...(spools ? { TIDEGATE_SPOOL_PATH: folder.path, TIDEGATE_SPOOL_AFTER: '100ms' } : {}),
      };
      const arm = (): Daemon =>
        startFaultyDaemon({
          ...env,
          FAULT_POINT: point,
          FAULT_AFTER: `${draw(passes) - 1}`,
          // Some lives make segments of what is little, others rows.
          TIDEGATE_INGEST_DENSE_MIN_POINTS: ['2', '16'][draw(2) - 1] as string,
        });
      await using first = arm();
      // What is published before it has a session is nobody's.
      await first.logged(/subscribed at/);
      await using traffic = startTraffic(broker.url, { kinds: ALL_KINDS, pauseMs: 25 });
      if (spools) await outages(proxy, first);
      await first.killed();
      for (let round = 1; round < ROUNDS; round++) {
        await traffic.more(draw(200));
        await using next = arm();
        if (spools) await outages(proxy, next);
        await next.killed();
      }
      await using daemon = await startDaemon({ env });
      await traffic.assertStored(database, daemon);
      assertBalanced(await settled(daemon));
      assert.equal(await daemon.stop(), 0);
    });
  }
});

/** Takes the database away until something is in the spool, and gives it back until that is drained, while the daemon lives. */
async function outages(proxy: Proxy, daemon: Daemon): Promise<void> {
  await eventually('it has subscribed', () => !daemon.running || /subscribed at/.test(daemon.output()));
  while (daemon.running) {
    proxy.refuse();
    await spooled(daemon, (messages) => messages > 0);
    proxy.heal();
    await spooled(daemon, (messages) => messages === 0);
  }
  proxy.heal();
}

async function spooled(daemon: Daemon, enough: (messages: number) => boolean): Promise<void> {
  await eventually('the spool fills or empties', async () => {
    try {
      return enough((await daemon.stats()).messages.spooled);
    } catch {
      // It may end at any moment.
      return !daemon.running;
    }
  });
}
