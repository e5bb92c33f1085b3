/** Databases that questions are asked of, on a server that is restarted between them. */

import { execFile } from 'node:child_process';
import { finished, pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { copyRows } from '../../src/postgres/binary.ts';
import { migrate } from '../../src/postgres/migrate.ts';
import { schemaNames, withNames } from '../../src/postgres/names.ts';
import { COPY_SEGMENTS, segmentRows } from '../../src/postgres/segment-rows.ts';
import { cutAtGrid } from '../../src/segments/grid.ts';
import { encodePoints, type SeriesSegment } from '../../src/segments/segment.ts';
import { generator, POINT_SETS, pointsOf } from './point-sets.ts';

const SERIES = 1_000;
const LOGGER = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const DAY = '2026-01-05T00:00:00Z';
const BATCH = 100_000;

/** What is made on a server. */
export const DATABASES = { hot: 'tuning_hot', packed: 'tuning_packed' } as const;

/** Opens one of them, or the server's own. */
export async function open(server: string, name?: keyof typeof DATABASES): Promise<Client> {
  const client = new Client({ connectionString: name === undefined ? server : urlOf(server, name) });
  client.on('error', () => {});
  await client.connect();
  return client;
}

/** `hot`: so many points as rows of one chunk, in order of arrival; `packed`: twice as many compressed. */
export async function fillDatabases(server: string, count: number): Promise<void> {
  const hot = await made(server, 'hot');
  await hot.query(`SELECT tidegate.open_chunk('points', $1, '1 day')`, [DAY]);
  const random = generator(1);
  const start = Date.parse(DAY) * 1_000;
  const step = Math.floor(86_400_000_000 / Math.ceil(count / SERIES));
  for (let from = 0; from < count; from += BATCH) {
    const length = Math.min(BATCH, count - from);
    const rows = {
      length,
      seriesId: Float64Array.from({ length }, (_, at) => 1 + ((from + at) % SERIES)),
      timestamp: Float64Array.from({ length }, (_, at) => start + Math.floor((from + at) / SERIES) * step),
      value: Float64Array.from({ length }, () => Math.round(random() * 10_000) / 100),
    };
    const stream = hot.query(
      copyFrom('COPY tidegate.points (series_id, ts, value) FROM STDIN (FORMAT binary)'),
    );
    stream.end(copyRows(rows));
    await finished(stream);
  }
  await settled(hot);
  const packed = await made(server, 'packed');
  await packed.query('SELECT tidegate.open_segment_partition($1)', [DAY]);
  const target = packed.query(copyFrom(withNames(COPY_SEGMENTS, schemaNames('public'))));
  await pipeline(segmentRows(segments(Math.ceil((2 * count) / SERIES))), target);
  await settled(packed);
}

function urlOf(server: string, name: keyof typeof DATABASES): string {
  const url = new URL(server);
  url.pathname = `/${DATABASES[name]}`;
  return url.href;
}

async function made(server: string, name: keyof typeof DATABASES): Promise<Client> {
  const admin = await open(server);
  await admin.query(`DROP DATABASE IF EXISTS ${DATABASES[name]}`);
  await admin.query(`CREATE DATABASE ${DATABASES[name]}`);
  await admin.end();
  const url = urlOf(server, name);
  await migrate({ url, schema: 'public', readerRole: null, writerRole: null, logger: LOGGER });
  const client = await open(server, name);
  await client.query(
    `INSERT INTO tidegate.series (device_id, metric_name, is_text, kind)
     SELECT 'device_' || n, 'temperature', false, 'gauge' FROM generate_series(1, $1::int) n`,
    [SERIES],
  );
  return client;
}

export async function dropDatabases(server: string): Promise<void> {
  const admin = await open(server);
  for (const name of Object.values(DATABASES))
    await admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  await admin.end();
}

async function settled(client: Client): Promise<void> {
  await client.query('VACUUM (ANALYZE, FREEZE)');
  await client.query('CHECKPOINT');
  await client.end();
}

function* segments(each: number): Generator<SeriesSegment> {
  const random = generator(2);
  const set = Object.values(POINT_SETS)[0] as (typeof POINT_SETS)[string];
  for (let seriesId = 1; seriesId <= SERIES; seriesId++) {
    const points = pointsOf(set(random, seriesId), each);
    for (const { from, to } of cutAtGrid(points.timestamp)) {
      for (const segment of encodePoints(points, from, to)) yield { seriesId, segment };
    }
  }
}

/** Has the system forget the files of a folder: what is read next comes from the disk. Those of others stay as they are. */
export async function dropFileCache(folder: string): Promise<void> {
  const forget = ['dd', 'if={}', 'iflag=nocache', 'count=0', 'status=none'];
  await promisify(execFile)('find', [folder, '-type', 'f', '-size', '+64k', '-exec', ...forget, ';']);
}
