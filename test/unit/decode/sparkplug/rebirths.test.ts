import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Rebirths } from '../../../../src/decode/sparkplug/rebirths.ts';

test('an edge node is asked once in an interval, and ever more seldom where that does not help', () => {
  const rebirths = new Rebirths(10);
  const asked = Array.from({ length: 100 }, (_, now) => now).filter(
    (now) => rebirths.due(['a'], now).length > 0,
  );
  assert.deepEqual(asked, [0, 10, 30, 70]);
});

test('one that was well for long enough begins anew', () => {
  const rebirths = new Rebirths(10);
  assert.deepEqual(rebirths.due(['a'], 0), ['a']);
  assert.deepEqual(rebirths.due([], 5), []);
  assert.deepEqual(rebirths.due(['a'], 9), []);
  assert.deepEqual(rebirths.due([], 20), []);
  assert.deepEqual(rebirths.due(['a'], 21), ['a']);
  assert.deepEqual(rebirths.due(['a'], 31), ['a']);
});

test('not all of them at once', () => {
  const rebirths = new Rebirths(1_000);
  const edges = Array.from({ length: 25 }, (_, index) => `edge ${index}`);
  const counts = [0, 1, 2, 3].map((now) => rebirths.due(edges, now).length);
  assert.deepEqual(counts, [10, 10, 5, 0]);
});
