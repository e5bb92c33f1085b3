import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backoffDelay } from '../../../src/mqtt/backoff.ts';

const limits = { minimumMs: 1_000, maximumMs: 60_000 };

test('doubles from the minimum to the maximum', () => {
  const delays = Array.from({ length: 9 }, (_, attempt) => backoffDelay(attempt, limits, () => 1));
  assert.deepEqual(delays, [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]);
  assert.equal(
    backoffDelay(5_000, limits, () => 1),
    60_000,
  );
});

test('takes between half and all of it by chance', () => {
  assert.equal(
    backoffDelay(2, limits, () => 0),
    2_000,
  );
  assert.equal(
    backoffDelay(2, limits, () => 0.5),
    3_000,
  );
});
