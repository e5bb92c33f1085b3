import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { type AggregateRows, NUMBER_COLUMNS } from '../../../src/segments/aggregate-rows.ts';
import { decodeFrame, encodeFrames, MOST_ROWS } from '../../../src/segments/frame.ts';
import { aggregate } from '../../support/aggregate-rows.ts';
import { pointsWith, VALUES } from '../../support/points.ts';

const MINUTE = 60_000_000;

function assertComesBack(rows: AggregateRows): void {
  let row = 0;
  for (const frame of encodeFrames(rows)) {
    assert.ok(frame.length <= MOST_ROWS);
    const decoded = decodeFrame(frame);
    for (let index = 0; index < frame.length; index++, row++) {
      for (const column of ['seriesId', 'bucket', 'firstTime', 'lastTime', ...NUMBER_COLUMNS] as const) {
        const [actual, expected] = [decoded[column][index], rows[column][row]];
        assert.ok(Object.is(actual, expected), `${column} ${actual} is not ${expected} in row ${row}`);
      }
    }
  }
  assert.equal(row, rows.length);
}

suite('frames', () => {
  for (const [kind, values] of Object.entries(VALUES)) {
    test(`property: aggregates of ${kind} come back to the bit`, () => {
      fc.assert(
        fc.property(pointsWith(values), fc.constantFrom(MINUTE, 15 * MINUTE, 60 * MINUTE), (points, width) =>
          assertComesBack(aggregate(7, points, width)),
        ),
        { numRuns: 40 },
      );
    });
  }

  test('one point a bucket: what equals the first value takes no room', () => {
    const timestamp = Float64Array.from({ length: 500 }, (_, row) => row * MINUTE + 250_000);
    const value = timestamp.map((_, row) => (row % 30) / 10);
    const [frame] = encodeFrames(aggregate(1, { timestamp, value }, MINUTE));
    assert.equal(frame?.length, 500);
    const { firstValue, ...others } = frame?.numbers ?? {};
    assert.equal(firstValue?.width, 5);
    assert.ok(Object.values(others).every((code) => code === null));
    assert.equal(frame?.lastTimes, null);
  });

  test('sums, squared deviations and integrals of hundredths are decimals with noise', () => {
    const timestamp = Float64Array.from({ length: 15 * 60 }, (_, row) => row * MINUTE);
    const value = timestamp.map((_, row) => Math.round(2_000 + 60 * Math.sin(row / 50) + (row % 7)) / 100);
    const [frame] = encodeFrames(aggregate(1, { timestamp, value }, 15 * MINUTE));
    for (const column of ['sum', 'm2', 'integral', 'increase'] as const) {
      const code = frame?.numbers[column];
      assert.ok(code !== null && code !== undefined && code.raw === null && code.width <= 40, column);
    }
  });

  test('a frame holds one series', () => {
    const timestamp = Float64Array.of(0, MINUTE);
    const rows = aggregate(1, { timestamp, value: Float64Array.of(1, 2) }, MINUTE);
    rows.seriesId[1] = 2;
    assert.deepEqual(
      [...encodeFrames(rows)].map((frame) => [frame.seriesId, frame.length]),
      [
        [1, 1],
        [2, 1],
      ],
    );
  });
});
