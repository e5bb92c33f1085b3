/** One hour of one series through `iot_points`, with all points of all series compressed. */

import type { Client } from 'pg';
import { migrate } from '../../src/postgres/migrate.ts';
import { startTestPostgres } from '../support/postgres.ts';
import { fillCompressed, START } from './compressed-set.ts';
import { freshDatabase } from './database.ts';
import { figure } from './figures.ts';
import { generator } from './point-sets.ts';

const SERIES = 1_000;
const LOOKS = 300;
const LOGGER = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

export async function benchReading({ count }: { rounds: number; count: number }): Promise<string[]> {
  await using postgres = await startTestPostgres({ max_wal_size: '4GB', shared_buffers: '1GB' });
  const { url, client } = await freshDatabase(postgres.url);
  await migrate({ url, schema: 'public', readerRole: null, writerRole: null, logger: LOGGER });
  const each = Math.round(count / SERIES);
  await fillCompressed(
    client,
    Array.from({ length: SERIES }, (_, index) => ({ device: `device_${index + 1}`, points: each, every: 1 })),
  );
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

async function looks(client: Client, text: string, each: number): Promise<number[]> {
  const random = generator(7);
  const took: number[] = [];
  for (let look = 0; look < LOOKS; look++) {
    const series = 1 + Math.floor(random() * SERIES);
    const second = Math.floor(random() * Math.max(1, each - 3_600));
    const from = new Date(START + second * 1000).toISOString();
    const begin = performance.now();
    await client.query(text, [`device_${series}`, from]);
    took.push(performance.now() - begin);
  }
  return took;
}
