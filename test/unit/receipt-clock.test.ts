import assert from 'node:assert/strict';
import { test } from 'node:test';
import { arrivalOf, receiptClock } from '../../src/receipt-clock.ts';

test('messages within one millisecond follow each other; the next one begins anew, also where the clock is set back', () => {
  const read = [7, 7, 7, 8, 8, 5, 5, 6];
  const now = receiptClock(() => read.shift() ?? 0);
  assert.deepEqual(
    Array.from({ length: 8 }, () => now()),
    [7000, 7002, 7004, 8000, 8002, 5000, 5002, 6000],
  );
});

test('never goes into a millisecond that is still to come', () => {
  const now = receiptClock(() => 7);
  const times = Array.from({ length: 600 }, () => now());
  assert.equal(times[499], 7998);
  assert.equal(Math.max(...times), 7998);
});

test('points without a time of their own have the milliseconds of the clock', () => {
  assert.equal(arrivalOf(7_000), 7_000);
  assert.equal(arrivalOf(7_998), 7_000);
});
