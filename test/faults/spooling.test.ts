import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { needsMosquitto, publish, startBroker } from '../support/broker.ts';
import { assertBalanced, type Daemon, startDaemon } from '../support/daemon.ts';
import {
  createDatabase,
  startTestPostgres,
  type TestDatabase,
  type TestPostgres,
} from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { addresses } from '../support/program.ts';
import { randomFrom } from '../support/random.ts';
import { ROUNDS as ASKED } from '../support/rounds.ts';
import { startTraffic } from '../support/traffic.ts';

const SEED = 20_260_202;
/** The first is killed while it spools, the second while it drains, and so on. */
const ROUNDS = 2 * ASKED;

suite('the spool', () => {
  let postgres: TestPostgres;
  let path: string;
  before(async () => {
    postgres = await startTestPostgres();
    path = await mkdtemp(join(tmpdir(), 'tidegate-spool-'));
  });
  after(async () => {
    await postgres[Symbol.asyncDispose]();
    await rm(path, { recursive: true, force: true });
  });

  const spooling = { TIDEGATE_SPOOL_AFTER: '200ms' };

  async function settled(daemon: Daemon): Promise<Awaited<ReturnType<Daemon['stats']>>> {
    const stats = await eventually('all is settled', async () => {
      const sheet = await daemon.stats();
      return sheet.messages.in_flight + sheet.messages.spooled === 0 && sheet;
    });
    assertBalanced(stats);
    return stats;
  }

  async function spoolFile(daemon: Daemon): Promise<{ ok: boolean; detail: string }> {
    const response = await fetch(`${daemon.url}/readyz`);
    const { checks } = (await response.json()) as { checks: Record<string, { ok: boolean; detail: string }> };
    return checks['spool'] as { ok: boolean; detail: string };
  }

  test('PostgreSQL is away for longer than spool.after: acknowledged all the same, drained when it is back', async () => {
    await using broker = await startBroker();
    await using database = await createDatabase({ server: postgres.url, template: true });
    const env = {
      ...addresses(broker, database.url),
      ...spooling,
      TIDEGATE_SPOOL_PATH: join(path, 'away'),
      TIDEGATE_MQTT_RECEIVE_MAXIMUM: '1000',
    };
    await using daemon = await startDaemon({ env });
    assert.deepEqual(await spoolFile(daemon), { ok: true, detail: 'empty' });
    await using traffic = startTraffic(broker.url);
    for (const mode of ['fast', 'immediate'] as const) {
      await traffic.more(500);
      await postgres.stop(mode);
      // More than may be in flight at once: without acknowledgements they would not come.
      await traffic.more(2000);
      const stats = await daemon.stats();
      assertBalanced(stats);
      assert.ok(stats.messages.spooled > 0, JSON.stringify(stats));
      const { ok, detail } = await spoolFile(daemon);
      assert.ok(ok && /\d+ batches, \d+ of \d+ bytes/.test(detail), detail);
      assert.equal(await daemon.ready(), false, 'the database is not there');
      await postgres.start();
      await eventually('ready again', () => daemon.ready());
    }
    await traffic.more(500);
    await traffic.assertStored(database, daemon);
    const stats = await settled(daemon);
    assert.equal(stats.messages.settled, traffic.count);
    assert.equal(stats.points.stored, traffic.count);
    assert.equal(stats.points.duplicate, 0);
    assert.match(daemon.output(), /they go to the spool/);
    await daemon.logged(/The spool is empty again/);
    assert.equal(await daemon.stop(), 0);
  });

  test(
    `SIGKILL while spooling and while draining (seed ${SEED}): nothing lost, nothing twice`,
    needsMosquitto,
    async () => {
      await using broker = await startBroker();
      await using database = await createDatabase({ server: postgres.url, template: true });
      const env = {
        ...addresses(broker, database.url),
        ...spooling,
        TIDEGATE_SPOOL_PATH: join(path, 'killed'),
      };
      const random = randomFrom(SEED);
      let daemon = await startDaemon({ env });
      try {
        await using traffic = startTraffic(broker.url);
        for (let round = 0; round < ROUNDS; round++) {
          await traffic.more(500);
          await postgres.stop('fast');
          await eventually('it spools', async () => (await daemon.stats()).messages.spooled > 1_000);
          if (round % 2 === 0) await daemon.kill();
          await postgres.start();
          if (round % 2 === 0) daemon = await startDaemon({ env });
          await traffic.more(Math.ceil(random() * 200));
          await daemon.kill();
          await traffic.more(Math.ceil(random() * 500));
          daemon = await startDaemon({ env });
        }
        await traffic.assertStored(database, daemon);
        const stats = await settled(daemon);
        assert.equal(stats.points.stored, traffic.count);
        assert.equal(await daemon.stop(), 0);
        daemon = await startDaemon({ env });
        const again = await daemon.stats();
        assertBalanced(again);
        assert.deepEqual(
          [again.points.stored, again.messages.spooled, again.messages.in_flight],
          [traffic.count, 0, 0],
        );
      } finally {
        await daemon.kill();
      }
    },
  );

  test(
    'messages without a time of their own, SIGKILL while they are spooled: each is stored once',
    needsMosquitto,
    async () => {
      const MESSAGES = 3_000;
      await using broker = await startBroker();
      await using database = await createDatabase({ server: postgres.url, template: true });
      const env = {
        ...addresses(broker, database.url),
        ...spooling,
        TIDEGATE_SPOOL_PATH: join(path, 'untimed'),
      };
      await using killed = await startDaemon({ env });
      await postgres.stop('immediate');
      const all = Array.from({ length: MESSAGES }, (_, value) => ({
        topic: `devices/device-${value % 20}/reading`,
        payload: String(value),
      }));
      const published = publish(broker.url, all);
      await eventually('it spools', async () => (await killed.stats()).messages.spooled > 500);
      await killed.kill();
      await published;
      await postgres.start();
      await using daemon = await startDaemon({ env });
      await eventually('all are stored', async () => {
        const [row] = await database.query<{ values: number }>(
          'SELECT count(DISTINCT value)::int AS "values" FROM iot_data',
        );
        return row?.values === MESSAGES;
      });
      const stats = await settled(daemon);
      assert.equal(stats.points.stored, MESSAGES, 'and none twice');
      assert.equal(await daemon.stop(), 0);
    },
  );

  test('SIGTERM while PostgreSQL is away: to the spool, exit code 0, stored by the next life', async () => {
    await using broker = await startBroker();
    await using database: TestDatabase = await createDatabase({ server: postgres.url, template: true });
    const env = {
      ...addresses(broker, database.url),
      TIDEGATE_SPOOL_AFTER: '1h',
      TIDEGATE_SPOOL_PATH: join(path, 'stopped'),
    };
    await using stopped = await startDaemon({ env });
    await using traffic = startTraffic(broker.url);
    await traffic.more(1000);
    await postgres.stop('fast');
    await traffic.more(1000);
    await eventually('messages wait', async () => (await stopped.stats()).messages.in_flight > 0);
    assert.equal(await stopped.stop(), 0);
    assert.match(stopped.output(), /The spool keeps messages until the next start/);
    await postgres.start();
    await using daemon = await startDaemon({ env });
    await traffic.assertStored(database, daemon);
    const stats = await settled(daemon);
    assert.equal(stats.points.stored, traffic.count);
    assert.equal(await daemon.stop(), 0);
  });
});
