/** One hour of one series through `iot_points`, with all points of all series compressed. */

import { pipeline } from 'node:stream/promises';
import type { Client } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { migrate } from '../../src/postgres/migrate.ts';
import { schemaNames, withNames } from '../../src/postgres/names.ts';
import { COPY_SEGMENTS, segmentRows } from '../../src/postgres/segment-rows.ts';
import { cutAtGrid } from '../../src/segments/grid.ts';
import { encodePoints, type SeriesSegment } from '../../src/segments/segment.ts';
import { startTestPostgres } from '../support/postgres.ts';
import { freshDatabase } from './database.ts';
import { figure } from './figures.ts';
import { generator, POINT_SETS, pointsOf } from './point-sets.ts';

const SERIES = 1_000;
const LOOKS = 300;
const LOGGER = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
/** When the points of the sets begin. */
const START = '2026-01-05T00:00:00Z';

export async function benchReading({ count }: { rounds: number; count: number }): Promise<string[]> {
  await using postgres = await startTestPostgres({ max_wal_size: '4GB', shared_buffers: '1GB' });
  const { url, client } = await freshDatabase(postgres.url);
  await migrate({ url, schema: 'public', readerRole: null, writerRole: null, logger: LOGGER });
  const each = Math.round(count / SERIES);
  await client.query(
    `INSERT INTO tidegate.series (device_id, metric_name, is_text, kind)
     SELECT 'device_' || n, 'temperature', false, 'gauge' FROM generate_series(1, $1::int) n`,
    [SERIES],
  );
  const days = Math.ceil(each / 86_400);
  for (let day = 0; day <= days; day += 28) {
    await client.query(
      `SELECT tidegate.open_segment_partition($1::timestamptz + make_interval(days => $2))`,
      [START, day],
    );
  }
  const stream = client.query(copyFrom(withNames(COPY_SEGMENTS, schemaNames('public'))));
  await pipeline(segmentRows(allSegments(each)), stream);
  await client.query('VACUUM ANALYZE');
  await client.query('CHECKPOINT');
  const { rows } = await client.query<{ bytes: string }>(
    `SELECT sum(pg_total_relation_size(inhrelid)) AS bytes FROM pg_inherits WHERE inhparent = 'tidegate.segments'::regclass`,
  );
  const lines: string[] = [];
  const sql = `FROM iot_points($1, 'temperature', $2::timestamptz, $2::timestamptz + interval '1 hour')`;
  for (const [what, text] of [
    ['counted and summed at the server', `SELECT count(*), sum(value) ${sql}`],
    ['3,600 rows fetched', `SELECT "timestamp"::text, value ${sql}`],
  ] as const) {
    lines.push(`  ${what.padEnd(36)} ${figure(await looks(client, text, each)).text('ms')}`);
  }
  await client.end();
  return [
    `${count} points of ${SERIES} series, a second apart, ${(Number(rows[0]?.bytes) / count).toFixed(2)} bytes a point;`,
    `one hour of one series, ${LOOKS} of them at random, each the first time:`,
    ...lines,
  ];
}

function* allSegments(each: number): Generator<SeriesSegment> {
  const random = generator(1);
  const set = Object.values(POINT_SETS)[0] as (typeof POINT_SETS)[string];
  for (let seriesId = 1; seriesId <= SERIES; seriesId++) {
    const points = pointsOf(set(random, seriesId), each);
    for (const { from, to } of cutAtGrid(points.timestamp)) {
      for (const segment of encodePoints(points, from, to)) yield { seriesId, segment };
    }
  }
}

async function looks(client: Client, text: string, each: number): Promise<number[]> {
  const random = generator(7);
  const took: number[] = [];
  for (let look = 0; look < LOOKS; look++) {
    const series = 1 + Math.floor(random() * SERIES);
    const second = Math.floor(random() * Math.max(1, each - 3_600));
    const from = new Date(Date.parse(START) + second * 1000).toISOString();
    const begin = performance.now();
    await client.query(text, [`device_${series}`, from]);
    took.push(performance.now() - begin);
  }
  return took;
}
