import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refusalOf } from '../../../src/pipeline/admission.ts';
import { DAY, NEW_YEAR, SECOND } from './messages.ts';

const ADMISSION = { maxFuture: SECOND, maxAge: DAY };

test('takes what lies within both bounds, the bounds included', () => {
  for (const timestamp of [NEW_YEAR + SECOND, NEW_YEAR, NEW_YEAR - DAY]) {
    assert.equal(refusalOf(timestamp, NEW_YEAR, ADMISSION), null);
  }
});

test('names the time that is refused', () => {
  assert.deepEqual(refusalOf(NEW_YEAR + SECOND + 1, NEW_YEAR, ADMISSION), {
    code: 'timestamp_in_future',
    detail: '2026-01-01T00:00:01.000Z is ahead of the arrival',
  });
  assert.deepEqual(refusalOf(NEW_YEAR - DAY - 1, NEW_YEAR, ADMISSION), {
    code: 'timestamp_too_old',
    detail: '2025-12-30T23:59:59.999Z is too far behind the arrival',
  });
});

test('without a maximum age the oldest point is taken', () => {
  const unbounded = { maxFuture: 0, maxAge: Number.POSITIVE_INFINITY };
  assert.equal(refusalOf(-9e15, NEW_YEAR, unbounded), null);
});
