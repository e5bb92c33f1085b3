import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InjectOptions } from 'fastify';
import { buildApplication } from '../../../src/http/application.ts';
import { httpOptions, token } from '../../support/http-ports.ts';
import { routesOf } from '../../support/routes.ts';

type Over = Parameters<typeof httpOptions>[0];

const TOKENS = [
  token('viewer', 'reads', 'read'),
  token('boss', 'orders', 'operator'),
  token('limited', 'some', 'operator', ['d1']),
];
const SITE = 'https://dashboard.example.com';

const HEALTH: ReadonlySet<string> = new Set(['GET /healthz', 'GET /readyz']);
/** Routes that need no token: they tell nothing that is secret. */
const OPEN: ReadonlySet<string> = new Set([...HEALTH, 'GET /openapi.json', 'GET /docs', 'GET /docs/*']);
/** Routes whose answers keep to the devices of a token; test/integration/http/devices-of-tokens.test.ts looks at them. */
const BY_DEVICE: ReadonlySet<string> = new Set([
  'GET /api/devices',
  'GET /api/devices/:device_id',
  'GET /api/devices/:device_id/metrics',
  'GET /api/devices/:device_id/anomaly',
  'GET /api/metrics',
  'GET /api/anomaly',
  'GET /api/latest',
  'GET /api/live',
  'POST /api/explain',
]);

async function application(over: Over = {}) {
  const app = await buildApplication(httpOptions(over));
  const ask = async (options: InjectOptions) =>
    await app.inject({ ...options, headers: { host: 'localhost', ...options.headers } });
  // What lies below the page of the description is the plugin's matter.
  return { app, ask, routes: routesOf(app).filter(({ path }) => path !== '/docs*') };
}

/** A request that a route takes as far as its gate. */
function request(route: { readonly method: string; readonly path: string }, secret?: string): InjectOptions {
  return {
    method: route.method,
    url: route.path.replaceAll(/:\w+/g, '1').replaceAll('*', 'x'),
    headers: secret === undefined ? {} : { authorization: `Bearer ${secret}` },
  };
}

function named({ method, path }: { readonly method: string; readonly path: string }): string {
  return `${method} ${path.replace(/^\/api\/v1\//, '/api/')}`;
}

test('every route wants a token, but for health and the description', async () => {
  const { ask, routes } = await application({ tokens: TOKENS });
  assert.ok(routes.length > 20, JSON.stringify(routes));
  for (const route of routes) {
    const { statusCode, headers } = await ask(request(route));
    assert.equal(statusCode === 401, !OPEN.has(named(route)), `${named(route)}: ${statusCode}`);
    if (statusCode === 401) assert.match(String(headers['www-authenticate']), /^Bearer /);
    assert.equal((await ask(request(route, 'guessed'))).statusCode === 401, !OPEN.has(named(route)));
  }
});

test('no route but those that are known to keep to its devices takes a limited token', async () => {
  const { ask, routes } = await application({ tokens: TOKENS });
  const taken = new Set<string>();
  for (const route of routes) {
    const { statusCode, body } = await ask(request(route, 'some'));
    if (OPEN.has(named(route))) continue;
    if (statusCode === 403) assert.match(body, /sees some devices only/, named(route));
    else taken.add(named(route));
  }
  assert.deepEqual(taken, BY_DEVICE);
});

test('health is open to all, its reasons to those who may see everything', async () => {
  const reason = 'connect ECONNREFUSED 10.0.0.5:5432';
  const ready = () => ({ ready: false, checks: { database: { ok: false, detail: reason } } });
  const { ask } = await application({ tokens: TOKENS, ports: { ready } });
  for (const [secret, told] of [
    [undefined, false],
    ['guessed', false],
    ['some', false],
    ['reads', true],
  ] as const) {
    const { statusCode, body } = await ask(request({ method: 'GET', path: '/readyz' }, secret));
    assert.deepEqual([statusCode, body.includes(reason)], [503, told], `${secret}: ${body}`);
  }
});

test('every order wants the scope operator', async () => {
  const { ask, routes } = await application({ tokens: TOKENS });
  const orders = routes.filter(({ method }) => method !== 'GET');
  assert.ok(orders.length >= 12);
  for (const route of orders) {
    const { statusCode } = await ask(request(route, 'reads'));
    assert.equal(statusCode === 403, named(route) !== 'POST /api/explain', named(route));
    assert.notEqual((await ask(request(route, 'orders'))).statusCode, 403, named(route));
  }
});

