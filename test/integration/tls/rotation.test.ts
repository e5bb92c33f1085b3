import assert from 'node:assert/strict';
import { chown, copyFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { needsMosquitto, startBroker, freePort, publish } from '../../support/broker.ts';
import { makeCertificates, needsOpenssl, type TestCertificates } from '../../support/certificates.ts';
import { metric, startDaemon } from '../../support/daemon.ts';
import { createDatabase, startTestPostgres } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import { createFolder } from '../../support/folder.ts';
import { addresses } from '../../support/program.ts';

const needsBoth = { skip: needsMosquitto.skip || needsOpenssl.skip };

test(
  'mutual TLS to mosquitto and verify-full to PostgreSQL by a private authority, renewed by a reload',
  needsBoth,
  async () => {
    await using first = await makeCertificates();
    await using second = await makeCertificates();
    await using folder = await createFolder();
    const at = (name: string): string => join(folder.path, name);
    const [plain, secure] = [await freePort(), await freePort()];
    const install = async (of: TestCertificates): Promise<void> => {
      for (const name of ['authority', 'server', 'client'] as const) {
        await copyFile(of[name].certPath, at(`${name}.crt`));
        await copyFile(of[name].keyPath, at(`${name}.key`));
      }
    };
    await install(first);
    await using postgres = await startTestPostgres();
    await using database = await createDatabase({ server: postgres.url });
    const encrypt = async (of: TestCertificates): Promise<void> => {
      const [row] = await database.query<{ data: string }>(
        `SELECT current_setting('data_directory') AS data`,
      );
      const data = row?.data as string;
      const { uid, gid } = await stat(data);
      for (const [name, pem] of [
        ['server.crt', of.server.cert],
        ['server.key', of.server.key],
      ] as const) {
        await writeFile(join(data, name), pem, { mode: 0o600 });
        await chown(join(data, name), uid, gid);
      }
      await database.query('ALTER SYSTEM SET ssl = on');
      await database.query('SELECT pg_reload_conf()');
      await eventually('the server speaks TLS', async () => {
        const [setting] = await database.query<{ ssl: string }>(`SELECT current_setting('ssl') AS ssl`);
        return setting?.ssl === 'on';
      });
      // What is open by now stays as it is.
      await database.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'tidegate%'`,
      );
    };
    await encrypt(first);
    await using broker = await startBroker({
      port: plain,
      persistence: true,
      config: [
        `listener ${secure} 127.0.0.1`,
        `cafile ${at('authority.crt')}`,
        `certfile ${at('server.crt')}`,
        `keyfile ${at('server.key')}`,
        'require_certificate true',
      ],
    });
    const url = new URL(database.url);
    url.searchParams.set('sslmode', 'verify-full');
    url.searchParams.set('sslrootcert', at('authority.crt'));
    const file = at('tidegate.yaml');
    await writeFile(
      file,
      `
mqtt: {tls: {ca: ${at('authority.crt')}, cert: ${at('client.crt')}, key: ${at('client.key')}}}
routes: [{topic: "plant/{device_id}", metric_name: level}]
`,
    );
    const secureBroker = { kind: broker.kind, url: `mqtts://127.0.0.1:${secure}` };
    await using daemon = await startDaemon({ env: addresses(secureBroker, url.href), file });
    const stored = async (value: number): Promise<void> => {
      await publish(broker.url, [{ topic: 'plant/a', payload: String(value) }]);
      await eventually(`${value} is stored`, async () => {
        return (await database.query('SELECT FROM iot_data WHERE value = $1', [value])).length === 1;
      });
    };
    await stored(1);
    const [{ encrypted } = { encrypted: 0 }] = await database.query<{ encrypted: number }>(
      `SELECT count(*)::int AS encrypted FROM pg_stat_activity JOIN pg_stat_ssl USING (pid)
     WHERE application_name LIKE 'tidegate%' AND NOT ssl`,
    );
    assert.equal(encrypted, 0, 'no connection of ours is in the clear');
    const expiry = async (certificate: string): Promise<number> =>
      await metric(daemon, { name: 'certificate_expiry_timestamp_seconds', labels: { certificate } });
    for (const use of ['mqtt_ca', 'mqtt_client', 'database_ca']) {
      const days = ((await expiry(use)) * 1000 - Date.now()) / 86_400_000;
      assert.ok(days > 1 && days <= 2, `${use}: ${days} days`);
    }

    // A certificate without its key is half of a renewal.
    await copyFile(second.client.certPath, at('client.crt'));
    await daemon.reload();
    assert.match(daemon.output(), /stays as it was: config_invalid: the files of mqtt\.tls cannot be used/);

    await install(second);
    await daemon.reload();
    assert.equal(await metric(daemon, { name: 'mqtt_reconnects_total' }), 0, 'the session goes on');
    await encrypt(second);
    await broker.restart();
    await eventually(
      'connected anew',
      async () => (await metric(daemon, { name: 'mqtt_reconnects_total' })) > 0,
    );
    await stored(2);
    assert.equal(await daemon.stop(), 0);
  },
);
