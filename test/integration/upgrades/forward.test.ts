/** A database of every earlier schema version comes to this one with all that it holds, and is written on. */

import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { Client } from 'pg';
import { createEngine } from '../../../src/engines/open.ts';
import { applyMigration, migrate, migrations } from '../../../src/postgres/migrate.ts';
import { schemaNames } from '../../../src/postgres/names.ts';
import { publish, startBroker } from '../../support/broker.ts';
import { settled, startDaemon } from '../../support/daemon.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { engineOptions, runJob } from '../../support/engines.ts';
import { addresses } from '../../support/program.ts';
import { SECOND } from '../../unit/pipeline/messages.ts';
import { silent } from '../../unit/pipeline/ports.ts';
import { at, count, fate, openSink, points } from '../postgres/sinks.ts';
import { VERSIONS } from './catalogue.ts';
import { contents, questions } from './contents.ts';
import { LEFT } from './left-behind.ts';

const ALL = migrations('postgres');
const NAMES = schemaNames('public');
const NOW = Math.floor(Date.now() / 1000) * SECOND;

suite('a database of an earlier version', () => {
  /** By version: nobody is connected to them, so that they can be cloned. */
  const earlier = new Map<number, TestDatabase>();

  before(async () => {
    let last: string | undefined;
    for (const migration of ALL) {
      const database = await createDatabase({ ...(last !== undefined && { template: last }) });
      earlier.set(migration.version, database);
      const client = new Client(database.url);
      await client.connect();
      if (last === undefined) await client.query(VERSIONS);
      await applyMigration(client, migration, NAMES, 'postgres');
      await client.query(LEFT[migration.version] ?? '');
      await client.end();
      last = database.name;
    }
  });
  after(() => Promise.all([...earlier.values()].map((database) => database.drop())));

  for (const { version } of ALL) {
    test(`${version}: nothing of it is lost, and it is written on`, async () => {
      await using database = await cloned(version);
      const client = await database.connect();
      const asked = await questions(client);
      const held = await contents(client, asked);
      const url = { url: database.url, schema: 'public', readerRole: null, writerRole: null, logger: silent };
      const pending = ALL.filter((one) => one.version > version).map(({ name }) => name);
      assert.deepEqual(await migrate(url), pending);
      assert.deepEqual(await contents(client, asked), held);

      // It has points from version 1 on, and a way to read them from version 3 on.
      const stored = await count(database, 'iot_data');
      assert.ok(stored >= 5);
      assert.equal(await counted(database), stored);
      await using sink = openSink(database);
      const known = { device: 'pump-1', metric: 'temperature' };
      const again = [{ ...known, time: at('2026-02-01T01:00:00Z'), value: 1 / 3 }];
      if (version >= 2) again.push({ ...known, time: at('2026-03-02T06:00:20Z'), value: 20 + 1 / 7 });
      if (version >= 6) again.push({ ...known, time: at('2026-02-23T06:23:30Z'), value: 20.1 });
      const fresh = [NOW, at('2026-03-02T06:00:21Z'), at('2026-02-23T06:00:01Z'), at('2026-02-01T01:00:01Z')];
      const report = await sink.put(
        points([...again, ...fresh.map((time) => ({ ...known, time, value: 21 }))]),
      );
      assert.deepEqual(fate(report), [fresh.length, again.length, 0]);
      await sink.maintain();
      assert.equal(await count(database, 'iot_data'), stored + fresh.length);
      if (version !== 1 && version !== ALL.length - 1) return;
      await work(database);
      assert.equal(await count(database, 'iot_data'), stored + fresh.length);
      assert.equal(await counted(database), stored + fresh.length);
    });
  }

  test('the daemon migrates it when it starts', async () => {
    await using database = await cloned(1);
    await using broker = await startBroker();
    await using daemon = await startDaemon({ env: addresses(broker, database.url) });
    await publish(broker.url, [{ topic: 'devices/pump-1', payload: '{"temperature": 21.5}' }]);
    assert.equal((await settled(daemon)).points.stored, 1);
    assert.equal(await count(database, 'iot_data'), 6);
    assert.equal(await count(database, 'tidegate.schema_versions'), ALL.length);
    assert.equal(await daemon.stop(), 0);
  });

  /** The points in the days of all series: whatever is in points, segments, kept buckets and frames. */
  async function counted(database: TestDatabase): Promise<number> {
    const days = `iot_aggregate(ARRAY['pump-1'], ARRAY['temperature', 'energy', 'running'], '-infinity', 'infinity', '1 day')`;
    const [row] = await database.query<{ count: number }>(`SELECT sum(count)::int AS count FROM ${days}`);
    return row?.count ?? 0;
  }

  /** A run of each job: what is months old is aggregated day by day, so this is done for few of them. */
  async function work(database: TestDatabase): Promise<void> {
    const engine = createEngine(engineOptions(database), 'postgres');
    // Version 4's scheduler had a leader.
    const [leader] = await database.query<{ epoch: string }>('SELECT epoch FROM tidegate.scheduler');
    for (const job of engine.jobs) await runJob(engine, job.name, { epoch: Number(leader?.epoch) });
  }

  function cloned(version: number): Promise<TestDatabase> {
    return createDatabase({ template: (earlier.get(version) as TestDatabase).name });
  }
});
