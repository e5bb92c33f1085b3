/** What docs/backup.md says, done: by pg_dump and by pg_basebackup, and a daemon that goes on with what was restored. */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { Client } from 'pg';
import { createEngine } from '../../../src/engines/open.ts';
import { TidegateError } from '../../../src/errors.ts';
import { migrate, migrations } from '../../../src/postgres/migrate.ts';
import { publish, startBroker } from '../../support/broker.ts';
import { assertBalanced, settled, startDaemon } from '../../support/daemon.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { createHypertableDatabase, engineOptions, runJob, WITH_TIMESCALEDB } from '../../support/engines.ts';
import { eventually } from '../../support/eventually.ts';
import { createFolder } from '../../support/folder.ts';
import { needsTools, postgresTool, startInstalledPostgres } from '../../support/installed-postgres.ts';
import { addresses } from '../../support/program.ts';
import { silent } from '../../unit/pipeline/ports.ts';
import { at, count, fate, openSink, type Point, points } from '../postgres/sinks.ts';
import { contents, questions } from '../upgrades/contents.ts';
import { LEFT } from '../upgrades/left-behind.ts';

/** With all that daemons of every version left, in the tables and in the views. */
async function filled(database: TestDatabase): Promise<void> {
  await migrate({
    url: database.url,
    schema: 'public',
    readerRole: null,
    writerRole: null,
    engine: 'postgres',
    logger: silent,
  });
  const client = await database.connect();
  for (const { version } of migrations('postgres')) await client.query(LEFT[version] ?? '');
}

async function said(url: string) {
  const client = new Client(url);
  await client.connect();
  try {
    const asked = await questions(client);
    assert.ok(asked['tidegate.segments'] !== undefined && asked['iot_aggregate'] !== undefined);
    return await contents(client, asked);
  } finally {
    await client.end();
  }
}

/** A sink goes on with it, and knows again what is in the backup. */
async function assertWrittenOn(database: Pick<TestDatabase, 'url'>): Promise<void> {
  await using sink = openSink(database);
  const known = { device: 'pump-1', metric: 'temperature' };
  const report = await sink.put(
    points([
      { ...known, time: at('2026-03-02T06:00:20Z'), value: 20 + 1 / 7 },
      { ...known, time: at('2026-02-23T06:23:30Z'), value: 20.1 },
      { ...known, time: Date.now() * 1000, value: 21 },
    ]),
  );
  assert.deepEqual(fate(report), [1, 2, 0]);
  await sink.maintain();
}

