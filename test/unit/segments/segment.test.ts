import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { cutAtGrid } from '../../../src/segments/grid.ts';
import {
  decodePoints,
  encodePoints,
  MOST_BYTES,
  MOST_POINTS,
  type Points,
} from '../../../src/segments/segment.ts';
import { pointsWith, VALUES } from '../../support/points.ts';

const DAY = 86_400_000_000;

/** To the bit, in runs of which each fits into a row. */
function assertComesBack(points: Points): void {
  let row = 0;
  for (const { from, to } of cutAtGrid(points.timestamp)) {
    for (const segment of encodePoints(points, from, to)) {
      assert.ok(segment.length >= 1 && segment.length <= MOST_POINTS);
      const { timestamp, value } = decodePoints(segment);
      assert.equal(timestamp.length, segment.length);
      assert.equal(segment.times.first, timestamp[0]);
      assert.equal(segment.times.last, timestamp.at(-1));
      for (let index = 0; index < segment.length; index++, row++) {
        assert.equal(timestamp[index], points.timestamp[row]);
        const isSame = Object.is(value[index], points.value[row]);
        assert.ok(isSame, `${value[index]} is not ${points.value[row]} in row ${row}`);
      }
    }
  }
  assert.equal(row, points.timestamp.length);
}

suite('segments', () => {
  for (const [kind, values] of Object.entries(VALUES)) {
    test(`property: ${kind} come back to the bit`, () => {
      fc.assert(fc.property(pointsWith(values), assertComesBack), { numRuns: 60 });
    });
  }

  test('points that are too far apart for one segment come back', () => {
    const timestamp = Float64Array.of(Number.MIN_SAFE_INTEGER, 0, Number.MAX_SAFE_INTEGER);
    const decoded = [...encodePoints({ timestamp, value: Float64Array.of(1, 2, 3) })].map(decodePoints);
    assert.deepEqual(
      decoded.flatMap((points) => [...points.timestamp]),
      [...timestamp],
    );
  });

  test('runs that a longer one was tried for in vain come back', () => {
    // What is cheap fits with room to spare, and what follows it does not fit beside it.
    for (let cheap = 100; cheap < 1_600; cheap += 100) {
      const timestamp = Float64Array.from({ length: 4_000 }, (_, row) => row * 1_000 + ((row * 7_919) % 13));
      const value = Float64Array.from({ length: 4_000 }, (_, row) =>
        row < cheap ? row % 2 : (((row * 7_919) % 99_991) * 1_000_003) / 100,
      );
      assertComesBack({ timestamp, value });
    }
  });

  test('a regular series of hundredths takes 2000 points a segment and no bits for its times', () => {
    const timestamp = Float64Array.from({ length: 4_000 }, (_, row) => row * 1_000_000);
    const value = timestamp.map((_, row) => Math.round(2_000 + 60 * Math.sin(row / 50)) / 100);
    const [first] = encodePoints({ timestamp, value });
    assert.equal(first?.length, MOST_POINTS);
    assert.equal(first?.times.width, 0);
    assert.ok(first?.values.kind === 'decimal' && first.values.width <= 7);
  });

  test('one value that is no decimal does not cost the others their code', () => {
    const timestamp = Float64Array.from({ length: 1_000 }, (_, row) => row * 1_000_000);
    const value = timestamp.map((_, row) => (row === 500 ? Number.NaN : (row % 100) / 10));
    const [segment] = encodePoints({ timestamp, value });
    assert.equal(segment?.length, 1_000);
    assert.ok(segment?.values.kind === 'decimal' && segment.values.odd?.length === 1);
  });

  test('statistics cover what is finite and not beyond 1e140', () => {
    const value = Float64Array.of(1, Number.NaN, 3, 1e141, Number.POSITIVE_INFINITY, 8);
    const timestamp = value.map((_, row) => row);
    const [segment] = encodePoints({ timestamp, value });
    assert.deepEqual(segment?.statistics, { count: 3, sum: 12, m2: 26, min: 1, max: 8 });
    const [empty] = encodePoints({ timestamp: Float64Array.of(0), value: Float64Array.of(Number.NaN) });
    assert.deepEqual(empty?.statistics, { count: 0, sum: 0, m2: 0, min: null, max: null });
  });

  test('the grid cuts at 28 days from 2000-01-03', () => {
    const boundary = Date.UTC(2000, 0, 3) * 1_000 - 28 * DAY;
    const timestamp = Float64Array.of(boundary - 1, boundary, boundary + DAY, boundary + 28 * DAY);
    assert.deepEqual(
      [...cutAtGrid(timestamp)],
      [
        { from: 0, to: 1 },
        { from: 1, to: 3 },
        { from: 3, to: 4 },
      ],
    );
    assert.ok(MOST_BYTES < 2_033, 'PostgreSQL would toast longer rows');
  });
});
