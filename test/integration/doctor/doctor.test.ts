import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Diagnosis, Finding } from '../../../src/doctor/finding.ts';
import { addDoctor } from '../../../src/commands/doctor.ts';
import { needsMosquitto, startBroker } from '../../support/broker.ts';
import { createDatabase, startTestPostgres } from '../../support/database.ts';
import { createHypertableDatabase, WITH_TIMESCALEDB } from '../../support/engines.ts';
import { addresses } from '../../support/program.ts';
import { runCommand } from '../commands/command-run.ts';

const NOWHERE = 'postgres://nobody:secret@127.0.0.1:1/none';

async function diagnose(env: Record<string, string>): Promise<Diagnosis & { code: number }> {
  const run = runCommand(addDoctor, ['doctor', '--json'], {
    env: { TIDEGATE_STARTUP_TIMEOUT: '2s', ...env },
  });
  const code = await run.ended;
  return { ...(JSON.parse(run.stdout()) as Diagnosis), code };
}

function finding({ findings }: Diagnosis, area: string, what: string): Finding {
  const found = findings.find((one) => one.area === area && one.what === what);
  assert.ok(found, `${area} ${what}: ${JSON.stringify(findings)}`);
  return found;
}

suite('tidegate doctor', () => {
  test('what it says of PostgreSQL puts PostgreSQL right', async () => {
    await using server = await startTestPostgres();
    await using database = await createDatabase({ template: true, server: server.url });
    const client = await database.connect();
    const bad = {
      fsync: 'off',
      full_page_writes: 'off',
      wal_compression: 'off',
      autovacuum: 'off',
      track_counts: 'off',
      io_method: 'sync',
      io_combine_limit: '16kB',
      effective_io_concurrency: '0',
      max_parallel_workers_per_gather: '0',
      max_parallel_workers: '0',
      max_worker_processes: '2',
    };
    for (const [name, value] of Object.entries(bad)) {
      await client.query(`ALTER SYSTEM SET ${name} = '${value}'`);
    }
    await server.stop();
    await server.start();
    const env = { TIDEGATE_DATABASE_URL: database.url, TIDEGATE_MQTT_URL: 'mqtt://127.0.0.1:1' };
    const ill = await diagnose(env);
    assert.equal(ill.code, 1);
    const wrong = ill.findings.filter(({ area, level }) => area === 'server' && level !== 'ok');
    assert.deepEqual(wrong.map(({ what }) => what).sort(), Object.keys(bad).sort());
    assert.equal(finding(ill, 'server', 'fsync').is, 'off');
    assert.equal(finding(ill, 'server', 'io_combine_limit').is, '16kB');
    assert.equal(finding(ill, 'server', 'max_wal_size').is, '1GB');

    const again = await database.connect();
    for (const { remedy } of wrong) {
      for (const statement of (remedy ?? '').split('; ')) await again.query(statement);
    }
    await server.stop();
    await server.start();
    const well = await diagnose(env);
    assert.deepEqual(
      well.findings.filter(({ area, level }) => area === 'server' && level !== 'ok'),
      [],
    );
  });

  const onLinux = { skip: process.platform !== 'linux' && 'needs /proc' };
  test(
    'the machine of the server is seen where it is this one, and what came in is counted',
    onLinux,
    async () => {
      await using server = await startTestPostgres();
      await using database = await createDatabase({ template: true, server: server.url });
      const client = await database.connect();
      await client.query(
        `INSERT INTO tidegate.ingest_minutes
       SELECT 'a', date_trunc('minute', now()) - make_interval(mins => n), 600000, 0, 0, 0, 600000, 600000, 0, 0, 0, 0
       FROM generate_series(1, 60) n`,
      );
      const env = { TIDEGATE_DATABASE_URL: database.url, TIDEGATE_MQTT_URL: 'mqtt://127.0.0.1:1' };
      const diagnosis = await diagnose(env);
      // 10,000 points a second, 200 bytes of WAL each.
      assert.equal(finding(diagnosis, 'server', 'max_wal_size').should, '4GB or more');
      const disk = finding(diagnosis, 'host', 'disk of the database');
      assert.match(disk.is, /free of .*; .* at the rate of the last day$/);
      assert.match(disk.why, /^8\d\d,000,000 points a day, at 250 bytes .* \(usual sizes/);
      assert.match(finding(diagnosis, 'host', 'clock of PostgreSQL').is, /^as this machine$/);
      const broker = finding(diagnosis, 'broker', 'connection');
      assert.equal(broker.level, 'problem');
      assert.equal(diagnosis.code, 1);
    },
  );

  test('TimescaleDB is looked at as the engine that it is', WITH_TIMESCALEDB, async () => {
    await using database = await createHypertableDatabase();
    await database.query(
      `INSERT INTO tidegate.points SELECT 1, now() - make_interval(secs => n), n FROM generate_series(1, 100) n`,
    );
    await database.query('ALTER TABLE tidegate.points SET (autovacuum_enabled = off)');
    const env = { TIDEGATE_DATABASE_URL: database.url, TIDEGATE_MQTT_URL: 'mqtt://127.0.0.1:1' };
    const diagnosis = await diagnose(env);
    assert.match(finding(diagnosis, 'server', 'max_worker_processes').why, /policies/);
    // TimescaleDB hands the option down to the chunks.
    assert.match(
      finding(diagnosis, 'server', 'autovacuum on hot partitions').is,
      /^turned off for _timescaledb_internal\._hyper_\d+_\d+_chunk/,
    );
  });

  test('a database without a schema is looked at as far as there is something', async () => {
    await using database = await createDatabase();
    const env = { TIDEGATE_DATABASE_URL: database.url, TIDEGATE_MQTT_URL: 'mqtt://127.0.0.1:1' };
    const { findings, unseen } = await diagnose(env);
    assert.ok(findings.some(({ what }) => what === 'shared_buffers'));
    assert.ok(unseen.some(({ why }) => why === 'the schema is not migrated yet'));
  });

  test('what the role may not see is a finding, and no stack', async () => {
    await using database = await createDatabase({ template: true });
    const role = `doctor_${database.name.slice(-12)}`;
    await database.query(`CREATE ROLE ${role} LOGIN PASSWORD 'secret'`);
    const url = new URL(database.url);
    [url.username, url.password] = [role, 'secret'];
    const diagnosis = await diagnose({
      TIDEGATE_DATABASE_URL: url.href,
      TIDEGATE_MQTT_URL: 'mqtt://127.0.0.1:1',
    });
    assert.match(finding(diagnosis, 'server', 'schema').is, /permission denied/);
    const [server] = await database.query('SHOW fsync');
    assert.equal(finding(diagnosis, 'server', 'fsync').is, server?.['fsync']);
    await database.query(`DROP ROLE ${role}`);
  });

  test('mosquitto is read from what it says and from its file', needsMosquitto, async () => {
    await using broker = await startBroker({
      config: ['max_queued_messages 1000', 'sys_interval 1', 'autosave_interval 60'],
    });
    const env = { ...addresses(broker, NOWHERE) };
    const diagnosis = await diagnose(env);
    assert.equal(finding(diagnosis, 'server', 'connection').level, 'problem');
    assert.doesNotMatch(JSON.stringify(diagnosis), /secret/);
    assert.equal(finding(diagnosis, 'broker', 'messages dropped').level, 'ok');
    const queue = finding(diagnosis, 'broker', 'max_queued_messages');
    assert.deepEqual([queue.is, queue.level], ['1000', 'warning']);
    assert.equal(finding(diagnosis, 'broker', 'persistence').is, 'false (default)');
    assert.equal(finding(diagnosis, 'broker', 'autosave_interval').is, '60');
    assert.equal(finding(diagnosis, 'broker', 'set_tcp_nodelay').level, 'ok');
    assert.equal(finding(diagnosis, 'broker', 'open files').level, 'ok');
  });

  test('what a broker does not show is named', async () => {
    await using broker = await startBroker({ kind: 'aedes' });
    const { unseen } = await diagnose(addresses(broker, NOWHERE));
    const whats = unseen.filter(({ area }) => area === 'broker').map(({ what }) => what);
    assert.match(String(whats[0]), /\$SYS/);
    assert.match(String(whats[1]), /^mosquitto\.conf: max_queued_messages/);
  });

  test('it is printed by area, the worst first, with the line that mends it', async () => {
    const env = {
      TIDEGATE_DATABASE_URL: NOWHERE,
      TIDEGATE_MQTT_URL: 'mqtt://127.0.0.1:1',
      TIDEGATE_STARTUP_TIMEOUT: '1s',
    };
    const run = runCommand(addDoctor, ['doctor'], { env });
    assert.equal(await run.ended, 1);
    assert.match(
      run.stdout(),
      /^PostgreSQL\n {2}problem {2}connection: .*ECONNREFUSED.*\n {13}\S.*\n {11}> tidegate check/,
    );
    assert.match(run.stdout(), /^MQTT broker$/m);
    assert.match(run.stdout(), /^this machine\n(.*\n)* {2}ok {7}memory: /m);
    assert.match(run.stdout(), /^2 problems, 0 warnings, 0 of advice, \d+ ok$/m);
  });
});
