import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LogLimit } from '../../../src/telemetry/log-limit.ts';

test('the first passes at once, the next with what was held back', () => {
  let now = 0;
  const limit = new LogLimit(10_000, () => now);
  assert.equal(limit.pass('a', 1), 1);
  now = 9_999;
  assert.equal(limit.pass('a', 2), 0);
  assert.equal(limit.pass('b', 4), 4);
  now = 10_000;
  assert.equal(limit.pass('a', 3), 5);
  now = 19_999;
  assert.equal(limit.pass('a', 1), 0);
});
