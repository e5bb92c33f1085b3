import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Client } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { schemaNames, withNames } from '../../../src/postgres/names.ts';
import { COPY_SEGMENTS, segmentRows } from '../../../src/postgres/segment-rows.ts';
import { cutAtGrid, gridStart } from '../../../src/segments/grid.ts';
import { encodePoints, type Points, type SeriesSegment } from '../../../src/segments/segment.ts';

const NAMES = schemaNames('public');

/** Puts a series' points into `segments`, partitions too. Returns the segments. */
export async function storeSegments(
  client: Client,
  seriesId: number,
  points: Points,
): Promise<SeriesSegment[]> {
  const segments: SeriesSegment[] = [];
  for (const { from, to } of cutAtGrid(points.timestamp)) {
    const moment = gridStart(points.timestamp[from] as number);
    await client.query(
      `SELECT tidegate.open_segment_partition(timestamptz 'epoch' + $1::float8 * interval '1 microsecond')`,
      [moment],
    );
    for (const segment of encodePoints(points, from, to)) segments.push({ seriesId, segment });
  }
  await copySegments(client, segments);
  return segments;
}

export async function copySegments(client: Client, segments: Iterable<SeriesSegment>): Promise<void> {
  const stream = client.query(copyFrom(withNames(COPY_SEGMENTS, NAMES)));
  await pipeline(Readable.from(segmentRows(segments)), stream);
}
