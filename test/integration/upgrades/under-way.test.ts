/** A newer version migrates while daemons of this one run: those that may not write on that schema stop before they do. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TidegateError, WriteError } from '../../../src/errors.ts';
import { PostgresLeadership } from '../../../src/postgres/leader.ts';
import { applyMigration, type Migration } from '../../../src/postgres/migrate.ts';
import { schemaNames } from '../../../src/postgres/names.ts';
import { ownVersion } from '../../../src/postgres/schema-version.ts';
import { publish, startBroker } from '../../support/broker.ts';
import { settled, startDaemon } from '../../support/daemon.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { addresses } from '../../support/program.ts';
import { count, fate, openSink, series } from '../postgres/sinks.ts';

/** Of a program to come. */
async function migrateNewer(database: TestDatabase, more: Partial<Migration>): Promise<void> {
  const version = ownVersion() + 1;
  const sql = 'CREATE TABLE :"internal".news (x integer)';
  const newer = {
    version,
    name: 'newer',
    sql,
    compatibleFrom: version,
    excludes: true,
    checksum: '',
    ...more,
  };
  await applyMigration(await database.connect(), newer, schemaNames('public'), 'postgres');
}

function refusal(error: unknown): true {
  assert.ok(error instanceof WriteError && error.cause instanceof TidegateError, String(error));
  assert.equal(error.action, 'stop');
  assert.equal(error.cause.code, 'schema_newer');
  return true;
}

test('a writer stops at the first batch after it, and whoever leads no longer does', async () => {
  await using database = await createDatabase({ template: true });
  await using sink = openSink(database);
  const now = Date.now() * 1000;
  assert.deepEqual(fate(await sink.put(series('a', now, 3))), [3, 0, 0]);
  const leader = new PostgresLeadership({ url: database.url, schema: 'public', clientId: 'test' });
  assert.equal((await leader.tryAcquire())?.epoch, 1);
  await migrateNewer(database, {});
  // Small and plain ones are one statement, others a transaction.
  for (const points of [3, 1_000]) await assert.rejects(sink.put(series('a', now + 1e9, points)), refusal);
  await assert.rejects(sink.maintain(), refusal);
  assert.deepEqual(await database.query('SELECT epoch::int FROM tidegate.scheduler'), [{ epoch: 2 }]);
  await leader.release();
  await assert.rejects(leader.tryAcquire(), refusal);
  await leader.release();
  assert.equal(await count(database, 'iot_data'), 3);
});

test('a writer goes on where the newer version allows it', async () => {
  await using database = await createDatabase({ template: true });
  await using sink = openSink(database);
  const now = Date.now() * 1000;
  await sink.put(series('a', now, 3));
  await migrateNewer(database, { compatibleFrom: ownVersion(), excludes: false });
  assert.deepEqual(fate(await sink.put(series('a', now, 5))), [2, 3, 0]);
  await sink.maintain();
});

test('a daemon ends, says why, and leaves to the broker what it could not store', async () => {
  await using database = await createDatabase({ template: true });
  await using broker = await startBroker();
  await using daemon = await startDaemon({ env: addresses(broker, database.url) });
  await publish(broker.url, [{ topic: 'devices/a', payload: '{"x": 1}' }]);
  await settled(daemon);
  await migrateNewer(database, {});
  await daemon.logged(/schema_newer/);
  assert.equal(await daemon.exited(), 1);
  assert.match(
    daemon.output(),
    new RegExp(`usable from version ${ownVersion() + 1}; this is ${ownVersion()}`),
  );
  assert.equal(await count(database, 'iot_data'), 1);
});
