import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { cutAtGrid } from '../../../src/segments/grid.ts';
import { decodePoints, encodePoints, MOST_POINTS, type Points } from '../../../src/segments/segment.ts';

const YEAR_1684 = Number.MIN_SAFE_INTEGER;
const YEAR_2255 = Date.UTC(2255, 0, 1) * 1_000;

/** To the bit, in runs. */
function assertComesBack(points: Points): void {
  let row = 0;
  for (const { from, to } of cutAtGrid(points.timestamp)) {
    for (const segment of encodePoints(points, from, to)) {
      assert.ok(segment.length >= 1 && segment.length <= MOST_POINTS);
      const { timestamp, value } = decodePoints(segment);
      for (let index = 0; index < segment.length; index++, row++) {
        assert.equal(timestamp[index], points.timestamp[row]);
        assert.ok(
          Object.is(value[index], points.value[row]),
          `${value[index]} is not ${points.value[row]} in row ${row}`,
        );
      }
    }
  }
  assert.equal(row, points.timestamp.length);
}

/** Any double by its bits; a NaN comes back as the canonical one. */
const anyDouble = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((bits) => {
  const value = new Float64Array(BigUint64Array.of(bits).buffer)[0] as number;
  return Number.isNaN(value) ? Number.NaN : value;
});
const awkward = fc.constantFrom(
  0,
  -0,
  Number.NaN,
  Infinity,
  -Infinity,
  5e-324,
  -5e-324,
  1e308,
  -1e308,
  1.7976931348623157e308,
  2 ** 53,
  2 ** 53 - 1,
  -(2 ** 53),
  2 ** 53 + 2,
  2 ** 63,
  1 / 3,
  0.1 + 0.2,
  1e-15,
  1e15,
  1e140,
  1e141,
);
const decimal = fc
  .tuple(fc.integer({ min: -1_000_000, max: 1_000_000 }), fc.integer({ min: 0, max: 6 }))
  .map(([whole, places]) => whole / 10 ** places);
const valueLists = [
  fc.array(anyDouble, { maxLength: 300 }),
  fc.array(awkward, { maxLength: 300 }),
  fc.array(decimal, { maxLength: 300 }),
  fc.array(fc.oneof({ weight: 20, arbitrary: decimal }, awkward), { maxLength: 300 }),
  fc.array(fc.constantFrom(0, 1), { maxLength: 300 }),
  fc.array(fc.maxSafeInteger(), { maxLength: 300 }),
  fc.array(fc.integer({ min: 2 ** 31, max: 2 ** 31 - 1 + 2 ** 31 }), { maxLength: 300 }),
  fc.tuple(fc.maxSafeInteger(), fc.array(fc.nat(1000), { maxLength: 300 })).map(([start, steps]) => {
    let value = start;
    return steps.map((step) => (value += step));
  }),
];
const gap = fc.oneof(
  fc.constantFrom(1, 1_000, 60_000_000, 1_000_000),
  fc.integer({ min: 1, max: 3_000_000 }),
  fc.integer({ min: 1, max: 10 ** 13 }),
);

suite('segments', () => {
  for (const values of valueLists) {
    test('bring every value and time back to the bit', () => {
      fc.assert(
        fc.property(
          values.chain((list) =>
            fc.record({
              value: fc.constant(list),
              start: fc.integer({ min: YEAR_1684, max: YEAR_2255 - 3 * 10 ** 15 }),
              gaps: fc.oneof(
                fc.array(gap, { minLength: list.length, maxLength: list.length }),
                gap.map((one) => list.map(() => one)),
              ),
            }),
          ),
          ({ value, start, gaps }) => {
            let time = start;
            const timestamp = gaps.map((one) => (time += one));
            assertComesBack({
              timestamp: Float64Array.from(timestamp),
              value: Float64Array.from(value),
            });
          },
        ),
        { numRuns: 200 },
      );
    });
  }

  test('bring points back that are too far apart for one', () => {
    const timestamp = Float64Array.of(YEAR_1684, 0, YEAR_2255);
    const decoded = [...encodePoints({ timestamp, value: Float64Array.of(1, 2, 3) })].map(decodePoints);
    assert.deepEqual(
      decoded.flatMap((points) => [...points.timestamp]),
      [...timestamp],
    );
  });
});
