import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assert as check, integer, property } from 'fast-check';
import { nextAfterFailure, nextAfterSuccess } from '../../../src/scheduler/wait.ts';

const HOUR = 3_600_000;
const every = integer({ min: 1_000, max: 30 * 24 * HOUR });

test('after success: in step with the start, in at most one interval', () => {
  check(
    property(every, integer({ min: 0, max: 24 * HOUR }), (every, elapsed) => {
      const wait = nextAfterSuccess(every, elapsed);
      assert.ok(wait > 0 && wait <= every);
      assert.equal((elapsed + wait) % every, 0);
    }),
  );
});

test('after failures: longer and longer, up to the longer of an interval and an hour', () => {
  check(
    property(every, integer({ min: 1, max: 5_000 }), (every, failures) => {
      const wait = nextAfterFailure(every, failures);
      assert.ok(wait > 0 && wait <= Math.max(every, HOUR));
      assert.ok(wait >= nextAfterFailure(every, Math.max(1, failures - 1)));
    }),
  );
});

test('a minute, two, four, up to sixteen intervals; a daily job first comes again after a minute', () => {
  const minutes = [1, 2, 3, 4, 5, 6].map((failures) => nextAfterFailure(60_000, failures) / 60_000);
  assert.deepEqual(minutes, [1, 2, 4, 8, 16, 16]);
  assert.equal(nextAfterFailure(24 * HOUR, 1), 60_000);
  assert.equal(nextAfterFailure(24 * HOUR, 30), 24 * HOUR);
});
