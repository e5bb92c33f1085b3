import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { TidegateError } from '../../../src/errors.ts';
import { createHttpServer, type HttpOptions } from '../../../src/http/server.ts';
import { httpOptions, STATS, TOKENS } from '../../support/http-ports.ts';

function options(over: Partial<HttpOptions> = {}): HttpOptions {
  return { ...httpOptions(), port: 0, allowAnonymous: false, ...over };
}

test('answers on the port that it names, until it is closed', async () => {
  const server = await createHttpServer(options());
  const { url } = await server.listen();
  assert.match(url, /^http:\/\/127\.0\.0\.1:\d+$/);
  assert.deepEqual(await (await fetch(`${url}/api/stats/ingest`)).json(), STATS);
  await server.close();
  await assert.rejects(fetch(url));
});

test('a port in use is named in a clear error', async () => {
  const first = await createHttpServer(options());
  const { url } = await first.listen();
  const second = await createHttpServer(options({ port: Number(new URL(url).port) }));
  await assert.rejects(second.listen(), (error) => {
    assert.ok(error instanceof TidegateError);
    assert.equal(error.code, 'http_unavailable');
    assert.match(error.message, /127\.0\.0\.1:\d+.*EADDRINUSE/);
    return true;
  });
  await first.close();
});

test('a client that never finishes its request does not hold up the end', async () => {
  const server = await createHttpServer(options());
  const { url } = await server.listen();
  const client = connect(Number(new URL(url).port), '127.0.0.1');
  client.on('error', () => undefined);
  await once(client, 'connect');
  client.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET /healthz HTTP/1.1\r\nHost: local');
  await once(client, 'data');
  await server.close();
});

test('is not open to the network unless somebody says so', async () => {
  const open = { host: '0.0.0.0' };
  await assert.rejects(createHttpServer(options(open)), (error) => {
    assert.ok(error instanceof TidegateError);
    assert.equal(error.code, 'config_invalid');
    return true;
  });
  await createHttpServer(options({ ...open, tokens: TOKENS }));
  await createHttpServer(options({ ...open, allowAnonymous: true }));
});
