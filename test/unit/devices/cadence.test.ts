import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { cadenceOf, INTERVALS, medianOf } from '../../../src/devices/cadence.ts';

const of = (...intervals: number[]) => cadenceOf(Float32Array.from(intervals));

test('below seven intervals nothing is known', () => {
  assert.equal(of(), null);
  assert.equal(of(1, 1, 1, 1, 1, 1), null);
  assert.equal(of(1, 1, 1, 1, 1, 1, 1), 1);
});

test('a lost message, or a night of silence, does not move it', () => {
  assert.equal(of(60, 60, 120, 60, 60, 120, 60), 60);
  assert.equal(of(60, 60, 60, 60, 40_000, 60, 60), 60);
});

test('a device that wakes to send several messages is expected when it wakes', () => {
  assert.equal(of(2, 2, 2, 3_600, 2, 2, 2, 3_600, 2, 2, 2, 3_500), 3_600);
});

test('a slower rhythm is known after the second long interval', () => {
  assert.equal(of(...Array<number>(14).fill(60), 3_600, 3_600), 3_600);
});

test('property: the cadence of a device with up to 20 % of jitter is learned within 20 %', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 1, max: 86_400, noNaN: true }),
      fc.array(fc.double({ min: -0.2, max: 0.2, noNaN: true }), { minLength: 7, maxLength: INTERVALS }),
      (period, jitter) => {
        const cadence = of(...jitter.map((part) => period * (1 + part))) as number;
        assert.ok(Math.abs(cadence / period - 1) <= 0.2001, `${cadence} of ${period}`);
      },
    ),
  );
});

test('property: with any intervals it is one of them, or lies between the middle two, and grows with all of them', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 1, max: 1e6, noNaN: true }), { minLength: 7, maxLength: INTERVALS }),
      fc.double({ min: 1, max: 100, noNaN: true }),
      (intervals, factor) => {
        const cadence = of(...intervals) as number;
        assert.ok(
          cadence >= Math.fround(Math.min(...intervals)) && cadence <= Math.fround(Math.max(...intervals)),
        );
        const longer = of(...intervals.map((interval) => interval * factor)) as number;
        assert.ok(longer >= cadence * 0.999);
      },
    ),
  );
});

test('the median of none is not known', () => {
  assert.equal(medianOf(new Float32Array(0)), null);
  assert.equal(medianOf(Float32Array.of(3, 1, 2)), 2);
  assert.equal(medianOf(Float32Array.of(4, 1, 2, 3)), 2.5);
});
