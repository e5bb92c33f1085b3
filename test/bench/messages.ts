/** One-point QoS 1 JSON messages end to end: Tidegate beside `mosquitto_sub | psql COPY`, in turn, in one run. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from 'pg';
import { startTestPostgres } from '../support/postgres.ts';
import { startBroker, type TestBroker } from '../support/broker.ts';
import { freshDatabase } from './database.ts';
import { type Figure, figure, ratios } from './figures.ts';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const DEVICES = 1000;
/** Cheap to ask often, and true: a batch's count commits with its rows. */
const COMMITTED = `SELECT (SELECT sum(points_stored) FROM tidegate.ingest_totals)
  + (SELECT coalesce(sum(points_stored), 0) FROM tidegate.batches) AS rows`;
export const BROKER = [
  'max_inflight_messages 5000',
  ...['error', 'warning', 'notice', 'information', 'subscribe'].map((type) => `log_type ${type}`),
];

interface Run {
  readonly rate: number;
  /** Microseconds of CPU a message: of the consumer's own process, and the peak of its resident memory in MiB. */
  readonly cpu: number;
  readonly memory: number;
}

export async function benchMessages({ rounds, count }: { rounds: number; count: number }): Promise<string[]> {
  await using postgres = await startTestPostgres();
  const ours: Run[] = [];
  const theirs: Run[] = [];
  for (let round = 0; round <= rounds; round++) {
    const measured = { theirs: await pipe(postgres.url, count), ours: await tidegate(postgres.url, count) };
    // The first round warms caches and the disk.
    if (round === 0) continue;
    ours.push(measured.ours);
    theirs.push(measured.theirs);
  }
  const rate = (runs: Run[]): Figure => figure(runs.map((run) => run.rate));
  return [
    `${count} one-point QoS 1 JSON messages of ${DEVICES} devices, ${rounds} rounds in turn, to the last row visible:`,
    `  mosquitto_sub | psql COPY   ${rate(theirs).text('messages/s')}`,
    `  tidegate                    ${rate(ours).text('messages/s')}, ${figure(ours.map(({ cpu }) => cpu)).text('us CPU of the daemon a message')}, peak ${figure(ours.map(({ memory }) => memory)).text('MiB')}`,
    `  ratio tidegate / pipe       ${ratios(
      ours.map((run) => run.rate),
      theirs.map((run) => run.rate),
    ).text('')}`,
  ];
}

/** `env`: further variables of the daemon. */
export async function tidegate(
  url: string,
  count: number,
  env: Readonly<Record<string, string>> = {},
): Promise<Run> {
  await using broker = await startBroker({ kind: 'mosquitto', config: BROKER });
  const database = await freshDatabase(url);
  const daemon = spawn(process.execPath, [MAIN, 'run'], {
    env: {
      ...process.env,
      TIDEGATE_MQTT_URL: broker.url,
      TIDEGATE_DATABASE_URL: database.url,
      TIDEGATE_HTTP_PORT: '0',
      TIDEGATE_LOG_FORMAT: 'json',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await line(daemon, 'receives and stores');
  const publisher = await readyPublisher(broker, count);
  const begin = performance.now();
  publisher.stdin?.write('go\n');
  await rowsVisible(database.client, COMMITTED, count);
  const seconds = (performance.now() - begin) / 1000;
  const { cpu, memory } = usage(daemon.pid as number);
  const stored = await database.client.query<{ rows: string }>('SELECT count(*) AS rows FROM iot_data');
  if (Number(stored.rows[0]?.rows) !== count) throw new Error(`stored ${stored.rows[0]?.rows} of ${count}`);
  daemon.kill('SIGTERM');
  await once(daemon, 'exit');
  await database.client.end();
  return { rate: count / seconds, cpu: (cpu * 1e6) / count, memory };
}

async function pipe(url: string, count: number): Promise<Run> {
  await using broker = await startBroker({ kind: 'mosquitto', config: BROKER });
  const database = await freshDatabase(url);
  await database.client.query('CREATE TABLE raw (topic text, payload text)');
  const consumer = spawn(
    '/bin/sh',
    [
      '-c',
      `mosquitto_sub -V mqttv5 -D connect receive-maximum 5000 -c -i pipe -p ${broker.port} -q 1 -t 'devices/#' -C ${count} -F '%t\\t%p' |
       psql -q '${database.url}' -c 'COPY raw (topic, payload) FROM STDIN'`,
    ],
    { stdio: 'inherit' },
  );
  const finished = once(consumer, 'exit');
  await subscribed(broker);
  const publisher = await readyPublisher(broker, count);
  const begin = performance.now();
  publisher.stdin?.write('go\n');
  await finished;
  await rowsVisible(database.client, 'SELECT count(*) AS rows FROM raw', count);
  const seconds = (performance.now() - begin) / 1000;
  await database.client.end();
  return { rate: count / seconds, cpu: Number.NaN, memory: Number.NaN };
}

export async function readyPublisher(broker: TestBroker, count: number): Promise<ChildProcess> {
  const publisher = spawn(
    process.execPath,
    [`${HERE}publisher.ts`, String(broker.port), String(count), String(DEVICES)],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  await line(publisher, 'ready');
  return publisher;
}

export async function line(process: ChildProcess, text: string): Promise<void> {
  let seen = '';
  for await (const chunk of process.stdout as AsyncIterable<Buffer>) {
    seen += chunk.toString();
    if (seen.includes(text)) break;
  }
  process.stdout?.on('error', () => {}).resume();
}

async function subscribed(broker: TestBroker): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    if (broker.log().includes('devices/#')) return;
    await delay(50);
  }
  throw new Error('mosquitto_sub did not subscribe');
}

async function rowsVisible(client: Client, sql: string, count: number): Promise<void> {
  for (;;) {
    const { rows } = await client.query<{ rows: string | null }>(sql);
    if (Number(rows[0]?.rows ?? 0) >= count) return;
    await delay(20);
  }
}

/** CPU seconds and peak resident MiB of a process so far (proc(5)). */
export function usage(pid: number): { cpu: number; memory: number } {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return { cpu: (Number(fields[11]) + Number(fields[12])) / 100, memory: Number(peak?.[1]) / 1024 };
}
