import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildApplication } from '../../../src/http/application.ts';
import { httpOptions } from '../../support/http-ports.ts';

const HEADERS = { host: 'localhost:8001' };

test('/docs and all that it loads come from here, under a policy that lets nothing else in', async () => {
  const app = await buildApplication(httpOptions());
  for (const start of ['/docs', '/docs/']) {
    const page = await app.inject({ url: start, headers: HEADERS });
    assert.equal(page.statusCode, 200);
    assert.match(String(page.headers['content-type']), /^text\/html/);
    const policy = String(page.headers['content-security-policy']);
    assert.match(policy, /default-src 'none'/);
    for (const kind of ['script', 'style', 'connect'])
      assert.match(policy, new RegExp(`${kind}-src 'self';`));
    assert.doesNotMatch(policy, /unsafe|https?:|\*/);
    assert.equal(page.headers['x-content-type-options'], 'nosniff');
    const loaded = Array.from(
      page.body.matchAll(/(?:src|href)="([^"]+)"/g),
      ([, target]) => target as string,
    );
    assert.ok(loaded.length >= 4);
    // What the policy forbids: scripts and styles in the page itself.
    assert.doesNotMatch(page.body, /<style|<script(?![^>]*src=)|\bon\w+=|\bstyle=/);
    for (const target of loaded) {
      const { pathname, host } = new URL(target, `http://localhost:8001${start}`);
      assert.equal(host, 'localhost:8001', target);
      const file = await app.inject({ url: pathname, headers: HEADERS });
      assert.equal(file.statusCode, 200, pathname);
      if (/\.(js|css)$/.test(pathname)) assert.match(String(file.headers['content-type']), /javascript|css/);
    }
  }
});

test('the page shows this description, and asks no validator elsewhere', async () => {
  const app = await buildApplication(httpOptions());
  const { body } = await app.inject({ url: '/docs/static/swagger-initializer.js', headers: HEADERS });
  assert.match(body, /url: resolveUrl\('\.\/json'\)/);
  assert.match(body, /validatorUrl: null/);
});

test('paths out of its folder lead nowhere', async () => {
  const app = await buildApplication(httpOptions());
  for (const path of [
    '/docs/static/../../package.json',
    '/docs/static/%2e%2e/package.json',
    '/docs/static/..%2fpackage.json',
    '/docs/static/..%5cpackage.json',
    '/docs/static/%00',
    '/docs/static//etc/passwd',
  ]) {
    const response = await app.inject({ url: path, headers: HEADERS });
    assert.ok(response.statusCode >= 400 && response.statusCode < 500, `${path}: ${response.statusCode}`);
    assert.equal(response.json<{ status: number }>().status, response.statusCode, path);
  }
});

test('a page of another site gets neither', async () => {
  const app = await buildApplication(httpOptions());
  for (const url of ['/docs', '/openapi.json', '/docs/static/swagger-ui.css']) {
    const response = await app.inject({ url, headers: { host: 'evil.example' } });
    assert.equal(response.statusCode, 403, url);
  }
});
