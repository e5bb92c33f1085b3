import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { needsMosquitto, startBroker } from '../support/broker.ts';
import { assertBalanced, type Daemon, settled, startDaemon } from '../support/daemon.ts';
import { createDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { createFolder } from '../support/folder.ts';
import { addresses } from '../support/program.ts';
import { type Proxy, startProxy, through } from '../support/proxy.ts';
import { ROUNDS as ASKED } from '../support/rounds.ts';
import { ALL_KINDS, startTraffic, type Traffic } from '../support/traffic.ts';

/** Each has all of the faults below. */
const ROUNDS = Math.ceil(ASKED / 2);

interface Scene {
  readonly traffic: Traffic;
  readonly daemon: Daemon;
  /** Without one nothing but the server's own time-outs ends a statement that nobody answers. */
  readonly spools: boolean;
}

const NOTICED = 'black hole, noticed';

/** What is done to the network, again and again; each heals what it broke. */
const FAULTS: Readonly<Record<string, (proxies: readonly Proxy[], scene: Scene) => Promise<void>>> = {
  cut: async (proxies) => {
    for (const proxy of proxies) proxy.cut();
  },
  reset: async (proxies) => {
    for (const proxy of proxies) proxy.reset();
  },
  refused: async (proxies, { traffic, daemon }) => {
    for (const proxy of proxies) proxy.refuse();
    await eventually('not ready', async () => !(await daemon.ready()));
    await traffic.more(500);
    for (const proxy of proxies) proxy.heal();
  },
  'black hole, soon over': async (proxies, { traffic }) => {
    for (const proxy of proxies) proxy.blackHole();
    await traffic.more(500);
    for (const proxy of proxies) proxy.heal();
  },
  [NOTICED]: async (proxies, { traffic, daemon, spools }) => {
    for (const proxy of proxies) proxy.blackHole();
    await eventually('it is noticed', async () => {
      if (!spools) return !(await daemon.ready());
      return (await daemon.stats()).messages.spooled > 0;
    });
    await traffic.more(500);
    for (const proxy of proxies) proxy.heal();
  },
  latency: async (proxies, { traffic }) => {
    for (const proxy of proxies) proxy.delay(10);
    await traffic.more(500);
    for (const proxy of proxies) proxy.heal();
  },
};

const PLACES = [
  { place: 'the broker', broker: true, database: false, spools: false },
  { place: 'the database', broker: false, database: true, spools: false },
  { place: 'the database, with a spool', broker: false, database: true, spools: true },
  { place: 'both', broker: true, database: true, spools: true },
];

suite(`what networks do while messages flow, ${ROUNDS} times each`, needsMosquitto, () => {
  for (const { place, broker: atBroker, database: atDatabase, spools } of PLACES) {
    test(`between Tidegate and ${place}: nothing lost, nothing twice`, async (t) => {
      await using broker = await startBroker();
      await using database = await createDatabase({ template: true });
      await using brokerProxy = await startProxy(broker.port);
      await using databaseProxy = await startProxy(Number(new URL(database.url).port));
      await using folder = await createFolder();
      const env = {
        ...addresses(
          { kind: broker.kind, url: through(brokerProxy, broker.url) },
          through(databaseProxy, database.url),
        ),
        TIDEGATE_MQTT_KEEPALIVE: '5s',
        ...(spools ? { TIDEGATE_SPOOL_PATH: folder.path, TIDEGATE_SPOOL_AFTER: '200ms' } : {}),
      };
      // From now on the broker keeps what is published.
      assert.equal(await (await startDaemon({ env })).stop(), 0);
      await using traffic = startTraffic(broker.url, { kinds: ALL_KINDS, pauseMs: 25 });
      const proxies = [...(atBroker ? [brokerProxy] : []), ...(atDatabase ? [databaseProxy] : [])];
      // In turn, and each round a daemon of its own: four connections in a row that are cut without a word are taken for a
      // second client's doing.
      for (let round = 0; round < ROUNDS; round++) {
        await using daemon = await startDaemon({ env });
        for (const [fault, provoke] of Object.entries(FAULTS)) {
          // It takes one and a half keepalives; and a statement that nobody answers waits without a spool.
          if (fault === NOTICED && (round % 2 === 1 || (atDatabase && !spools))) continue;
          await t.test(`${fault}, round ${round + 1}`, async () => {
            await traffic.more(200);
            await provoke(proxies, { traffic, daemon, spools });
            await eventually('ready again', () => daemon.ready());
            await traffic.untilStored(database);
          });
        }
        if (round === ROUNDS - 1) {
          await traffic.assertStored(database, daemon);
          assertBalanced(await settled(daemon));
        }
        assert.equal(await daemon.stop(), 0);
      }
    });
  }
});
