import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isoOf } from '../../src/iso-time.ts';

test('a time has six digits, whichever side of 1970 it lies on', () => {
  assert.equal(isoOf(1_704_067_200_000_007), '2024-01-01T00:00:00.000007Z');
  assert.equal(isoOf(0), '1970-01-01T00:00:00.000000Z');
  assert.equal(isoOf(-1), '1969-12-31T23:59:59.999999Z');
});
