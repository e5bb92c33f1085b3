import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { dirtyMinutes } from '../../../src/postgres/dirty-buckets.ts';
import type { SortedRows } from '../../../src/postgres/rows.ts';

const MINUTE = 60_000_000;

/** Of rows (series, time, whether the time is the arrival's), in order. */
function sorted(rows: readonly (readonly [series: number, time: number, arrival?: boolean])[]): SortedRows {
  return {
    length: rows.length,
    seriesId: Float64Array.from(rows, ([series]) => series),
    timestamp: Float64Array.from(rows, ([, time]) => time),
    value: new Float64Array(rows.length),
    arrival: Uint8Array.from(rows, ([, , arrival]) => Number(arrival === true)),
    series: new Float64Array(0),
    start: new Int32Array(0),
    duplicate: 0,
    conflict: 0,
    repeats: [],
    expired: 0,
  };
}

test('minutes below the mark, each once, before 1970 too', () => {
  const rows = sorted([
    [1, -90_000_000],
    [1, -61_000_000],
    [1, 5],
    [1, MINUTE - 1],
    [1, MINUTE],
    [2, 7],
    [2, 10 * MINUTE],
  ]);
  assert.deepEqual(dirtyMinutes(rows, 10 * MINUTE), {
    seriesId: [1, 1, 1, 2],
    minute: [-2 * MINUTE, 0, MINUTE, 0],
  });
  assert.deepEqual(dirtyMinutes(rows, Number.NEGATIVE_INFINITY), { seriesId: [], minute: [] });
});

test('an arrival that may be moved over the end of its minute has the next one too', () => {
  assert.deepEqual(dirtyMinutes(sorted([[1, MINUTE - 2, true]]), 10 * MINUTE).minute, [0, MINUTE]);
  assert.deepEqual(dirtyMinutes(sorted([[1, 5, true]]), 10 * MINUTE).minute, [0]);
});

test('property: exactly the pairs of series and minute that the rows have below the mark', () => {
  const row = fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: -5 * MINUTE, max: 5 * MINUTE }));
  fc.assert(
    fc.property(fc.array(row), fc.integer({ min: -3, max: 3 }), (unsorted, mark) => {
      const rows = unsorted.toSorted(([a, s], [b, t]) => a - b || s - t);
      const found = dirtyMinutes(sorted(rows), mark * MINUTE);
      const pairs = found.seriesId.map((series, index) => `${series} ${found.minute[index]}`);
      const expected = rows
        .map(([series, time]) => [series, Math.floor(time / MINUTE) * MINUTE] as const)
        .filter(([, minute]) => minute < mark * MINUTE)
        .map(([series, minute]) => `${series} ${minute}`);
      assert.equal(new Set(pairs).size, pairs.length);
      assert.deepEqual(new Set(pairs), new Set(expected));
    }),
  );
});
