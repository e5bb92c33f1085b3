/** The life of points of a thousand devices, step by step, and what compression beside ingestion costs it. */

import type { Client } from 'pg';
import type { Batch } from '../../src/pipeline/types.ts';
import { refreshAggregates } from '../../src/engines/postgres/refresh.ts';
import { migrate } from '../../src/postgres/migrate.ts';
import { schemaNames } from '../../src/postgres/names.ts';
import { engineOptions, openPostgres } from '../integration/engines/engines.ts';
import { openSink } from '../integration/postgres/sinks.ts';
import { DEVICES, exampleBatches, liveThrough } from '../support/example.ts';
import { startTestPostgres } from '../support/postgres.ts';
import { freshDatabase } from './database.ts';
import { figure, ratios } from './figures.ts';

const LOGGER = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
/** Microseconds. */
const DAY = 86_400_000_000;
const MINUTE = 60_000_000;
const MANY = 10_000;
/** Times as many points are written in each turn, or until the chunk is compressed. */
const STRETCH = 4;
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
  const minutes = await besideRefresh(postgres.url, rounds, count);
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
    `ingestion with ${WRITERS} writers, in turn alone and while a minute of ${MANY} series is refreshed once:`,
    `  ratio                                  ${ratios(minutes.beside, minutes.alone).text('')}`,
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

interface Sides {
  readonly alone: () => Promise<number>;
  readonly beside: () => Promise<number>;
}

/** Now the one first, now the other: what the first one leaves behind is in the second one's way. */
async function inTurn(round: number, sides: Sides): Promise<{ alone: number; beside: number }> {
  if (round % 2 === 1) return { alone: await sides.alone(), beside: await sides.beside() };
  const beside = await sides.beside();
  return { alone: await sides.alone(), beside };
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
    // What there is to compress.
    await writeAll(sink, [...exampleBatches(count, today - (20 + filled++) * DAY, DAY)]);
    await client.query('CHECKPOINT');
    const batches = () => [...exampleBatches(count, today - 2 * DAY + written++ * 1_000, DAY)];
    const measured = await inTurn(round, {
      alone: async () => {
        const all = Array.from({ length: STRETCH }, batches).flat();
        return (STRETCH * count) / (await writeAll(sink, all));
      },
      beside: async () => {
        const all = Array.from({ length: STRETCH }, batches).flat();
        const given = all.length;
        const job = openPostgres({ url }).jobs.find(({ name }) => name === 'compression');
        let left = 0;
        const working = job?.run({ epoch: 0, signal: new AbortController().signal }).finally(() => {
          left = all.splice(0).length;
        });
        const seconds = await writeAll(sink, all);
        await working;
        return ((1 - left / given) * STRETCH * count) / seconds;
      },
    });
    // The first round warms caches and the disk.
    if (round === 0) continue;
    rates.alone.push(measured.alone);
    rates.beside.push(measured.beside);
  }
  await sink.close();
  await client.end();
  return rates;
}

/** Writes as many points with and without the refresh of a minute, which a daemon does once a minute, in the same process. */
async function besideRefresh(
  server: string,
  rounds: number,
  count: number,
): Promise<{ alone: number[]; beside: number[] }> {
  const { url, client } = await migrated(server);
  const sink = openSink({ url }, { clientId: 'bench' });
  await sink.maintain();
  const now = Math.floor(Date.now() / 60_000) * 60_000_000;
  const start = now - 60 * MINUTE;
  await client.query(
    `INSERT INTO tidegate.series (device_id, metric_name, is_text, kind)
     SELECT 'minute_' || n, 'temperature', false, 'gauge' FROM generate_series(1, $1::int) n`,
    [MANY],
  );
  await client.query(
    `INSERT INTO tidegate.points_late SELECT s.series_id, to_timestamp($1) + n * interval '10 seconds', 20 + n % 7
     FROM tidegate.series s, generate_series(0, ($2 + 3) * 6 - 1) n`,
    [start / 1e6, rounds],
  );
  const { levels } = engineOptions({ url });
  const refresh = (minute: number) =>
    refreshAggregates(
      client,
      schemaNames('public'),
      { levels, budget: 60_000, force: true, now: start + (minute + 2) * MINUTE },
      { epoch: 0, signal: new AbortController().signal },
    );
  await refresh(0);
  const rates = { alone: [] as number[], beside: [] as number[] };
  let written = 0;
  for (let round = 0; round <= rounds; round++) {
    // Later than what is refreshed, as what devices send is.
    const batches = () => [...exampleBatches(count, now + MINUTE + written++ * 1_000, DAY)];
    await client.query('CHECKPOINT');
    const measured = await inTurn(round, {
      alone: async () => count / (await writeAll(sink, batches())),
      beside: async () => {
        const all = batches();
        const refreshing = refresh(round + 1);
        const rate = count / (await writeAll(sink, all));
        const { rows } = await refreshing;
        if (rows < MANY) throw new Error(`only ${rows} buckets were refreshed`);
        return rate;
      },
    });
    // The first round warms caches and the disk.
    if (round === 0) continue;
    rates.alone.push(measured.alone);
    rates.beside.push(measured.beside);
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
