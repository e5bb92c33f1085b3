import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { startBroker } from '../support/broker.ts';
import { assertBalanced, metric, settled, startDaemon } from '../support/daemon.ts';
import { createDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { addresses } from '../support/program.ts';
import { startTraffic } from '../support/traffic.ts';

suite('somebody drops a table while messages flow', { concurrency: true }, () => {
  // Of each kind: written with every batch, looked up once, and folded into now and then.
  for (const table of ['batches', 'series', 'ingest_totals']) {
    test(`${table}: the daemon ends and says what is missing; nothing was acknowledged that is not stored`, async () => {
      await using broker = await startBroker();
      await using database = await createDatabase({ template: true });
      await using daemon = await startDaemon({ env: addresses(broker, database.url) });
      await using traffic = startTraffic(broker.url, { pauseMs: 50 });
      await traffic.more(100);
      await database.query(`ALTER TABLE tidegate.${table} RENAME TO ${table}_dropped`);
      assert.equal(await daemon.exited(), 1);
      assert.match(
        daemon.output(),
        new RegExp(
          `^tidegate: schema_missing: relation "tidegate.${table}" does not exist. Run .*restore it`,
          'm',
        ),
      );
      // From a backup: here it was only renamed.
      await database.query(`ALTER TABLE tidegate.${table}_dropped RENAME TO ${table}`);
      await using next = await startDaemon({ env: addresses(broker, database.url) });
      await traffic.more(100);
      await traffic.assertStored(database, next);
      assertBalanced(await settled(next));
      assert.equal(await next.stop(), 0);
    });
  }

  test('a chunk: a new one takes its place, what comes now is stored', async () => {
    await using broker = await startBroker();
    await using database = await createDatabase({ template: true });
    await using daemon = await startDaemon({ env: addresses(broker, database.url) });
    await using traffic = startTraffic(broker.url);
    await traffic.more(200);
    // Just after midnight the chunk of the traffic, which is of an hour ago, is there from then on.
    await eventually('some of it is stored', async () => (await daemon.stats()).points.stored > 0);
    const chunks = await database.query<{ leaf: string }>(
      `SELECT leaf FROM tidegate.chunks WHERE source = 'points' ORDER BY leaf`,
    );
    for (const { leaf } of chunks) await database.query(`DROP TABLE tidegate.${leaf}`);
    await daemon.logged(/somebody dropped tidegate\.points_\w+.*policies\.retention/);
    const { last } = traffic;
    await traffic.more(500);
    await traffic.stop();
    const stats = await settled(daemon);
    assertBalanced(stats);
    assert.equal(stats.points.stored, traffic.count);
    assert.equal(stats.messages.dead_lettered, 0);
    assert.ok(
      (await metric(daemon, { name: 'write_errors_total', labels: { sqlstate: '23514', action: 'retry' } })) >
        0,
    );
    const { lost } = await traffic.findings(database);
    assert.ok(
      lost.every((index) => index <= last),
      `${lost.length} lost`,
    );
    await eventually('ready', () => daemon.ready());
    assert.equal(await daemon.stop(), 0);
  });
});
