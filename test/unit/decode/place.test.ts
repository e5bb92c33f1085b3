import assert from 'node:assert/strict';
import { test } from 'node:test';
import { excerpt, pathStep, rejectionDetail } from '../../../src/decode/place.ts';

test('A key is a step of a path, quoted where it must be', () => {
  assert.equal(pathStep('switch:0.output'), '.switch:0.output');
  assert.equal(pathStep('Küche'), '.Küche');
  assert.equal(pathStep('a key'), '["a key"]');
  assert.equal(pathStep('\ud800'), '["\\ud800"]');
  assert.ok(pathStep('x'.repeat(1_000_000)).length < 60);
});

test('An excerpt is short', () => {
  assert.equal(excerpt('on'), '"on"');
  assert.equal(excerpt('x'.repeat(41)), `"${'x'.repeat(40)}..."`);
  assert.equal(excerpt([1, 2]), 'an array of 2');
  assert.equal(excerpt({ a: 1 }), 'an object');
  assert.equal(excerpt(undefined), 'missing');
  assert.equal(excerpt(null), 'null');
  assert.equal(excerpt(5n), '5');
});

test('A detail is one short line that PostgreSQL can store', () => {
  assert.equal(rejectionDetail('a\0b\nc\ud800'), 'a\\x00b\\x0ac\ufffd');
  assert.equal(rejectionDetail('\0'.repeat(300)).length, 300);
});
