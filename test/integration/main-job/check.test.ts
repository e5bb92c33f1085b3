import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { freePort, startBroker, type TestBroker } from '../../support/broker.ts';
import { type KeyPair, makeCertificates, makeExpired, needsOpenssl } from '../../support/certificates.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { createFolder } from '../../support/folder.ts';
import { addresses, tidegate } from '../../support/program.ts';
import { startScriptedBroker } from '../mqtt/scripted-broker.ts';

suite('tidegate check', () => {
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

  test('says what database and broker grant', async () => {
    const { code, stdout, stderr } = await tidegate(['check'], env);
    assert.equal(code, 0, stdout + stderr);
    assert.match(stdout, /^ok +configuration: 2 routes$/m);
    assert.match(
      stdout,
      new RegExp(`^ok +database: 127\\.0\\.0\\.1:\\d+/${database.name} as \\w+, PostgreSQL 1\\d`, 'm'),
    );
    assert.match(stdout, /^ok +schema public: up to date, privileges sufficient$/m);
    assert.match(stdout, new RegExp(`^ok +broker: ${broker.url}, MQTT `, 'm'));
    for (const filter of ['devices/+/+', 'devices/+']) {
      assert.ok(stdout.includes(`subscription: ${filter} at QoS 1`), stdout);
    }
    assert.doesNotMatch(stdout, /failed/);
  });

  test('says what becomes of messages while the database is away, and what is wrong with the spool', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tidegate-check-'));
    try {
      const without = await tidegate(['check'], env);
      assert.match(without.stdout, /^ok +spool: none; .* wait at the broker \(session 168 h/m);
      const path = join(folder, 'a', 'spool');
      const spool = { ...env, TIDEGATE_SPOOL_PATH: path, TIDEGATE_SPOOL_MAX_BYTES: '4000GiB' };
      const small = await tidegate(['check'], spool);
      assert.equal(small.code, 0, small.stdout);
      assert.match(small.stdout, /^ok +spool: .*\/a\/spool, up to 4,096,000 MiB after 5 s/m);
      assert.match(small.stdout, /^warning spool: .* MiB free, less than spool\.max_bytes/m);
      const file = join(folder, 'file');
      await writeFile(file, '');
      const wrong = await tidegate(['check'], { ...env, TIDEGATE_SPOOL_PATH: join(file, 'spool') });
      assert.equal(wrong.code, 1);
      assert.match(wrong.stdout, /^failed +spool_unusable: .*ENOTDIR/m);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('reads the certificate that HTTP will show', needsOpenssl, async () => {
    await using certificates = await makeCertificates();
    const shown = async (cert: KeyPair, key: KeyPair) =>
      await tidegate(['check'], {
        ...env,
        TIDEGATE_HTTP_TLS_CERT: cert.certPath,
        TIDEGATE_HTTP_TLS_KEY: key.keyPath,
      });
    const { server, client } = certificates;
    assert.match(
      (await shown(server, server)).stdout,
      /^warning certificate: http\.tls\.cert expires in 1 days, on \d{4}-\d\d-\d\d$/m,
    );
    await using folder = await createFolder();
    const old = await makeExpired(folder.path);
    const expired = await shown(old, old);
    assert.equal(expired.code, 1);
    assert.match(expired.stdout, /^failed +certificate_expired: http\.tls\.cert expired on \d{4}-/m);
    const wrong = await shown(server, client);
    assert.equal(wrong.code, 1);
    assert.match(
      wrong.stdout,
      /^failed +config_invalid: http\.tls\.cert and http\.tls\.key cannot be used: /m,
    );
  });

  test('names the routes that subscribe at QoS 0', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tidegate-check-'));
    const file = join(folder, 'tidegate.yaml');
    try {
      await writeFile(
        file,
        `routes:
  - {name: unsafe, topic: "sensors/{device_id}/{metric_name}", qos: 0}
  - {name: safe, topic: "devices/{device_id}/{metric_name}"}
`,
      );
      const { code, stdout } = await tidegate(['check', '--config', file], env);
      assert.equal(code, 0, stdout);
      assert.match(stdout, /^warning route unsafe subscribes at QoS 0: what is published .* is lost$/m);
      assert.doesNotMatch(stdout, /route safe/);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('says that migrations are pending, and leaves the database as it is', async () => {
    await using fresh = await createDatabase();
    const { code, stdout } = await tidegate(['check'], { ...env, TIDEGATE_DATABASE_URL: fresh.url });
    assert.equal(code, 0, stdout);
    assert.match(stdout, /^warning schema public: \d+ migrations pending/m);
    const schemas = await fresh.query(`SELECT FROM pg_namespace WHERE nspname LIKE 'tidegate%'`);
    assert.deepEqual(schemas, []);
  });

  test('tries the broker even where the database would not do, and the other way round', async () => {
    const port = await freePort();
    const url = new URL(database.url);
    url.password = 'guessed';
    const { code, stdout } = await tidegate(['check'], {
      ...env,
      TIDEGATE_DATABASE_URL: url.href,
      TIDEGATE_MQTT_URL: `mqtt://127.0.0.1:${port}`,
    });
    assert.equal(code, 1);
    assert.match(stdout, /^failed +database_refused: .*password authentication failed/m);
    assert.match(stdout, /^failed +broker_unreachable: .*ECONNREFUSED/m);
    assert.doesNotMatch(stdout, /guessed|^\s+at /m);
  });

  test('a subscription that the broker refuses', async () => {
    const NOT_AUTHORIZED = 0x87;
    await using strict = await startScriptedBroker({ suback: [1, NOT_AUTHORIZED] });
    const { code, stdout } = await tidegate(['check'], {
      ...env,
      TIDEGATE_MQTT_URL: strict.url,
      TIDEGATE_MQTT_PROTOCOL_VERSION: '5',
    });
    assert.equal(code, 1, stdout);
    assert.match(stdout, /^failed +subscription_refused: .*devices\/\+.*[Nn]ot authorized/m);
  });

  test('a configuration with mistakes ends with 2 before anything is tried', async () => {
    const { code, stdout, stderr } = await tidegate(['check'], { ...env, TIDEGATE_MQTT_KEEPALIVE: 'fast' });
    assert.equal(code, 2);
    assert.equal(stdout, '');
    assert.match(stderr, /^tidegate: config_invalid: TIDEGATE_MQTT_KEEPALIVE: /);
  });
});