test('what is not there is a 404 to any token', async () => {
  const { ask } = await application({ tokens: TOKENS });
  for (const secret of ['reads', 'orders', 'some']) {
    for (const method of ['GET', 'DELETE']) {
      assert.equal((await ask(request({ method, path: '/nowhere' }, secret))).statusCode, 404);
    }
  }
  assert.equal((await ask(request({ method: 'GET', path: '/nowhere' }))).statusCode, 401);
});

test('too many requests of a client are told when to come again, on every route but health', async () => {
  let now = 0;
  const { ask, routes } = await application({ tokens: TOKENS, rateLimit: 2, now: () => now });
  for (const secret of ['reads', 'reads']) {
    assert.equal((await ask(request({ method: 'GET', path: '/api/devices' }, secret))).statusCode, 200);
  }
  for (const route of routes) {
    const { statusCode, headers, body } = await ask(request(route, 'reads'));
    assert.equal(statusCode === 429, !HEALTH.has(named(route)), `${named(route)}: ${statusCode}`);
    if (statusCode !== 429) continue;
    assert.equal(headers['retry-after'], '30');
    assert.match(String(headers['content-type']), /^application\/problem\+json/);
    assert.match(body, /http\.rate_limit/);
  }
  const again = { method: 'GET', path: '/api/devices' };
  now = 29_999;
  assert.equal((await ask(request(again, 'reads'))).statusCode, 429);
  now = 30_000;
  assert.equal((await ask(request(again, 'reads'))).statusCode, 200);
  const others = { method: 'GET', path: '/api/devices' };
  assert.equal((await ask(request(others, 'orders'))).statusCode, 200);
  for (const status of [401, 401, 429]) {
    assert.equal((await ask(request(others, 'guessed'))).statusCode, status, 'guessing is limited too');
  }
});

test('without tokens an address is a client', async () => {
  const { ask } = await application({ rateLimit: 1, now: () => 0 });
  const from = (remoteAddress: string) => ({ url: '/api/devices', remoteAddress });
  assert.equal((await ask(from('192.0.2.1'))).statusCode, 200);
  assert.equal((await ask(from('192.0.2.1'))).statusCode, 429);
  assert.equal((await ask(from('192.0.2.2'))).statusCode, 200);
});

test('no page of another site may read an answer, by default', async () => {
  for (const host of ['127.0.0.1', '192.0.2.1']) {
    const { ask } = await application({ host, tokens: TOKENS });
    for (const method of ['GET', 'OPTIONS'] as const) {
      const headers = { origin: SITE, 'access-control-request-method': 'GET' };
      const answer = await ask({ method, url: '/api/devices', headers });
      assert.notEqual(answer.statusCode, 204);
      assert.deepEqual(
        Object.keys(answer.headers).filter((name) => name.startsWith('access-control')),
        [],
      );
      assert.equal(answer.headers['cross-origin-resource-policy'], 'same-origin');
    }
  }
});

test('pages of an allowed origin may ask, with a token, and only they', async () => {
  for (const host of ['127.0.0.1', '192.0.2.1']) {
    const { ask } = await application({ host, tokens: TOKENS, origins: [SITE] });
    const preflight = await ask({
      method: 'OPTIONS',
      url: '/api/devices',
      headers: { origin: SITE, 'access-control-request-method': 'GET' },
    });
    assert.equal(preflight.statusCode, 204);
    assert.equal(preflight.headers['access-control-allow-origin'], SITE);
    assert.match(String(preflight.headers['access-control-allow-headers']), /Authorization/);
    assert.equal((await ask({ url: '/api/devices', headers: { origin: SITE } })).statusCode, 401);
    const headers = { origin: SITE, authorization: 'Bearer reads' };
    const answer = await ask({ url: '/api/devices', headers });
    assert.equal(answer.statusCode, 200);
    assert.equal(answer.headers['access-control-allow-origin'], SITE);
    assert.equal(answer.headers['access-control-allow-credentials'], undefined);
    const stranger = await ask({
      url: '/api/devices',
      headers: { ...headers, origin: `${SITE}.evil.example` },
    });
    assert.equal(stranger.headers['access-control-allow-origin'], undefined);
    assert.equal(stranger.headers.vary, 'Origin');
    assert.equal(stranger.statusCode, host === '127.0.0.1' ? 403 : 200);
  }
});

test('a name that leads here is refused on loopback, also from an allowed origin', async () => {
  const { ask } = await application({ origins: [SITE] });
  const headers = { host: 'rebound.example.com', origin: SITE };
  assert.equal((await ask({ url: '/api/devices', headers })).statusCode, 403);
});
