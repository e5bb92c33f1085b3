import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Sequence } from '../../../../src/decode/sparkplug/sequence.ts';

test('numbers go from 0 to 255 and on from 0', () => {
  const sequence = new Sequence();
  sequence.begin(0);
  for (let message = 1; message < 1_000; message++) assert.equal(sequence.take(message % 256, message), true);
  assert.equal(sequence.giveUp(1e9, 1), 0);
});

test('whatever the order within the patience, nothing is missing', () => {
  fc.assert(
    fc.property(fc.shuffledSubarray([1, 2, 3, 4, 5, 6, 7, 8], { minLength: 8 }), (order) => {
      const sequence = new Sequence();
      sequence.begin(0);
      for (const number of order) sequence.take(number, 0);
      assert.equal(sequence.giveUp(1e9, 1), 0);
      assert.equal(sequence.take(9, 0), true);
    }),
  );
});

test('what is missing after the patience is counted once', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 255 }), fc.subarray([2, 3, 4, 5, 6, 7]), (first, lost) => {
      const sequence = new Sequence();
      sequence.begin(first);
      for (let step = 1; step <= 8; step++) if (!lost.includes(step)) sequence.take((first + step) % 256, 0);
      assert.equal(sequence.giveUp(99, 100), 0);
      assert.equal(sequence.giveUp(100, 100), lost.length);
      assert.equal(sequence.giveUp(1_000, 100), 0);
      assert.equal(sequence.take((first + 9) % 256, 1_000), true);
    }),
  );
});

test('what comes late or twice is no gap', () => {
  const sequence = new Sequence();
  sequence.begin(10);
  assert.equal(sequence.take(11, 0), true);
  assert.equal(sequence.take(11, 0), false);
  assert.equal(sequence.take(5, 0), false);
  assert.equal(sequence.take(12, 0), true);
  assert.equal(sequence.giveUp(1e9, 1), 0);
});
