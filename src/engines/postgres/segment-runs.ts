import type { KeyedRows } from '../../postgres/binary.ts';
import { cutAtGrid } from '../../segments/grid.ts';
import { encodePoints, type SeriesSegment } from '../../segments/segment.ts';

/** Points of one series that are looked at together; a longer run has one segment more that is not full. */
const RUN = 65_536;

/**
 * The segments of rows that come by series and time, in bounded memory. `counted` is told of the points of each run.
 */
export async function* segmentRuns(
  batches: AsyncIterable<KeyedRows>,
  counted: (points: number) => void,
): AsyncGenerator<SeriesSegment> {
  const timestamp = new Float64Array(RUN);
  const value = new Float64Array(RUN);
  let seriesId = Number.NaN;
  let length = 0;
  function* run(): Generator<SeriesSegment> {
    for (const { from, to } of cutAtGrid(timestamp, 0, length)) {
      for (const segment of encodePoints({ timestamp, value }, from, to)) yield { seriesId, segment };
    }
    counted(length);
    length = 0;
  }
  for await (const batch of batches) {
    for (let row = 0; row < batch.length; row++) {
      const id = batch.seriesId[row] as number;
      if (id !== seriesId || length === RUN) {
        if (length > 0) yield* run();
        seriesId = id;
      }
      timestamp[length] = batch.timestamp[row] as number;
      value[length++] = batch.value[row] as number;
    }
  }
  if (length > 0) yield* run();
}
