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
/** One a second. */
const EACH = 60;
/** Times as many points are written in each turn, or until the job beside has done its work. */
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
    `a minute of ${MANY} series, ${EACH} points each, refreshed:`,
    `  alone                                  ${figure(minutes.seconds).text('s')}`,
    `  beside ingestion                       ${figure(minutes.besideSeconds).text('s')}`,
    `ingestion with ${WRITERS} writers, in turn alone and from the beginning to the end of that refresh:`,
    `  alone                                  ${figure(minutes.alone).text('points/s')}`,
    `  beside the refresh                     ${figure(minutes.beside).text('points/s')}`,
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
        const job = openPostgres({ url }).jobs.find(({ name }) => name === 'compression');
        const beside = await writeBeside(sink, all, () =>
          job?.run({ epoch: 0, signal: new AbortController().signal }),
        );
        return beside.rate;
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

/**
 * Refreshes a minute by itself, then writes while the next one is refreshed in the same process, as a daemon does once a
 * minute, and as many points without.
 */
async function besideRefresh(server: string, rounds: number, count: number): Promise<RefreshFigures> {
  const { url, client } = await migrated(server);
  const sink = openSink({ url }, { clientId: 'bench' });
  await sink.maintain();
  const now = Math.floor(Date.now() / 60_000) * MINUTE;
  const start = now - 60 * MINUTE;
  await fillMinutes(client, start, 2 * (rounds + 1) + 1);
  const { levels } = engineOptions({ url });
  let refreshed = 0;
  const refresh = async () => {
    const begin = performance.now();
    const { rows } = await refreshAggregates(
      client,
      schemaNames('public'),
      // The budget that a daemon has.
      { levels, budget: 30_000, force: true, now: start + (refreshed++ + 2) * MINUTE },
      { epoch: 0, signal: new AbortController().signal },
    );
    if (rows < MANY) throw new Error(`only ${rows} buckets were refreshed`);
    return (performance.now() - begin) / 1000;
  };
  await refresh();
  const figures: RefreshFigures = { alone: [], beside: [], seconds: [], besideSeconds: [] };
  let written = 0;
  // As many batches as the last refresh took to be done.
  let stretch = (2 * count) / 10_000;
  for (let round = 0; round <= rounds; round++) {
    // Later than what is refreshed, as what devices send is.
    const batches = () =>
      Array.from({ length: STRETCH }, () => [
        ...exampleBatches(count, now + MINUTE + written++ * 1_000, DAY),
      ]).flat();
    await client.query('CHECKPOINT');
    const seconds = await refresh();
    let besideSeconds = 0;
    const measured = await inTurn(round, {
      alone: async () => {
        const some = batches().slice(0, stretch);
        const points = some.reduce((sum, batch) => sum + batch.points.length, 0);
        return points / (await writeAll(sink, some));
      },
      beside: async () => {
        const { rate, batches: taken } = await writeBeside(sink, batches(), async () => {
          besideSeconds = await refresh();
        });
        stretch = taken;
        return rate;
      },
    });
    // The first round warms caches and the disk.
    if (round === 0) continue;
    figures.alone.push(measured.alone);
    figures.beside.push(measured.beside);
    figures.seconds.push(seconds);
    figures.besideSeconds.push(besideSeconds);
  }
  await sink.close();
  await client.end();
  return figures;
}

interface RefreshFigures {
  /** Points a second. */
  readonly alone: number[];
  readonly beside: number[];
  /** Of a refresh. */
  readonly seconds: number[];
  readonly besideSeconds: number[];
}

/** Points of `minutes` minutes from `start` (microseconds) on, in the order of time, as writers leave them. */
async function fillMinutes(client: Client, start: number, minutes: number): Promise<void> {
  await client.query(
    `INSERT INTO tidegate.series (device_id, metric_name, is_text, kind)
     SELECT 'minute_' || n, 'temperature', false, 'gauge' FROM generate_series(1, $1::int) n`,
    [MANY],
  );
  await client.query(
    `SELECT tidegate.open_chunk('points', to_timestamp($1 + n), '1 day') FROM generate_series(0, 3600, 3600) n`,
    [start / 1e6],
  );
  await client.query(
    `INSERT INTO tidegate.points SELECT s.series_id, to_timestamp($1) + n * interval '1 second', 20 + n % 7
     FROM generate_series(0, $2::int - 1) n, tidegate.series s`,
    [start / 1e6, minutes * EACH],
  );
  await client.query('VACUUM ANALYZE tidegate.series, tidegate.points');
}

/** Writes until `work` is done: how many points a second, and how many batches. */
async function writeBeside(
  sink: ReturnType<typeof openSink>,
  batches: Batch[],
  work: () => Promise<unknown> | undefined,
): Promise<{ rate: number; batches: number }> {
  const all = [...batches];
  let left = 0;
  const working = work()?.finally(() => {
    left = all.splice(0).length;
  });
  const seconds = await writeAll(sink, all);
  await working;
  const taken = batches.slice(0, batches.length - left);
  const points = taken.reduce((sum, batch) => sum + batch.points.length, 0);
  return { rate: points / seconds, batches: taken.length };
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
