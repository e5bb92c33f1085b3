import assert from 'node:assert/strict';
import { once } from 'node:events';
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { get } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { createServer, connect } from 'node:tls';
import { addStatus } from '../../../src/commands/status.ts';
import { TidegateError } from '../../../src/errors.ts';
import { Certificate } from '../../../src/http/certificate.ts';
import { createHttpServer, type HttpOptions } from '../../../src/http/server.ts';
import { type KeyPair, makeCertificates, needsOpenssl } from '../../support/certificates.ts';
import { eventually } from '../../support/eventually.ts';
import { httpOptions, token } from '../../support/http-ports.ts';
import { runCommand } from '../commands/command-run.ts';

const DAY_SECONDS = 86_400;

function options({ certPath, keyPath }: KeyPair, over: Partial<HttpOptions> = {}): HttpOptions {
  const tls = { cert: certPath, key: keyPath, hsts: DAY_SECONDS };
  return { ...httpOptions(), port: 0, allowAnonymous: false, tls, ...over };
}

async function ask(url: string, ca: string): Promise<IncomingMessage> {
  const [response] = (await once(get(url, { ca, agent: false }), 'response')) as [IncomingMessage];
  response.resume();
  return response;
}

suite('HTTPS', needsOpenssl, () => {
  test('answers who trusts its authority, and asks browsers to stay with it', async () => {
    await using certificates = await makeCertificates();
    const server = await createHttpServer(options(certificates.server));
    const { url } = await server.listen();
    try {
      assert.match(url, /^https:\/\/127\.0\.0\.1:\d+$/);
      const { statusCode, headers } = await ask(`${url}/healthz`, certificates.authority.cert);
      assert.equal(statusCode, 200);
      assert.equal(headers['strict-transport-security'], 'max-age=86400');
      await assert.rejects(ask(`${url}/healthz`, certificates.stranger.cert), /certificate/);
      await assert.rejects(fetch(url.replace('https:', 'http:')));
    } finally {
      await server.close();
    }
  });

  test('does not speak of HTTPS where it is told not to, or has none', async () => {
    await using certificates = await makeCertificates();
    const tls = { cert: certificates.server.certPath, key: certificates.server.keyPath, hsts: 0 };
    const server = await createHttpServer(options(certificates.server, { tls }));
    const { url } = await server.listen();
    const { headers } = await ask(`${url}/healthz`, certificates.authority.cert);
    await server.close();
    assert.equal(headers['strict-transport-security'], undefined);
  });

  test('files that are none, or do not belong together, are refused at the start', async () => {
    await using certificates = await makeCertificates();
    const { server, client, authority } = certificates;
    const pairs = [
      { ...server, keyPath: client.keyPath },
      { ...server, certPath: server.keyPath },
      { ...server, keyPath: authority.certPath },
      { ...server, certPath: join(tmpdir(), 'there-is-no-such-file') },
    ];
    for (const pair of pairs) {
      await assert.rejects(createHttpServer(options(pair)), (error) => {
        assert.ok(error instanceof TidegateError);
        assert.equal(error.code, 'config_invalid');
        assert.match(error.message, /^http\.tls\.cert and http\.tls\.key cannot be used: /);
        return true;
      });
    }
  });

  test('a renewed certificate is shown to new connections, a broken one never', async () => {
    await using certificates = await makeCertificates();
    const folder = await mkdtemp(join(tmpdir(), 'tidegate-test-'));
    const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
    const replace = async ({ certPath, keyPath }: KeyPair) => {
      await Promise.all([copyFile(certPath, files.cert), copyFile(keyPath, files.key)]);
    };
    await replace(certificates.server);
    const logged: string[] = [];
    const log = (_fields: object, message: string) => void logged.push(message);
    const certificate = new Certificate(files, { debug: log, info: log, warn: log, error: log }, 5);
    const server = createServer(certificate.load()).listen(0, '127.0.0.1');
    certificate.follow(server);
    await once(server, 'listening');
    const shown = async (): Promise<string> => {
      const { port } = server.address() as { port: number };
      const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
      await once(socket, 'secureConnect');
      const { CN } = socket.getPeerCertificate().subject;
      socket.destroy();
      return String(CN);
    };
    try {
      assert.equal(await shown(), 'server');
      for (const half of [files.key, files.cert]) {
        const told = logged.length;
        await writeFile(half, '');
        await eventually('the broken one is told', () => logged.length > told);
        assert.equal(await shown(), 'server');
      }
      await replace(certificates.stranger);
      await eventually('the new one is shown', async () => (await shown()) === 'stranger');
      assert.ok(logged.includes('HTTP shows a new certificate'));
    } finally {
      certificate.stop();
      server.close();
      await rm(folder, { recursive: true });
    }
  });

  test('status knows the daemon of its configuration by its certificate, and no other', async () => {
    await using certificates = await makeCertificates();
    const tokens = [token('test', 'letmein', 'read')];
    const server = await createHttpServer(options(certificates.server, { tokens }));
    const { url } = await server.listen();
    const status = (pair: KeyPair) =>
      runCommand(addStatus, ['status'], {
        env: {
          TIDEGATE_TOKEN: 'letmein',
          TIDEGATE_HTTP_HOST: '127.0.0.1',
          TIDEGATE_HTTP_PORT: new URL(url).port,
          TIDEGATE_HTTP_TLS_CERT: pair.certPath,
          TIDEGATE_HTTP_TLS_KEY: pair.keyPath,
        },
      });
    try {
      const known = status(certificates.server);
      assert.equal(await known.ended, 0, known.stderr());
      assert.match(known.stdout(), /^ready at https:\/\/127\.0\.0\.1:\d+\//);
      // What signed it is no more trusted here than anybody else.
      for (const pair of [certificates.client, certificates.authority]) {
        const other = status(pair);
        assert.equal(await other.ended, 1);
        assert.match(other.stderr(), /daemon_unavailable: https:.*certificate/);
      }
    } finally {
      await server.close();
    }
  });
});
