import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Client } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { copyFrames, frameRows } from '../../../src/postgres/frame-rows.ts';
import { schemaNames, withNames } from '../../../src/postgres/names.ts';
import { COPY_SEGMENTS, segmentRows } from '../../../src/postgres/segment-rows.ts';
import type { AggregateRows } from '../../../src/segments/aggregate-rows.ts';
import { encodeFrames } from '../../../src/segments/frame.ts';
import { cutAtGrid } from '../../../src/segments/grid.ts';
import { encodePoints, type Points, type SeriesSegment } from '../../../src/segments/segment.ts';

const NAMES = schemaNames('public');

/** Puts a series' points into `segments`, and opens the partitions that they need. */
export async function storeSegments(client: Client, seriesId: number, points: Points): Promise<void> {
  const segments: SeriesSegment[] = [];
  for (const { from, to } of cutAtGrid(points.timestamp)) {
    await client.query(
      `SELECT tidegate.open_segment_partition(timestamptz 'epoch' + $1::float8 * interval '1 microsecond')`,
      [points.timestamp[from]],
    );
    for (const segment of encodePoints(points, from, to)) segments.push({ seriesId, segment });
  }
  const stream = client.query(copyFrom(withNames(COPY_SEGMENTS, NAMES)));
  await pipeline(Readable.from(segmentRows(segments)), stream);
}

/** Puts rows into `frames_<level>`. */
export async function storeFrames(client: Client, level: string, rows: AggregateRows): Promise<void> {
  const stream = client.query(copyFrom(withNames(copyFrames(level), NAMES)));
  await pipeline(Readable.from(frameRows(encodeFrames(rows))), stream);
}
