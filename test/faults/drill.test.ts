import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { addDrill } from '../../src/commands/drill.ts';
import type { Certificate } from '../../src/drill/certificate.ts';
import { runCommand } from '../integration/commands/command-run.ts';
import { needsMosquitto, startBroker } from '../support/broker.ts';
import { createDatabase, startTestPostgres, type TestPostgres } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { addresses } from '../support/program.ts';

/** What a drill leaves in a database. */
const LEFT = `SELECT nspname FROM pg_namespace WHERE nspname LIKE 'tidegate_drill%'`;

test(
  'a drill kills the daemon and restarts the database, certifies 0 and 0, and leaves nothing',
  needsMosquitto,
  async () => {
    await using postgres = await startTestPostgres();
    await using broker = await startBroker();
    await using database = await createDatabase({ server: postgres.url });
    // The command of the operator is a request to this test, which has the server.
    const requests: string[] = [];
    const server = createServer((request, response) => {
      requests.push(request.url ?? '');
      void restarted(postgres).then((word) => response.end(word));
    }).listen(0, '127.0.0.1');
    try {
      await eventually('it listens', () => server.listening);
      const address = server.address();
      const port = typeof address === 'object' ? address?.port : 0;
      const restart = `${process.execPath} -e "fetch('http://127.0.0.1:${port}/restart').then(r => r.text()).then(t => process.exit(t === 'restarted' ? 0 : 1))"`;
      const run = runCommand(
        addDrill,
        [
          'drill',
          '--messages',
          '2000',
          '--rate',
          '400',
          '--kills',
          '2',
          '--seed',
          '5',
          '--json',
          '--restart-database',
          restart,
        ],
        { env: addresses(broker, database.url) },
      );
      assert.equal(await run.ended, 0, run.stderr() + run.stdout());
      const certificate = JSON.parse(run.stdout()) as Certificate;
      assert.partialDeepStrictEqual(certificate, {
        published: 2000,
        published_with_time: 1000,
        acknowledged: 2000,
        stored: 2000,
        lost: 0,
        duplicates: 0,
        dead_letters: 0,
        kills: 2,
        database_restarts: 1,
        seed: 5,
      });
      assert.ok((certificate.longest_recovery_seconds ?? 0) > 0);
      assert.deepEqual(requests, ['/restart']);
      assert.deepEqual(await database.query(LEFT), []);
    } finally {
      server.close();
    }
  },
);

async function restarted(postgres: TestPostgres): Promise<string> {
  await postgres.stop('fast');
  await postgres.start();
  return 'restarted';
}

test('a drill that is stopped by hand leaves nothing either', needsMosquitto, async () => {
  await using broker = await startBroker();
  await using database = await createDatabase();
  const run = runCommand(addDrill, ['drill', '--messages', '100000', '--rate', '100'], {
    env: addresses(broker, database.url),
  });
  await eventually('it publishes', () => run.stderr().includes('publishing'));
  assert.equal((await database.query(LEFT)).length, 2);
  run.stop();
  assert.equal(await run.ended, 1);
  assert.match(run.stderr(), /drill_failed: stopped by hand/);
  assert.deepEqual(await database.query(LEFT), []);
});

test('a drill that cannot begin says why', async () => {
  await using database = await createDatabase();
  const env = { ...addresses({ kind: 'aedes', url: 'mqtt://127.0.0.1:1' }, database.url) };
  const run = runCommand(addDrill, ['drill'], { env });
  assert.equal(await run.ended, 1);
  assert.match(run.stderr(), /broker_unreachable/);
  const usage = runCommand(addDrill, ['drill', '--topic', 'a/#'], { env });
  assert.equal(await usage.ended, 2);
});
