/** `chunks compress` in a process of its own: how fast, in how much memory, and what a point takes after it. */

import { readFileSync } from 'node:fs';
import { finished } from 'node:stream/promises';
import type { Client } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { copyRows } from '../../src/postgres/binary.ts';
import { migrate } from '../../src/postgres/migrate.ts';
import { spawnTidegate } from '../support/program.ts';
import { startTestPostgres } from '../support/postgres.ts';
import { freshDatabase } from './database.ts';
import { generator, POINT_SETS, pointsOf } from './point-sets.ts';

const SERIES = 60;
const LOGGER = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const EVERYTHING = `SELECT sum(pg_total_relation_size(c.oid)) AS bytes FROM pg_class c
  WHERE c.relnamespace = 'tidegate'::regnamespace AND c.relkind = 'r' AND c.relname ~ '^(points|segments)'`;

export async function benchCompression({ count }: { rounds: number; count: number }): Promise<string[]> {
  await using postgres = await startTestPostgres({ max_wal_size: '4GB' });
  const lines = [`${count} points of ${SERIES} series as rows of one chunk, then compressed:`];
  for (const [name, set] of Object.entries(POINT_SETS)) {
    const { url, client } = await freshDatabase(postgres.url);
    await migrate({ url, schema: 'public', readerRole: null, writerRole: null, logger: LOGGER });
    const chunk = await fill(client, set, Math.round(count / SERIES));
    const before = await bytes(client);
    const { seconds, peak } = await compress(url, chunk);
    await client.query('VACUUM');
    const after = await bytes(client);
    await client.end();
    const perPoint = (size: number) => (size / count).toFixed(2);
    lines.push(
      `  ${name}`,
      `    ${perPoint(before)} to ${perPoint(after)} bytes a point, everything included`,
      `    ${Math.round(count / seconds).toLocaleString('en-US')} points/s from its start to its end, at most ${peak} MiB`,
    );
  }
  return lines;
}

type PointSet = (typeof POINT_SETS)[string];

/** One chunk that takes all. Resolves to its name. */
async function fill(client: Client, set: PointSet, each: number): Promise<string> {
  const random = generator(1);
  await client.query(`SELECT tidegate.open_chunk('points', '2026-01-10', '28 days')`);
  for (let series = 1; series <= SERIES; series++) {
    const { timestamp, value } = pointsOf(set(random, series), each);
    for (let from = 0; from < each; from += 100_000) {
      const to = Math.min(each, from + 100_000);
      const stream = client.query(
        copyFrom('COPY tidegate.points (series_id, ts, value) FROM STDIN (FORMAT binary)'),
      );
      stream.end(
        copyRows({
          length: to - from,
          seriesId: new Float64Array(to - from).fill(series),
          timestamp: timestamp.subarray(from, to),
          value: value.subarray(from, to),
        }),
      );
      await finished(stream);
    }
  }
  await client.query('VACUUM ANALYZE tidegate.points');
  await client.query('CHECKPOINT');
  const { rows } = await client.query<{ leaf: string }>(
    `SELECT leaf FROM tidegate.chunks WHERE source = 'points'`,
  );
  return rows[0]?.leaf ?? '';
}

async function bytes(client: Client): Promise<number> {
  const { rows } = await client.query<{ bytes: string }>(EVERYTHING);
  return Number(rows[0]?.bytes);
}

/** `peak` in MiB. */
async function compress(url: string, chunk: string): Promise<{ seconds: number; peak: number }> {
  const env = { TIDEGATE_DATABASE_URL: url, TIDEGATE_MQTT_URL: 'mqtt://127.0.0.1:1' };
  const begin = performance.now();
  const child = spawnTidegate(['chunks', 'compress', chunk], env);
  let peak = 0;
  const watch = setInterval(() => {
    try {
      const found = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'));
      peak = Math.max(peak, Math.round(Number(found?.[1] ?? 0) / 1024));
    } catch {
      // It has ended.
    }
  }, 50);
  child.stderr.pipe(process.stderr);
  const code = await new Promise((resolve) => child.once('close', resolve));
  const seconds = (performance.now() - begin) / 1000;
  clearInterval(watch);
  if (code !== 0) throw new Error(`compress ${chunk} ended with ${String(code)}`);
  return { seconds, peak };
}
