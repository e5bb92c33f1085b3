import assert from 'node:assert/strict';
import { test } from 'node:test';
import { carriedToken, foreignHeader, isLoopback } from '../../../src/http/guard.ts';
import { TOKEN, TOKENS } from '../../support/http-ports.ts';

test('loopback is what only this machine can reach', () => {
  for (const host of ['localhost', '127.0.0.1', '127.8.9.1', '::1']) assert.ok(isLoopback(host), host);
  for (const host of ['0.0.0.0', '::', '10.0.0.1', 'localhost.example', '127.0.0.1.example', '']) {
    assert.ok(!isLoopback(host), host);
  }
});

test('a Host of this machine passes with any port, every other is foreign', () => {
  for (const host of ['localhost', 'LOCALHOST:80', '127.0.0.1:8001', '127.0.0.2', '[::1]', '[::1]:8001']) {
    assert.equal(foreignHeader({ host }), null, host);
  }
  const foreign = [
    'evil.example',
    'localhost.evil.example',
    'evil.example:8001',
    '127.0.0.1.evil.example',
    'x@localhost',
  ];
  for (const host of [...foreign, '', '192.168.1.4:8001', '::1', 'localhost:8001:1']) {
    assert.equal(foreignHeader({ host }), 'Host', host);
  }
  assert.equal(foreignHeader({}), 'Host');
});

test('an Origin of this machine or none passes, every other is foreign', () => {
  const host = 'localhost:8001';
  for (const origin of ['http://localhost:8001', 'http://127.0.0.1:3000', 'https://[::1]']) {
    assert.equal(foreignHeader({ host, origin }), null, origin);
  }
  for (const origin of [
    'https://evil.example',
    'null',
    'http://localhost.evil.example',
    'file://localhost',
    '',
  ]) {
    assert.equal(foreignHeader({ host, origin }), 'Origin', origin);
  }
});

test('each of the tokens is taken, anything else is not', () => {
  for (const authorization of [`Bearer ${TOKEN}`, `bearer  ${TOKEN} `, 'Bearer another']) {
    assert.ok(carriedToken(authorization, TOKENS) !== null, authorization);
  }
  const refused = ['', 'Bearer', 'Bearer ', TOKEN, `Basic ${TOKEN}`, `Bearer ${TOKEN}x`, `Bearer ${TOKEN} x`];
  for (const authorization of [undefined, ...refused, `Bearer ${TOKENS[1]?.sha256}`]) {
    assert.equal(carriedToken(authorization, TOKENS), null, authorization);
  }
  assert.equal(carriedToken(`Bearer ${TOKEN}`, []), null);
});

test('a token that is configured badly, or as the digest of nothing, lets nobody in', () => {
  const nothing = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
  for (const sha256 of ['', 'zz', nothing]) {
    for (const authorization of ['Bearer ', 'Bearer zz', undefined]) {
      assert.equal(carriedToken(authorization, [{ name: 'bad', sha256, scope: 'read', devices: [] }]), null);
    }
  }
});
