/** What a user can get wrong at the start: one clear line each, the exit code, no stack trace. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { addRun } from '../../../src/commands/run.ts';
import { freePort, needsMosquitto, startBroker, type TestBroker } from '../../support/broker.ts';
import { makeCertificates, needsOpenssl } from '../../support/certificates.ts';
import { startDaemon } from '../../support/daemon.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { addresses, type Outcome, tidegate } from '../../support/program.ts';
import { runCommand } from '../commands/command-run.ts';
import { startScriptedBroker } from '../mqtt/scripted-broker.ts';

const STACK = /^\s+at /m;
/** MQTT 5, 3.14: "session taken over". */
const DISCONNECT_TAKEN_OVER = [0xe0, 0x02, 0x8e, 0x00];

let broker: TestBroker;
let database: TestDatabase;
let env: Record<string, string>;
before(async () => {
  broker = await startBroker();
  database = await createDatabase({ template: true });
  env = { ...addresses(broker, database.url), TIDEGATE_STARTUP_TIMEOUT: '1s' };
});
after(async () => {
  await broker[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

/** In this process: a configuration that is wrong is refused before anything is started. */
async function refused(args: readonly string[], variables: Record<string, string>): Promise<Outcome> {
  const run = runCommand(addRun, ['run', ...args], { env: variables });
  const code = await run.ended;
  return { code, stdout: run.stdout(), stderr: run.stderr() };
}

suite('the configuration', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tidegate-mistakes-'));
  });
  after(() => rm(folder, { recursive: true }));

  async function runWith(yaml: string): Promise<Outcome> {
    const file = join(folder, 'tidegate.yaml');
    await writeFile(file, yaml);
    return await refused(['--config', file], env);
  }

  test('a file that is not there', async () => {
    const outcome = await tidegate(['run', '--config', join(folder, 'nowhere.yaml')], env);
    assertFailed(outcome, 2, /^tidegate: config_unreadable: .*nowhere\.yaml.*ENOENT/);
  });

  test('YAML that is broken', async () => {
    assertFailed(await runWith('mqtt: "localhost'), 2, /^tidegate: config_\w+: .*tidegate\.yaml/);
  });

  test('an unknown key', async () => {
    const outcome = await runWith('mqtt:\n  urll: mqtt://localhost\n');
    assertFailed(outcome, 2, /^tidegate: config_invalid: .*tidegate\.yaml:2.*mqtt\.urll.*mqtt\.url/);
  });

  test('an unknown variable', async () => {
    const outcome = await refused([], { ...env, TIDEGATE_MQTT_URI: 'mqtt://localhost' });
    assertFailed(outcome, 2, /^tidegate: config_invalid: .*TIDEGATE_MQTT_URI.*TIDEGATE_MQTT_URL/);
  });

  test('settings that contradict each other', async () => {
    const outcome = await runWith('ingest: {batch: {max_points: 10}, queue: {max_points: 5}}\n');
    assertFailed(
      outcome,
      2,
      /^tidegate: config_invalid: .*ingest\.batch\.max_points and ingest\.queue\.max_points contradict/,
    );
  });

  test('several mistakes: a line for each', async () => {
    const { code, stderr } = await runWith(
      'mqtt: {keepalive: fast}\nlog: {level: loud}\nroutes: [{topic: "a/#/b"}]\n',
    );
    assert.equal(code, 2);
    const lines = stderr.trimEnd().split('\n');
    assert.equal(lines.length, 5, stderr);
    assert.equal(lines[0], 'tidegate: config_invalid:');
    for (const [index, key] of ['mqtt.keepalive', 'log.level', 'topic'].entries()) {
      assert.ok(lines[index + 1]?.includes(key), stderr);
    }
  });

  test('database.url that is missing, or of another scheme', async () => {
    assertFailed(
      await refused([], { ...env, TIDEGATE_DATABASE_URL: '' }),
      2,
      /^tidegate: config_invalid: .*database\.url.*TIDEGATE_DATABASE_URL/,
    );
    const outcome = await refused([], {
      ...env,
      TIDEGATE_DATABASE_URL: 'mysql://root:secret@localhost/x',
    });
    assertFailed(
      outcome,
      2,
      /^tidegate: config_invalid: TIDEGATE_DATABASE_URL: database\.url .*postgres:\/\//,
    );
    assert.doesNotMatch(outcome.stderr, /secret/);
  });

  test('mqtt.url of another scheme', async () => {
    const outcome = await refused([], { ...env, TIDEGATE_MQTT_URL: 'http://user:secret@localhost' });
    assertFailed(outcome, 2, /^tidegate: config_invalid: TIDEGATE_MQTT_URL: mqtt\.url .*mqtts:\/\//);
    assert.doesNotMatch(outcome.stderr, /secret/);
  });
});

suite('the command line', () => {
  for (const args of [['dance'], ['run', '--loud'], ['explain', 'devices/a/b'], ['run', '--config']]) {
    test(`tidegate ${args.join(' ')}`, async () => {
      const { code, stdout, stderr } = await tidegate(args, env);
      assert.equal(code, 2, stderr);
      // Ours where the arguments are right each, and not together.
      assert.match(stderr, /^(error|tidegate: usage): /);
      assertOneLine(stderr);
      assert.equal(stdout, '');
    });
  }
});

suite('PostgreSQL', () => {
  const withUrl = (change: (url: URL) => void): Record<string, string> => {
    const url = new URL(database.url);
    change(url);
    return { ...env, TIDEGATE_DATABASE_URL: url.href };
  };

  test('does not listen there', async () => {
    const port = await freePort();
    const outcome = await tidegate(
      ['run'],
      withUrl((url) => (url.port = `${port}`)),
    );
    assertFailed(
      outcome,
      1,
      new RegExp(`^tidegate: database_unreachable: 127\\.0\\.0\\.1:${port}/.*ECONNREFUSED`),
    );
  });

  test('has a host that does not exist', async () => {
    const outcome = await tidegate(
      ['run'],
      withUrl((url) => (url.hostname = 'nowhere.invalid')),
    );
    assertFailed(outcome, 1, /^tidegate: database_unreachable: nowhere\.invalid:.*(ENOTFOUND|EAI_AGAIN)/);
  });

  test('refuses the password', async () => {
    const outcome = await tidegate(
      ['run'],
      withUrl((url) => (url.password = 'guessed')),
    );
    assertFailed(outcome, 1, /^tidegate: database_refused: .*password authentication failed/);
    assert.doesNotMatch(outcome.stderr, /guessed/);
  });

  test('has no database of the name', async () => {
    const outcome = await tidegate(
      ['run'],
      withUrl((url) => (url.pathname = '/no_such_database')),
    );
    assertFailed(outcome, 1, /^tidegate: database_refused: .*"no_such_database" does not exist/);
  });

  test('does not let the role insert', async () => {
    const role = `reader_${database.name}`;
    await database.query(`CREATE ROLE ${role} LOGIN PASSWORD 'reads'`);
    await database.query(`GRANT USAGE ON SCHEMA tidegate TO ${role}`);
    await database.query(`GRANT SELECT ON ALL TABLES IN SCHEMA tidegate TO ${role}`);
    try {
      const outcome = await tidegate(
        ['run'],
        withUrl((url) => {
          url.username = role;
          url.password = 'reads';
        }),
      );
      assertFailed(outcome, 1, /^tidegate: database_privilege: .*lacks .*INSERT.* on tidegate\.points\b/);
    } finally {
      await database.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
    }
  });
});

suite('the broker', () => {
  test('does not listen there', async () => {
    const port = await freePort();
    const outcome = await tidegate(['run'], { ...env, TIDEGATE_MQTT_URL: `mqtt://127.0.0.1:${port}` });
    assertFailed(
      outcome,
      1,
      new RegExp(`^tidegate: broker_unreachable: .*127\\.0\\.0\\.1:${port}.*ECONNREFUSED`),
    );
  });

  test('refuses the password', needsMosquitto, async () => {
    await using strict = await startBroker({ config: ['allow_anonymous false'] });
    const outcome = await tidegate(['run'], {
      ...env,
      TIDEGATE_MQTT_URL: strict.url,
      TIDEGATE_MQTT_USERNAME: 'sensor',
      TIDEGATE_MQTT_PASSWORD: 'guessed',
    });
    assertFailed(outcome, 1, /^tidegate: broker_refused: .*refused: .*[Nn]ot authorized/);
    assert.doesNotMatch(outcome.stderr, /guessed/);
  });

  test('shows a certificate of another authority', {
    skip: needsMosquitto.skip || needsOpenssl.skip,
  }, async () => {
    await using certificates = await makeCertificates();
    const { server, stranger } = certificates;
    await using secure = await startBroker({
      scheme: 'mqtts',
      config: [`certfile ${server.certPath}`, `keyfile ${server.keyPath}`],
    });
    const outcome = await tidegate(['run'], {
      ...env,
      TIDEGATE_MQTT_URL: secure.url,
      TIDEGATE_MQTT_TLS_CA: stranger.certPath,
    });
    assertFailed(outcome, 1, /^tidegate: broker_tls: .*certificate/);
  });

  test('has another client with our client id', async () => {
    // Not every real one says so at once: mosquitto 2.0.11 only cuts the connection, and is understood a while later.
    await using scripted = await startScriptedBroker({ suback: [1, 1] });
    await using daemon = await startDaemon({
      env: { ...env, TIDEGATE_MQTT_URL: scripted.url, TIDEGATE_MQTT_PROTOCOL_VERSION: '5' },
    });
    scripted.send(DISCONNECT_TAKEN_OVER);
    assert.equal(await daemon.exited(), 1);
    assert.match(daemon.output(), /^tidegate: session_taken: .*client id.*mqtt\.client_id.*\n$/m);
    assert.doesNotMatch(daemon.output(), STACK);
  });
});

test('the HTTP port is in use', async () => {
  const occupant = createServer().listen(0, '127.0.0.1');
  await once(occupant, 'listening');
  const { port } = occupant.address() as { port: number };
  try {
    const outcome = await tidegate(['run'], { ...env, TIDEGATE_HTTP_PORT: `${port}` });
    assertFailed(
      outcome,
      1,
      new RegExp(`^tidegate: http_unavailable: 127\\.0\\.0\\.1:${port}: .*EADDRINUSE`),
    );
  } finally {
    occupant.close();
  }
});

function assertFailed({ code, stdout, stderr }: Outcome, expected: 1 | 2, line: RegExp): void {
  assert.equal(code, expected, stderr);
  assert.match(stderr, line);
  assertOneLine(stderr);
  assert.doesNotMatch(stdout, STACK);
}

function assertOneLine(stderr: string): void {
  assert.match(stderr, /^[^\n]+\n$/);
}
