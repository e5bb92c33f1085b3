import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InjectOptions } from 'fastify';
import { TidegateError } from '../../../src/errors.ts';
import { buildApplication } from '../../../src/http/application.ts';
import { httpOptions, STATS, TOKEN, TOKENS } from '../../support/http-ports.ts';

async function ask(
  request: string | InjectOptions,
  over: Parameters<typeof httpOptions>[0] = {},
  logged: object[] = [],
) {
  const app = await buildApplication(httpOptions(over, logged));
  const options = typeof request === 'string' ? { url: request } : request;
  return app.inject({ ...options, headers: { host: 'localhost:8001', ...options.headers } });
}

function assertProblem(response: Awaited<ReturnType<typeof ask>>, status: number): void {
  assert.equal(response.statusCode, status);
  assert.match(String(response.headers['content-type']), /^application\/problem\+json/);
  const problem: Record<string, unknown> = response.json();
  assert.deepEqual(Object.keys(problem).toSorted(), ['detail', 'error', 'status', 'title', 'type']);
  assert.equal(problem['type'], 'about:blank');
  assert.equal(problem['status'], status);
  assert.equal(problem['error'], problem['detail']);
}

test('/healthz says that the process answers', async () => {
  const response = await ask('/healthz');
  assert.equal(response.statusCode, 200);
  assert.deepEqual(response.json(), { status: 'ok' });
});

test('/readyz answers 200 or 503, with every check by name', async () => {
  assert.equal((await ask('/readyz')).statusCode, 200);
  const readiness = {
    ready: false,
    checks: {
      broker: { ok: true, detail: 'subscribed' },
      database: { ok: false, detail: 'does not answer' },
    },
  };
  const response = await ask('/readyz', { ports: { ready: () => readiness } });
  assert.equal(response.statusCode, 503);
  assert.deepEqual(response.json(), readiness);
});

test('/metrics answers in the type that the registry names', async () => {
  const response = await ask('/metrics');
  assert.equal(response.body, 'tidegate_balanced 1\n');
  assert.match(String(response.headers['content-type']), /^text\/plain; version=0\.0\.4/);
});

test('the balance sheet is there under both paths, number for number', async () => {
  for (const url of ['/api/stats/ingest', '/api/v1/stats/ingest']) {
    const response = await ask(url);
    assert.equal(response.statusCode, 200);
    assert.deepEqual(response.json(), STATS);
  }
});

test('every answer carries the security headers', async () => {
  for (const url of ['/healthz', '/metrics', '/nowhere']) {
    const { headers } = await ask(url);
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.equal(headers['cache-control'], 'no-store');
    assert.match(String(headers['content-security-policy']), /default-src 'none'/);
    assert.equal(headers['referrer-policy'], 'no-referrer');
  }
});

test('errors are problem details', async () => {
  assertProblem(await ask('/nowhere'), 404);
  assertProblem(await ask({ method: 'DELETE', url: '/metrics' }), 404);
  assertProblem(await ask('/%zz'), 400);
  const large = { method: 'POST', url: '/nowhere', payload: { text: 'x'.repeat(70_000) } } as const;
  assertProblem(await ask(large), 413);
});

test('a failure inside is logged, and told without its reason', async () => {
  const logged: object[] = [];
  const error = new Error('relation "secret" does not exist');
  const ports = { ingestStats: () => Promise.reject(error) };
  const response = await ask('/api/stats/ingest', { ports }, logged);
  assertProblem(response, 500);
  assert.doesNotMatch(response.body, /secret/);
  assert.deepEqual(logged, [{ error, method: 'GET', url: '/api/stats/ingest' }]);
});

test('a database that is away is a 503 that says when to come back, not where it is', async () => {
  const error = new TidegateError('database_unreachable', '10.1.2.3:5432/iot: connect ECONNREFUSED');
  const response = await ask('/api/stats/ingest', { ports: { ingestStats: () => Promise.reject(error) } });
  assertProblem(response, 503);
  assert.equal(response.headers['retry-after'], '5');
  assert.doesNotMatch(response.body, /10\.1\.2\.3/);
});

test('with tokens, all but health and the description needs one', async () => {
  const authorization = `Bearer ${TOKEN}`;
  for (const url of ['/metrics', '/api/stats/ingest', '/api/v1/stats/ingest']) {
    for (const host of ['127.0.0.1', '0.0.0.0']) {
      const refused = await ask(url, { host, tokens: TOKENS });
      assertProblem(refused, 401);
      assert.match(String(refused.headers['www-authenticate']), /^Bearer/);
      assertProblem(
        await ask({ url, headers: { authorization: 'Bearer no' } }, { host, tokens: TOKENS }),
        401,
      );
      assert.equal(
        (await ask({ url, headers: { authorization } }, { host, tokens: TOKENS })).statusCode,
        200,
      );
    }
  }
  for (const url of ['/healthz', '/readyz', '/openapi.json', '/docs', '/docs/json'])
    assert.equal((await ask(url, { tokens: TOKENS })).statusCode, 200);
  assertProblem(await ask('/nowhere', { tokens: TOKENS }), 401);
});

test('on loopback, what a page of another site makes a browser send is refused', async () => {
  for (const url of [
    '/healthz',
    '/readyz',
    '/metrics',
    '/api/stats/ingest',
    '/api/jobs',
    '/api/jobs/{name}/run',
    '/nowhere',
  ]) {
    assertProblem(await ask({ url, headers: { host: 'evil.example:8001' } }), 403);
    assertProblem(await ask({ url, headers: { origin: 'https://evil.example' } }), 403);
  }
});

test('elsewhere, the server has names that it does not know', async () => {
  const headers = { host: 'tidegate.example', origin: 'https://grafana.example' };
  assert.equal((await ask({ url: '/metrics', headers }, { host: '0.0.0.0' })).statusCode, 200);
});