suite('a backup of stock PostgreSQL', needsTools, () => {
  test('by pg_dump, restored into a new database: all that was committed when it began', async () => {
    await using installed = await startInstalledPostgres();
    const { url } = installed.server;
    await using database = await createDatabase({ server: url });
    await filled(database);
    const held = await said(database.url);
    await using folder = await createFolder();
    const file = join(folder.path, 'plant.dump');
    await postgresTool('pg_dump', ['-Fc', '-f', file, '-d', database.url]);
    await using sink = openSink(database);
    await sink.put(points([{ device: 'late', metric: 'x', time: Date.now() * 1000, value: 1 }]));
    // Another server's identifiers of schemas and transactions are other ones.
    await using another = await startInstalledPostgres();
    await using restored = await createDatabase({ server: another.server.url });
    await postgresTool('pg_restore', ['--exit-on-error', '-d', restored.url, file]);
    assert.deepEqual(await said(restored.url), held);
    await assertWrittenOn(restored);
    const engine = createEngine(engineOptions(restored), 'postgres');
    const [leader] = await restored.query<{ epoch: string }>('SELECT epoch FROM tidegate.scheduler');
    const stored = await count(restored, 'iot_data');
    for (const job of engine.jobs) await runJob(engine, job.name, { epoch: Number(leader?.epoch) });
    assert.equal(await count(restored, 'iot_data'), stored);
  });

  test('by pg_basebackup: a daemon goes on with it, and with what its spool has', async () => {
    await using installed = await startInstalledPostgres();
    await using database = await createDatabase({ server: installed.server.url, template: true });
    await using broker = await startBroker();
    await using spool = await createFolder();
    const env = (url: string) => ({
      ...addresses(broker, url),
      TIDEGATE_SPOOL_PATH: join(spool.path, 'spool'),
      TIDEGATE_SPOOL_AFTER: '100ms',
    });
    let sent = 0;
    // Without times of their own: stored twice, one would be seen twice.
    const send = (many: number) =>
      publish(
        broker.url,
        Array.from({ length: many }, () => ({ topic: 'devices/a/x', payload: String(sent++) })),
      );
    await using before = await startDaemon({ env: env(database.url) });
    await send(20);
    await settled(before);
    await using copy = await installed.baseBackup();
    await send(10);
    await settled(before);
    await installed.server.stop('immediate');
    await send(15);
    await eventually('the spool has them', async () => (await before.stats()).messages.spooled === 15);
    await before.kill();

    await copy.server.start();
    const url = new URL(copy.server.url);
    url.pathname = `/${database.name}`;
    await using after = await startDaemon({ env: env(url.href) });
    await send(5);
    const sheet = await eventually('all of it is there', async () => {
      const now = await settled(after);
      return now.messages.settled === 40 && now;
    });
    assertBalanced(sheet);
    assert.equal(await after.stop(), 0);
    const client = new Client(url.href);
    await client.connect();
    const { rows } = await client.query<{ value: number }>('SELECT value FROM iot_data ORDER BY value');
    await client.end();
    const numbers = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, index) => from + index);
    // The ten that were committed after the backup began are what it costs.
    assert.deepEqual(
      rows.map(({ value }) => value),
      [...numbers(0, 20), ...numbers(30, 50)],
    );
  });
});

suite('a backup of TimescaleDB', { skip: needsTools.skip || WITH_TIMESCALEDB.skip }, () => {
  test('by pg_dump, restored as TimescaleDB wants it', async () => {
    await using database = await createHypertableDatabase();
    await using sink = openSink(database, { engine: 'timescaledb' });
    const old = at('2026-02-02T00:00:00Z');
    const many = Array.from({ length: 1_000 }, (_, index) => ({
      device: 'pump-1',
      metric: 'temperature',
      time: old + index * 60_000_000,
      value: index,
    }));
    await sink.put(points(many));
    await sink.maintain();
    const engine = createEngine(engineOptions(database), 'timescaledb');
    for (const job of engine.jobs) await runJob(engine, job.name);
    const [chunk] = await engine.chunks();
    // TimescaleDB's own policy may be faster.
    await engine.compress(chunk?.name ?? '').catch((error: unknown) => {
      assert.ok(error instanceof TidegateError && error.code === 'chunk_state', String(error));
    });
    assert.ok((await engine.compression()).length > 0);
    const shown = 'SELECT * FROM iot_data ORDER BY 1, 2, 4';
    const hours = `SELECT * FROM iot_data_1hour ORDER BY 1, 2, 3`;
    const held = [await database.query(shown), await database.query(hours)];
    await using folder = await createFolder();
    const file = join(folder.path, 'plant.dump');
    await postgresTool('pg_dump', ['-Fc', '-f', file, '-d', database.url]);
    await using restored = await createHypertableDatabase({ migrated: false });
    await restored.query('SELECT timescaledb_pre_restore()');
    await postgresTool('pg_restore', ['-d', restored.url, file]);
    await restored.query('SELECT timescaledb_post_restore()');
    assert.deepEqual([await restored.query(shown), await restored.query(hours)], held);
    await using next = openSink(restored, { engine: 'timescaledb' });
    const again = await next.put(
      points([...many.slice(0, 3), { ...many[0], time: Date.now() * 1000 } as Point]),
    );
    assert.deepEqual(fate(again), [1, 3, 0]);
  });
});
