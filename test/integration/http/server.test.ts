import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { TidegateError } from '../../../src/errors.ts';
import { createHttpServer, type HttpOptions } from '../../../src/http/server.ts';
import { eventually } from '../../support/eventually.ts';
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

/** Sends bytes to a server of these options and resolves to what comes until it closes the connection. */
async function exchange(bytes: string, over: Partial<HttpOptions> = {}): Promise<string> {
  const { url, close } = await listening(over);
  try {
    const client = connect(Number(new URL(url).port), '127.0.0.1');
    let answer = '';
    client.setEncoding('utf8').on('data', (text: string) => (answer += text));
    // It may be closed before all is sent.
    client.on('error', () => undefined);
    client.write(bytes);
    await new Promise((resolve) => client.once('close', resolve));
    return answer;
  } finally {
    await close();
  }
}

async function listening(over: Partial<HttpOptions>): Promise<{ url: string; close: () => Promise<void> }> {
  const server = await createHttpServer(options(over));
  const { url } = await server.listen();
  return { url, close: () => server.close() };
}

function problemIn(answer: string): object {
  assert.match(answer, /\r\ncontent-type: application\/problem\+json/);
  return JSON.parse(answer.slice(answer.indexOf('\r\n\r\n'))) as object;
}

const HEAD = 'POST /api/dead-letters/drop HTTP/1.1\r\nHost: localhost\r\n';

test('a client that sends its request drop by drop is let go', async () => {
  for (const slow of [HEAD, `${HEAD}content-type: application/json\r\ncontent-length: 100\r\n\r\n{`]) {
    const answer = await exchange(slow, { requestTimeout: 100 });
    assert.match(answer, /^HTTP\/1\.1 408 Request Timeout\r\n/);
    assert.match(JSON.stringify(problemIn(answer)), /"status":408.*http\.request_timeout/);
  }
});

test('a connection that sends nothing is let go too', async () => {
  assert.match(await exchange('', { requestTimeout: 100 }), /^HTTP\/1\.1 408 /);
});

test('connections beyond the bound are closed, and one that ends makes room for another', async () => {
  const logged: object[] = [];
  const { url, close } = await listening({ ...httpOptions({ maxConnections: 2 }, logged) });
  const port = Number(new URL(url).port);
  const opened = async () => {
    const client = connect(port, '127.0.0.1');
    client.on('error', () => undefined);
    client.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n');
    const [answer] = await Promise.race([once(client, 'data'), once(client, 'close').then(() => [null])]);
    return { client, answer: answer === null ? null : String(answer) };
  };
  const [first, second] = [await opened(), await opened()];
  assert.match(String(second.answer), /^HTTP\/1\.1 200 /);
  assert.equal((await opened()).answer, null);
  assert.equal((await opened()).answer, null);
  assert.deepEqual(
    logged.filter((fields) => 'dropped' in fields),
    [{ dropped: 1, limit: 2 }],
  );
  first.client.destroy();
  await eventually('there is room', async () => (await opened()).answer !== null);
  second.client.destroy();
  await close();
});

test('a request that is none, or has endless headers, is told so', async () => {
  assert.match(JSON.stringify(problemIn(await exchange('\x16\x03\x01\r\n\r\n'))), /"status":400/);
  const endless = `${HEAD}x-a: ${'a'.repeat(20_000)}\r\n\r\n`;
  assert.match(JSON.stringify(problemIn(await exchange(endless))), /"status":431/);
  const path = `GET /api/devices?match=${'a'.repeat(10_000_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
  assert.match(await exchange(path), /^(HTTP\/1\.1 431 |$)/);
});

test('a body that is too large is a 413, said or not said beforehand', async () => {
  const json = JSON.stringify({ topic: 'x'.repeat(3_000) });
  const head = `${HEAD}content-type: application/json\r\nconnection: close\r\n`;
  for (const request of [
    `${head}content-length: ${json.length}\r\n\r\n${json}`,
    `${head}transfer-encoding: chunked\r\n\r\n${json.length.toString(16)}\r\n${json}\r\n0\r\n\r\n`,
  ]) {
    const answer = await exchange(request, { maxBody: 2_000 });
    assert.match(answer, /^HTTP\/1\.1 413 /);
    assert.match(JSON.stringify(problemIn(answer)), /"status":413/);
    assert.match(await exchange(request, { maxBody: 4_000 }), /^HTTP\/1\.1 200 /);
  }
});
