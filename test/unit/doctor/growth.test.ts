import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { daysUntilFull, type Growth, growthOf } from '../../../src/doctor/growth.ts';
import type { ChunkInfo } from '../../../src/engines/engine.ts';

const NOW = Date.parse('2026-03-10T12:00:00Z');
const DAY = 86_400_000;

function chunk(
  source: string,
  daysOld: number,
  rows: number,
  bytes: number,
  before: number | null,
): ChunkInfo {
  return {
    name: `${source}_${daysOld}`,
    source,
    state: before === null ? 'open' : 'sealed',
    range_start: new Date(NOW - (daysOld + 1) * DAY).toISOString(),
    range_end: new Date(NOW - daysOld * DAY).toISOString(),
    rows,
    rows_estimated: false,
    bytes,
    bytes_before: before,
    ratio: before === null ? null : before / bytes,
  };
}

suite('growth of the database', () => {
  const input = {
    ingest: { seconds: 43_200, points: 500_000, messages: 500_000, peakPoints: 20 },
    chunks: [
      chunk('points', 0, 1_000_000, 100_000_000, null),
      chunk('points', 1, 1_000_000, 100_000_000, null),
      chunk('points', 8, 1_000_000, 2_000_000, 100_000_000),
      chunk('1min', 8, 17_000, 1_000_000, 9_000_000),
    ],
    databaseBytes: 323_000_000 + 20 * 2 ** 20,
    compressAfter: 7 * DAY,
    retention: 90 * DAY,
    now: NOW,
  };

  test('is read off the chunks and off what came in', () => {
    assert.deepEqual(growthOf(input), {
      pointsPerDay: 1_000_000,
      hotBytes: 160,
      coldBytes: 3,
      keptBytes: 1,
      compressedFrom: 6,
      deletedFrom: 82,
      isMeasured: true,
    });
  });

  test('is guessed where there is too little to read it off', () => {
    const growth = growthOf({ ...input, chunks: [], compressAfter: null, retention: null });
    assert.equal(growth.isMeasured, false);
    assert.equal(growth.compressedFrom, Number.POSITIVE_INFINITY);
    assert.equal(growth.deletedFrom, Number.POSITIVE_INFINITY);
  });

  const growth: Growth = {
    pointsPerDay: 10,
    hotBytes: 100,
    coldBytes: 2,
    keptBytes: 1,
    compressedFrom: 7,
    deletedFrom: 90,
    isMeasured: true,
  };
  for (const [name, free, changes, days] of [
    ['within the hot days', 3_500, {}, 3.5],
    ['while compressed points gather', 7_000 + 20 * 40, {}, 47],
    ['by the aggregates that are kept', 7_000 + 20 * 83 + 10 * 100, {}, 190],
    ['never, where everything is deleted', 1e9, { keptBytes: 0 }, Number.POSITIVE_INFINITY],
    [
      'where nothing is ever compressed',
      1e6,
      { compressedFrom: Number.POSITIVE_INFINITY, deletedFrom: Number.POSITIVE_INFINITY },
      1_000,
    ],
    ['deleted before it is compressed', 1e6, { deletedFrom: 3 }, Number.POSITIVE_INFINITY],
    ['compressed from now on', 2_000, { compressedFrom: 0, deletedFrom: Number.POSITIVE_INFINITY }, 100],
  ] as const) {
    test(`full: ${name}`, () => assert.equal(daysUntilFull(free, { ...growth, ...changes }), days));
  }

  test('full: as counted day by day', () => {
    const days = fc.oneof(fc.integer({ min: 0, max: 60 }), fc.constant(Number.POSITIVE_INFINITY));
    const bytes = fc.integer({ min: 1, max: 300 });
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 100_000 }),
        days,
        days,
        bytes,
        bytes,
        (free, compressedFrom, deletedFrom, hotBytes, coldBytes) => {
          const all = { ...growth, compressedFrom, deletedFrom, hotBytes, coldBytes };
          let day = 0;
          for (let left = free; day < 100_000; day++) {
            const kept = compressedFrom < deletedFrom ? all.keptBytes : 0;
            const each = day >= deletedFrom ? kept : day >= compressedFrom ? coldBytes : hotBytes;
            left -= each * all.pointsPerDay;
            if (left < 0) break;
          }
          const found = daysUntilFull(free, all);
          assert.equal(Number.isFinite(found) ? Math.floor(found + 1e-9) : 100_000, day);
        },
      ),
    );
  });
});
