/** Many points that are all compressed, written as the compaction writes them: what it would take hours to bring about. */

import { pipeline } from 'node:stream/promises';
import type { Client } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { schemaNames, withNames } from '../../src/postgres/names.ts';
import { COPY_SEGMENTS, segmentRows } from '../../src/postgres/segment-rows.ts';
import { cutAtGrid } from '../../src/segments/grid.ts';
import { encodePoints, type SeriesSegment } from '../../src/segments/segment.ts';
import { generator, POINT_SETS, pointsOf } from './point-sets.ts';

/** When the points begin: milliseconds since 1970. */
export const START = Date.UTC(2026, 0, 5);

export type SetPoints = ReturnType<typeof pointsOf>;

/** The metric temperature of a device. */
export interface SetSeries {
  readonly device: string;
  readonly points: number;
  /** Seconds between two of them. */
  readonly every: number;
}

/**
 * Into a database that was migrated and has no series. `onSeries` is told of the points of each, times in microseconds since
 * 1970.
 */
export async function fillCompressed(
  client: Client,
  series: readonly SetSeries[],
  onSeries: (seriesId: number, points: SetPoints) => void = () => {},
): Promise<void> {
  const last = series.map(({ points, every }) => new Date(START + (points - 1) * every * 1000).toISOString());
  await client.query(
    `WITH added AS (
       INSERT INTO tidegate.series (device_id, metric_name, is_text, kind)
       SELECT device, 'temperature', false, 'gauge' FROM unnest($1::text[]) WITH ORDINALITY AS s (device, n) ORDER BY n
       RETURNING series_id, device_id)
     INSERT INTO tidegate.series_stats (series_id, points, first_time, last_time, last_value)
     SELECT series_id, points, $4, last, 20
     FROM added JOIN unnest($1::text[], $2::bigint[], $3::timestamptz[]) AS s (device, points, last) ON device = device_id`,
    [
      series.map(({ device }) => device),
      series.map(({ points }) => points),
      last,
      new Date(START).toISOString(),
    ],
  );
  const days = Math.max(...series.map(({ points, every }) => (points * every) / 86_400));
  for (let day = 0; day <= days; day += 28) {
    const moment = new Date(START + day * 86_400_000).toISOString();
    await client.query('SELECT tidegate.open_segment_partition($1)', [moment]);
    // A chunk for each partition; its leaf is long gone.
    await client.query(
      `INSERT INTO tidegate.chunks (source, range_start, range_end, state, leaf, attached)
       SELECT 'points', start, start + interval '28 days', 'sealed', to_char(start, '"points_"YYYYMMDD'), false
       FROM date_bin('28 days', $1::timestamptz, timestamptz '2000-01-03 00:00:00+00') AS start`,
      [moment],
    );
  }
  const stream = client.query(copyFrom(withNames(COPY_SEGMENTS, schemaNames('public'))));
  await pipeline(segmentRows(segments(series, onSeries)), stream);
  await client.query('VACUUM ANALYZE');
  await client.query('CHECKPOINT');
}

function* segments(
  series: readonly SetSeries[],
  onSeries: (seriesId: number, points: SetPoints) => void,
): Generator<SeriesSegment> {
  const random = generator(1);
  const set = Object.values(POINT_SETS)[0] as (typeof POINT_SETS)[string];
  for (const [index, { points: length, every }] of series.entries()) {
    const seriesId = index + 1;
    const next = set(random, seriesId);
    const points = pointsOf((row) => [(START + row * every * 1000) * 1000, next(row)[1]], length);
    onSeries(seriesId, points);
    for (const { from, to } of cutAtGrid(points.timestamp)) {
      for (const segment of encodePoints(points, from, to)) yield { seriesId, segment };
    }
  }
}
