import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startBroker } from '../support/broker.ts';
import { assertBalanced, settled, startDaemon } from '../support/daemon.ts';
import { createDatabase, startTestPostgres } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { addresses } from '../support/program.ts';
import { ALL_KINDS, startTraffic } from '../support/traffic.ts';

test('PostgreSQL is stopped and started while messages flow: nothing is lost', async () => {
  await using postgres = await startTestPostgres();
  await using broker = await startBroker();
  await using database = await createDatabase({ server: postgres.url, template: true });
  await using daemon = await startDaemon({ env: addresses(broker, database.url) });
  await using traffic = startTraffic(broker.url, { kinds: ALL_KINDS });

  // Fast: every session is ended and told so. Immediate: as a crash, with recovery at the next start.
  for (const mode of ['fast', 'immediate'] as const) {
    await traffic.more(2000);
    await postgres.stop(mode);
    await eventually('not ready', async () => !(await daemon.ready()));
    await traffic.more(15_000);
    assert.ok((await daemon.stats()).messages.in_flight > 0);
    await postgres.start();
    await eventually('ready again', () => daemon.ready());
  }
  await traffic.more(2000);
  await traffic.assertStored(database, daemon);

  assert.ok(!(daemon.peakMemory() > 256), `${daemon.peakMemory()} MiB`);
  const stats = await settled(daemon);
  assertBalanced(stats);
  assert.equal(stats.messages.settled + stats.messages.dead_lettered, traffic.count);
  assert.equal(stats.points.stored, stats.messages.settled);
  assert.equal(await daemon.stop(), 0);
});

test('the connections to PostgreSQL are cut again and again while messages flow: nothing is lost', async () => {
  const ROUNDS = 20;
  await using broker = await startBroker();
  await using database = await createDatabase({ template: true });
  await using daemon = await startDaemon({ env: addresses(broker, database.url) });
  await using traffic = startTraffic(broker.url, { kinds: ALL_KINDS });
  for (let round = 0; round < ROUNDS; round++) {
    await traffic.more(250);
    await eventually('a connection is cut', async () => {
      const cut = await database.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND application_name LIKE 'tidegate %'`,
      );
      return cut.length > 0;
    });
  }
  await traffic.assertStored(database, daemon);

  const stats = await settled(daemon);
  assertBalanced(stats);
  assert.equal(stats.messages.settled + stats.messages.dead_lettered, traffic.count);
  assert.equal(stats.points.stored, stats.messages.settled);
  assert.equal(await daemon.stop(), 0);
});
