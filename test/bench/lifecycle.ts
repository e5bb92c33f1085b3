/** The life of points of a thousand devices, step by step, and what compression beside ingestion costs it. */

import type { Client } from 'pg';
import type { Batch } from '../../src/pipeline/types.ts';
import { migrate } from '../../src/postgres/migrate.ts';
import { openPostgres } from '../integration/engines/engines.ts';
import { openSink } from '../integration/postgres/sinks.ts';
import { DEVICES, exampleBatches, liveThrough } from '../support/example.ts';
import { startTestPostgres } from '../support/postgres.ts';
import { spawnTidegate } from '../support/program.ts';
import { freshDatabase } from './database.ts';
import { figure, ratios } from './figures.ts';

const LOGGER = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
/** Microseconds. */
const DAY = 86_400_000_000;
/** As in the configuration's default. */
const WRITERS = 2;

export async function benchLifecycle({
  rounds,
  count,
}: {
  rounds: number;
  count: number;
}): Promise<string[]> {
  await using postgres = await startTestPostgres();
  const rates: Record<'ingest' | 'refresh' | 'compress', number[]> = {
    ingest: [],
    refresh: [],
    compress: [],
  };
  const sizes: string[] = [];
  for (let round = 0; round < rounds; round++) {
    const { url, client } = await migrated(postgres.url);
    const times = await liveThrough({ url }, count);
    for (const step of ['ingest', 'refresh', 'compress'] as const) rates[step].push(count / times[step]);
    if (round === 0) sizes.push(...(await described(url, client)));
    await client.end();
  }
  const beside = await besideCompression(postgres.url, rounds, count);
  return [
    `${count} points of ${DEVICES} devices in two hours, ${rounds} rounds:`,
    `  ingested, batches of 10,000            ${figure(rates.ingest).text('points/s')}`,
    `  all four aggregates of them            ${figure(rates.refresh).text('points/s')}`,
    `  compressed, the aggregates' rows too   ${figure(rates.compress).text('points/s')}`,
    ...sizes,
    `ingestion with ${WRITERS} writers, in turn alone and while other chunks are compressed without a pause:`,
    `  alone                                  ${figure(beside.alone).text('points/s')}`,
    `  beside compression                     ${figure(beside.beside).text('points/s')}`,
    `  ratio                                  ${ratios(beside.beside, beside.alone).text('')}`,
    `  points compressed meanwhile            ${figure(beside.compressed).text('points/s')}`,
  ];
}

async function migrated(server: string): Promise<{ url: string; client: Client }> {
  const database = await freshDatabase(server);
  await migrate({ url: database.url, schema: 'public', readerRole: null, writerRole: null, logger: LOGGER });
  return database;
}

async function described(url: string, client: Client): Promise<string[]> {
  const all = await openPostgres({ url }).compression();
  const { rows } = await client.query<{ points: string }>('SELECT count(*) AS points FROM iot_data');
  return all.map(({ chunk, points, bytes_before: before, bytes_after: after, ratio }) => {
    const perPoint = (bytes: number) => (bytes / Number(rows[0]?.points)).toFixed(2);
    return `  ${chunk}: ${points} rows, ${perPoint(before)} to ${perPoint(after)} bytes a point of raw, ratio ${ratio.toFixed(1)}`;
  });
}

/** Writes as many points with and without `chunks compress` running in a process of its own. */
async function besideCompression(
  server: string,
  rounds: number,
  count: number,
): Promise<{ alone: number[]; beside: number[]; compressed: number[] }> {
  const { url, client } = await migrated(server);
  const today = Math.floor((Date.now() * 1000) / DAY) * DAY;
  const sink = openSink({ url }, { clientId: 'bench' });
  // What there is to compress: enough for every round.
  const old = (day: number) => today - (20 + day) * DAY;
  const names: string[] = [];
  const rates = { alone: [] as number[], beside: [] as number[], compressed: [] as number[] };
  let written = 0;
  let filled = 0;
  for (let round = 0; round <= rounds; round++) {
    for (let more = 0; more < 4; more++) {
      const day = old(filled++);
      await writeAll(sink, [...exampleBatches(count, day, DAY)]);
      names.push(`points_${new Date(day / 1000).toISOString().slice(0, 10).replaceAll('-', '')}_000000`);
    }
    await client.query('CHECKPOINT');
    const batches = () => [...exampleBatches(count, today - 2 * DAY + written++ * 1_000, DAY)];
    const [first, second] = [batches(), batches()];
    const alone = count / (await writeAll(sink, first));
    const done = new AbortController();
    const compressing = compressAll(url, client, names, done.signal);
    await compressing.begun;
    const beside = count / (await writeAll(sink, second));
    done.abort();
    const compressed = await compressing.ended;
    // The first round warms caches and the disk.
    if (round === 0) continue;
    rates.alone.push(alone);
    rates.beside.push(beside);
    rates.compressed.push(compressed);
  }
  await sink.close();
  await client.end();
  return rates;
}

async function writeAll(sink: ReturnType<typeof openSink>, batches: Batch[]): Promise<number> {
  const begin = performance.now();
  const writer = async () => {
    for (let batch = batches.shift(); batch !== undefined; batch = batches.shift()) {
      await sink.write(batch, new AbortController().signal);
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, writer));
  return (performance.now() - begin) / 1000;
}

/** One chunk after the other, until told to stop. `ended` resolves to points/s of those that were finished. */
function compressAll(
  url: string,
  client: Client,
  names: string[],
  done: AbortSignal,
): { begun: Promise<void>; ended: Promise<number> } {
  const begun = Promise.withResolvers<void>();
  const work = async () => {
    const begin = performance.now();
    let points = 0;
    while (!done.aborted) {
      const name = names.shift();
      if (name === undefined) throw new Error('nothing is left to compress: the ratio would be of less');
      const env = { TIDEGATE_DATABASE_URL: url, TIDEGATE_MQTT_URL: 'mqtt://127.0.0.1:1' };
      const child = spawnTidegate(['chunks', 'compress', name], env);
      child.stderr.pipe(process.stderr);
      const ended = new Promise((resolve) => child.once('close', resolve));
      for (let isBusy = false; !isBusy; ) {
        const { rows } = await client.query(
          `SELECT FROM tidegate.chunks WHERE leaf = $1 AND state <> 'open'`,
          [name],
        );
        isBusy = rows.length > 0 || child.exitCode !== null;
      }
      begun.resolve();
      const code = await ended;
      if (code !== 0) throw new Error(`compress ${name} ended with ${String(code)}`);
      const { rows } = await client.query<{ points: string }>(
        'SELECT points FROM tidegate.chunks WHERE leaf = $1',
        [name],
      );
      points += Number(rows[0]?.points);
    }
    return (points / (performance.now() - begin)) * 1000;
  };
  return { begun: begun.promise, ended: work() };
}
