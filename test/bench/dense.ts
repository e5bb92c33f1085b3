/** Batches of many points of a series through the sink: as segments beside as keyed rows, in turn, in one run. */

import type { Client } from 'pg';
import type { Batch } from '../../src/pipeline/types.ts';
import { migrate } from '../../src/postgres/migrate.ts';
import { PostgresSink } from '../../src/postgres/sink.ts';
import { startTestPostgres } from '../support/postgres.ts';
import { batches, DAY, message } from '../unit/pipeline/messages.ts';
import { freshDatabase } from './database.ts';
import { type Figure, figure, ratios } from './figures.ts';
import { generator } from './point-sets.ts';
import { cpuOf } from './processes.ts';

const BATCH = 10_000;
/** Points of a series in a batch. */
const DENSITIES = [1_000, 100, 33, 16];
/** Rows take so much longer. */
const TIMES = 4;
const LOGGER = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
/** Microseconds since 1970: midnight, so that all lie in one chunk. */
const FIRST = Math.floor((Date.now() * 1000) / DAY) * DAY;

interface Run {
  readonly rate: number;
  /** Microseconds of CPU a point: of this process, and of the server's that wrote. */
  readonly cpu: number;
  readonly server: number;
  /** Bytes a point of the tables, with what stands in the log. */
  readonly bytes: number;
  readonly log: number;
}

export async function benchDense({ rounds, count }: { rounds: number; count: number }): Promise<string[]> {
  await using postgres = await startTestPostgres();
  const lines = [
    `batches of ${BATCH} points through the sink, each committed; ${count * TIMES} points as segments, ${count} as keyed rows, ${rounds} rounds in turn:`,
  ];
  for (const density of DENSITIES) {
    const dense: Run[] = [];
    const keyed: Run[] = [];
    for (let round = 0; round <= rounds; round++) {
      const measured = {
        keyed: await written(postgres.url, count, density, 0),
        dense: await written(postgres.url, count * TIMES, density, 16),
      };
      // The first round warms caches and the disk.
      if (round === 0) continue;
      dense.push(measured.dense);
      keyed.push(measured.keyed);
    }
    const of = (runs: Run[], key: keyof Run): Figure => figure(runs.map((run) => run[key]));
    const line = (runs: Run[]): string =>
      `${of(runs, 'rate').text('points/s')}; us CPU a point: ${of(runs, 'cpu').text('here,')} ${of(runs, 'server').text('the server;')} ${of(runs, 'bytes').text('bytes a point,')} ${of(runs, 'log').text('of the log')}`;
    lines.push(
      `  ${density} points of a series`,
      `    segments    ${line(dense)}`,
      `    keyed rows  ${line(keyed)}`,
      `    ratio       ${ratios(
        dense.map(({ rate }) => rate),
        keyed.map(({ rate }) => rate),
      ).text('')}`,
    );
  }
  return lines;
}

async function written(url: string, count: number, density: number, denseFrom: number): Promise<Run> {
  const database = await freshDatabase(url);
  await migrate({ url: database.url, schema: 'public', readerRole: null, writerRole: null, logger: LOGGER });
  const sink = new PostgresSink({
    url: database.url,
    schema: 'public',
    clientId: 'bench',
    statementTimeout: 60_000,
    onDuplicate: 'keep_first',
    maxSeries: BATCH,
    chunks: { interval: DAY },
    denseFrom,
  });
  const { signal } = new AbortController();
  await sink.maintain();
  const [first, ...others] = batchesOf(count + BATCH, density) as [Batch, ...Batch[]];
  // Makes the series and what else is made once.
  await sink.write(first, signal);
  const backend = await backendOf(database.client);
  const log = await logPosition(database.client);
  const server = cpuOf(backend);
  const before = process.cpuUsage();
  const begin = performance.now();
  for (const batch of others) await sink.write(batch, signal);
  const seconds = (performance.now() - begin) / 1000;
  const { user, system } = process.cpuUsage(before);
  const run = {
    rate: count / seconds,
    cpu: (user + system) / count,
    server: ((cpuOf(backend) - server) * 1e6) / count,
    log: ((await logPosition(database.client)) - log) / count,
    bytes: (await bytesOf(database.client)) / (count + BATCH),
  };
  const { rows } = await database.client.query<{ rows: string }>('SELECT count(*) AS rows FROM iot_data');
  if (Number(rows[0]?.rows) !== count + BATCH)
    throw new Error(`${rows[0]?.rows} rows instead of ${count + BATCH}`);
  await sink.close();
  await database.client.end();
  return run;
}

/** Point by point through the builder, as messages come; two decimals that wander, ten a second. */
function batchesOf(count: number, density: number): Batch[] {
  const series = BATCH / density;
  const random = generator(1);
  const values = new Float64Array(Math.ceil(series)).fill(2_000);
  let next = 0;
  const sealed = batches();
  return Array.from({ length: count / BATCH }, () =>
    sealed(
      message((out) => {
        for (let row = 0; row < BATCH; row++, next++) {
          const one = Math.floor((next % BATCH) / density);
          const index = Math.floor(next / BATCH) * density + (next % density);
          values[one] = (values[one] as number) + Math.round((random() - 0.5) * 10);
          out.number(`device-${one}`, 'x', FIRST + index * 100_000, values[one] / 100, 'gauge');
        }
      }),
    ),
  );
}

async function backendOf(client: Client): Promise<number> {
  const { rows } = await client.query<{ pid: number }>(
    `SELECT pid FROM pg_stat_activity WHERE application_name = 'tidegate bench' ORDER BY backend_start LIMIT 1`,
  );
  return rows[0]?.pid as number;
}

async function logPosition(client: Client): Promise<number> {
  const { rows } = await client.query<{ at: string }>(`SELECT pg_current_wal_lsn() - '0/0' AS at`);
  return Number(rows[0]?.at);
}

async function bytesOf(client: Client): Promise<number> {
  const { rows } = await client.query<{ bytes: string }>(
    `SELECT sum(pg_total_relation_size(relid)) AS bytes FROM (
       SELECT relid FROM pg_partition_tree('tidegate.points') UNION ALL SELECT relid FROM pg_partition_tree('tidegate.segments')) t`,
  );
  return Number(rows[0]?.bytes);
}
