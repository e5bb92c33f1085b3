/**
 * The daemon with its spool: how fast it brings in what was spooled, beside how fast it writes live, in one run; and how
 * soon it commits again after a restart of the database, and after SIGKILL.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import type { IngestStats } from '../../src/pipeline/types.ts';
import type { TestBroker } from '../support/broker.ts';
import { startTestPostgres } from '../support/postgres.ts';
import { startTraffic } from '../support/traffic.ts';
import { startBenchBroker } from './broker.ts';
import { freshDatabase } from './database.ts';
import { figure, ratios } from './figures.ts';
import { Flows } from './flows.ts';
import { preparePublisher } from './publishing.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

interface Round {
  /** Messages a second. */
  readonly live: number;
  readonly spooled: number;
  readonly drained: number;
  /** Seconds from the database's answer, and from SIGKILL with a new start at once, to the first commit. */
  readonly afterRestart: number;
  readonly afterKill: number;
}

export async function benchSpooling({ rounds, count }: { rounds: number; count: number }): Promise<string[]> {
  const measured: Round[] = [];
  for (let round = 0; round <= rounds; round++) {
    const one = await measure(count);
    // The first round warms caches and the disk.
    if (round > 0) measured.push(one);
  }
  const of = (what: keyof Round) => figure(measured.map((round) => round[what]));
  const ratio = ratios(
    measured.map(({ drained }) => drained),
    measured.map(({ live }) => live),
  );
  return [
    `${count} one-point QoS 1 JSON messages live, the same number with PostgreSQL stopped, ${rounds} rounds:`,
    `  live, to the database       ${of('live').text('messages/s')}`,
    `  to the spool                ${of('spooled').text('messages/s')}`,
    `  drained                     ${of('drained').text('messages/s')}`,
    `  ratio drained / live        ${ratio.text('')}`,
    `  first commit after PostgreSQL answers again   ${of('afterRestart').text('s')}`,
    `  first commit after SIGKILL and a new start    ${of('afterKill').text('s')}`,
  ];
}

async function measure(count: number): Promise<Round> {
  await using postgres = await startTestPostgres();
  await using broker = await startBenchBroker();
  const database = await freshDatabase(postgres.url);
  const folder = await mkdtemp(join(tmpdir(), 'tidegate-bench-'));
  const shape = { layout: 'one', points: 1, devices: 1000, step: 20 } as const;
  const flows = new Flows('devices', shape, { count, runs: 2 });
  let daemon = await start(broker, database.url, folder);
  try {
    const live = await flow(broker, flows, daemon, count, ({ messages }) => messages.settled >= count);
    await database.client.end();
    await postgres.stop('fast');
    const spooled = await flow(broker, flows, daemon, count, ({ messages }) => messages.spooled >= count);
    await postgres.start();
    const back = performance.now();
    const stored = await until(daemon, ({ messages }) => messages.settled > count);
    const afterRestart = (performance.now() - back) / 1000;
    const rest = 2 * count - stored.messages.settled;
    const begin = performance.now();
    await until(daemon, ({ messages }) => messages.settled >= 2 * count);
    const drained = rest / ((performance.now() - begin) / 1000);

    const client = new Client({ connectionString: database.url });
    await client.connect();
    await using traffic = startTraffic(broker.url);
    await traffic.more(2_000);
    daemon.child.kill('SIGKILL');
    const [killed, killedAt] = [performance.now(), Date.now()];
    const starting = start(broker, database.url, folder);
    const sql = 'SELECT FROM tidegate.batches WHERE committed_at > to_timestamp($1 / 1000.0)';
    while ((await client.query(sql, [killedAt + 100])).rows.length === 0) await delay(20);
    const afterKill = (performance.now() - killed) / 1000;
    daemon = await starting;
    await client.end();
    return { live, spooled, drained, afterRestart, afterKill };
  } finally {
    daemon.child.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  }
}

interface Daemon {
  readonly child: ChildProcess;
  readonly url: string;
}

/** Resolves once it answers over HTTP. */
async function start(broker: TestBroker, databaseUrl: string, spool: string): Promise<Daemon> {
  const child = spawn(process.execPath, [MAIN, 'run'], {
    env: {
      ...process.env,
      TIDEGATE_MQTT_URL: broker.url,
      TIDEGATE_DATABASE_URL: databaseUrl,
      TIDEGATE_HTTP_PORT: '0',
      TIDEGATE_LOG_FORMAT: 'json',
      TIDEGATE_SPOOL_PATH: spool,
      TIDEGATE_SPOOL_AFTER: '1s',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
    output += chunk.toString();
    if (output.includes('receives and stores')) break;
  }
  child.stdout?.on('error', () => {}).resume();
  return { child, url: /HTTP answers at (http:[^"\s]+)/.exec(output)?.[1] as string };
}

/** Publishes; resolves to messages a second until `done`. */
async function flow(
  broker: TestBroker,
  flows: Flows,
  daemon: Daemon,
  count: number,
  done: (stats: IngestStats) => boolean,
): Promise<number> {
  await using publishing = await preparePublisher(broker.port, flows.next(count));
  const begin = performance.now();
  publishing.begin();
  await until(daemon, done);
  return count / ((performance.now() - begin) / 1000);
}

async function until(daemon: Daemon, done: (stats: IngestStats) => boolean): Promise<IngestStats> {
  for (;;) {
    const found = await stats(daemon);
    if (done(found)) return found;
    await delay(20);
  }
}

async function stats({ url }: Daemon): Promise<IngestStats> {
  const response = await fetch(`${url}/api/stats/ingest`);
  return (await response.json()) as IngestStats;
}
