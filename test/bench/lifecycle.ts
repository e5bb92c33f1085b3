/** The life of points of a thousand devices, step by step, and what compression beside ingestion costs it. */

import type { Client } from 'pg';
import type { Batch } from '../../src/pipeline/types.ts';
import { migrate } from '../../src/postgres/migrate.ts';
import { openPostgres } from '../integration/engines/engines.ts';
import { openSink } from '../integration/postgres/sinks.ts';
import { DEVICES, exampleBatches, liveThrough } from '../support/example.ts';
import { startTestPostgres } from '../support/postgres.ts';
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
    `ingestion with ${WRITERS} writers, in turn alone and while the job compresses other chunks:`,
    `  alone                                  ${figure(beside.alone).text('points/s')}`,
    `  beside compression                     ${figure(beside.beside).text('points/s')}`,
    `  ratio                                  ${ratios(beside.beside, beside.alone).text('')}`,
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

/** Writes as many points with and without the job `compression` at work in the same process, as in a daemon. */
async function besideCompression(
  server: string,
  rounds: number,
  count: number,
): Promise<{ alone: number[]; beside: number[] }> {
  const { url, client } = await migrated(server);
  const today = Math.floor((Date.now() * 1000) / DAY) * DAY;
  const sink = openSink({ url }, { clientId: 'bench' });
  const rates = { alone: [] as number[], beside: [] as number[] };
  let written = 0;
  let filled = 0;
  for (let round = 0; round <= rounds; round++) {
    // What there is to compress: more than a round will.
    await writeAll(sink, [...exampleBatches(count, today - (20 + filled++) * DAY, DAY)]);
    await client.query('CHECKPOINT');
    const batches = () => [...exampleBatches(count, today - 2 * DAY + written++ * 1_000, DAY)];
    const [first, second] = [batches(), batches()];
    const alone = count / (await writeAll(sink, first));
    const stop = new AbortController();
    const job = openPostgres({ url }).jobs.find(({ name }) => name === 'compression');
    const working = job?.run({ epoch: 0, signal: stop.signal }).then(
      () => 'done',
      () => 'stopped',
    );
    await atWork(client);
    const beside = count / (await writeAll(sink, second));
    stop.abort();
    if ((await working) === 'done')
      throw new Error('nothing was left to compress: the ratio would be of less');
    // The first round warms caches and the disk.
    if (round === 0) continue;
    rates.alone.push(alone);
    rates.beside.push(beside);
  }
  await sink.close();
  await client.end();
  return rates;
}

async function atWork(client: Client): Promise<void> {
  for (;;) {
    const { rows } = await client.query(`SELECT FROM tidegate.chunks WHERE state = 'closing'`);
    if (rows.length > 0) return;
  }
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
