import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { decodePoints, type SeriesSegment } from '../../../src/segments/segment.ts';
import { encodeRows, type SeriesRows } from '../../../src/segments/segment-stream.ts';

/** A row of a stream: a point, or a segment that is there and covers so many microseconds. */
interface Row {
  readonly series: number;
  readonly time: number;
  readonly covers: number;
}

/** In batches of a few rows each. */
function* batchesOf(rows: readonly Row[], size: number): Generator<SeriesRows> {
  for (let from = 0; from < rows.length; from += size) {
    const some = rows.slice(from, from + size);
    yield {
      length: some.length,
      seriesId: Float64Array.from(some, ({ series }) => series),
      timestamp: Float64Array.from(some, ({ time }) => time),
      value: Float64Array.from(some, ({ time }) => time / 10),
      number: Float64Array.from(some, ({ covers }) => covers),
    };
  }
}

test('property: no segment reaches across one that is there, and the points within one are left out', async () => {
  // Gaps between the times of one series; every fourth row is a segment that is there.
  const row = fc.record({
    gap: fc.integer({ min: 1, max: 9 }),
    kind: fc.integer({ min: 0, max: 3 }),
    width: fc.nat(20),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(row), { maxLength: 4 }),
      fc.integer({ min: 1, max: 7 }),
      async (all, size) => {
        const rows: Row[] = [];
        const outside: string[] = [];
        let inside = 0;
        const there: { series: number; first: number; last: number }[] = [];
        for (const [series, one] of all.entries()) {
          let time = 0;
          let covered = Number.NEGATIVE_INFINITY;
          for (const { gap, kind, width } of one) {
            // Segments do not overlap.
            time += gap;
            if (kind === 0 && time > covered) {
              rows.push({ series, time, covers: width + 1 });
              there.push({ series, first: time, last: time + width });
              covered = time + width;
            } else if (time !== covered) {
              rows.push({ series, time, covers: 0 });
              if (time > covered) outside.push(`${series} ${time}`);
              else inside++;
            }
          }
        }
        let told = 0;
        const segments: SeriesSegment[] = [];
        for await (const one of encodeRows(batchesOf(rows, size), (points) => (told += points)))
          segments.push(one);
        assert.equal(told, inside);
        assert.deepEqual(
          segments.flatMap(({ seriesId, segment }) =>
            [...decodePoints(segment).timestamp].map((time) => `${seriesId} ${time}`),
          ),
          outside,
        );
        for (const { seriesId, segment } of segments) {
          const { first, last } = segment.times;
          assert.ok(!there.some((one) => one.series === seriesId && one.first >= first && one.first <= last));
        }
      },
    ),
  );
});
