/** Compressed points: how fast they are encoded and decoded, here and by SQL, and what they take on disk. */

import type { Client } from 'pg';
import { migrate } from '../../src/postgres/migrate.ts';
import { decodePoints, encodePoints, type Points } from '../../src/segments/segment.ts';
import { storeSegments } from '../integration/postgres/segment-store.ts';
import { startTestPostgres } from '../support/postgres.ts';
import { columnstoreBytes } from './columnstore.ts';
import { freshDatabase } from './database.ts';
import { figure } from './figures.ts';
import { generator, POINT_SETS, pointsOf } from './point-sets.ts';

const SERIES = 12;
const LOGGER = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

export async function benchCodec({ rounds, count }: { rounds: number; count: number }): Promise<string[]> {
  await using postgres = await startTestPostgres();
  const lines = [`${count} points of ${SERIES} series, points/s of one core, ${rounds} rounds:`];
  for (const [name, set] of Object.entries(POINT_SETS)) {
    const { url, client } = await freshDatabase(postgres.url);
    await migrate({ url, schema: 'public', readerRole: null, writerRole: null, logger: LOGGER });
    const random = generator(1);
    const all = Array.from({ length: SERIES }, (_, series) =>
      pointsOf(set(random, series), Math.round(count / SERIES)),
    );
    const { encode, decode } = codec(all, rounds);
    for (const [series, points] of all.entries()) await storeSegments(client, series, points);
    const { bytes, sql } = await stored(client, rounds);
    await client.end();
    const columnstore = await columnstoreBytes(all);
    const beside = columnstore === null ? '' : `; TimescaleDB's columnstore ${columnstore.toFixed(2)}`;
    lines.push(
      `  ${name}`,
      `    ${(bytes / count).toFixed(2)} bytes a point, index included${beside}`,
      `    encode ${figure(encode).text('points/s')}, decode ${figure(decode).text('points/s')}`,
      `    decode in SQL ${figure(sql).text('points/s')}`,
    );
  }
  return lines;
}

function codec(all: readonly Points[], rounds: number): { encode: number[]; decode: number[] } {
  const count = all.reduce((sum, points) => sum + points.timestamp.length, 0);
  const encode: number[] = [];
  const decode: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const begin = performance.now();
    const segments = all.flatMap((points) => [...encodePoints(points)]);
    const middle = performance.now();
    for (const segment of segments) decodePoints(segment);
    encode.push((count / (middle - begin)) * 1_000);
    decode.push((count / (performance.now() - middle)) * 1_000);
  }
  return { encode, decode };
}

async function stored(client: Client, rounds: number): Promise<{ bytes: number; sql: number[] }> {
  await client.query('VACUUM ANALYZE tidegate.segments');
  await client.query('SET max_parallel_workers_per_gather = 0');
  const { rows } = await client.query<{ bytes: string; points: string }>(
    `SELECT sum(pg_total_relation_size(inhrelid)) AS bytes, (SELECT sum(n) FROM tidegate.segments) AS points
     FROM pg_inherits WHERE inhparent = 'tidegate.segments'::regclass`,
  );
  const sql: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const begin = performance.now();
    await client.query('SELECT max(ts), sum(value) FROM tidegate.segment_points');
    sql.push((Number(rows[0]?.points) / (performance.now() - begin)) * 1_000);
  }
  return { bytes: Number(rows[0]?.bytes), sql };
}
