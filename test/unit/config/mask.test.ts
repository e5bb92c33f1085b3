import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { showValue } from '../../../src/config/mask.ts';
import { maskUrl } from '../../../src/mask.ts';

test('a password is masked whatever characters it has, encoded or not', () => {
  fc.assert(
    fc.property(fc.string(), fc.constantFrom('user', '', 'me@home'), (password, user) => {
      assert.equal(maskUrl(`mqtt://${user}:${password}@host:1883/x`), `mqtt://${user}:***@host:1883/x`);
    }),
  );
});

test('a URL without a password stays as it is', () => {
  for (const url of [
    'mqtt://host:1883',
    'mqtt://user@host:1883',
    'postgres:///db?host=/run',
    'ws://[::1]:9001/mqtt',
  ]) {
    assert.equal(maskUrl(url), url);
  }
});

test('passwords in the query are masked', () => {
  assert.equal(
    maskUrl('postgres://host/db?user=me&password=hunter2&sslpassword=x#y'),
    'postgres://host/db?user=me&password=***&sslpassword=***#y',
  );
});

test('a secret is shown masked, of URLs only the password', () => {
  assert.equal(showValue('hunter2', true), '***');
  assert.equal(showValue({ a: 'hunter2' }, true), '***');
  assert.equal(showValue(['mqtt://a:b@c', 'hunter2'], true), '["mqtt://a:***@c", ***]');
  assert.equal(showValue('plain', false), '"plain"');
  assert.equal(showValue('x'.repeat(200), false).length, 103);
});
