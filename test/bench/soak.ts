/**
 * A steady flow for as long as is asked (`--minutes`, `--count` messages a second): whether the rate is held, and what grows:
 * memory, file descriptors, the tables that the daemon itself keeps.
 */

import { readdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from 'pg';
import { startBroker } from '../support/broker.ts';
import { type Daemon, startDaemon } from '../support/daemon.ts';
import { createFolder } from '../support/folder.ts';
import { startTestPostgres } from '../support/postgres.ts';
import { addresses } from '../support/program.ts';
import { freshDatabase } from './database.ts';
import { figure } from './figures.ts';
import { memoryOf } from './processes.ts';
import { preparePublisher, type Publishing } from './publishing.ts';

const DEVICES = 1000;
/** Milliseconds between two looks. */
const SAMPLE = 10_000;
/** Rows that come and go, or are updated again and again. */
const BOOKS = ['batches', 'deliveries', 'dirty_buckets', 'ingest_totals', 'series_stats', 'sessions', 'jobs'];

interface Sample {
  readonly minutes: number;
  readonly stored: number;
  /** Resident, MiB. */
  readonly memory: number;
  readonly descriptors: number;
  /** MiB of BOOKS, and their dead rows. */
  readonly books: number;
  readonly deadRows: number;
}

export async function benchSoak({
  count: rate,
  minutes,
}: {
  count: number;
  minutes: number;
}): Promise<string[]> {
  await using postgres = await startTestPostgres();
  await using broker = await startBroker({ kind: 'mosquitto' });
  await using folder = await createFolder();
  const database = await freshDatabase(postgres.url);
  await using daemon = await startDaemon({
    env: { ...addresses(broker, database.url), TIDEGATE_SPOOL_PATH: folder.path },
  });
  const total = Math.round(rate * minutes * 60);
  const shape = { layout: 'one', points: 1, devices: DEVICES, step: 20 } as const;
  const flow = { prefix: 'devices', ...shape, from: 0, count: total, first: 0, rate };
  await using publishing = await preparePublisher(broker.port, flow);
  const samples = await watched(publishing, daemon, database.client);
  await eventuallyStored(database.client, total);
  await daemon.stop();
  await database.client.end();
  return told(samples, rate, total);
}

async function watched(publishing: Publishing, daemon: Daemon, client: Client): Promise<Sample[]> {
  const begun = performance.now();
  const samples: Sample[] = [];
  publishing.begin();
  while (publishing.running) {
    await delay(SAMPLE);
    samples.push(await sample((performance.now() - begun) / 60_000, daemon.pid, client));
  }
  return samples;
}

async function sample(minutes: number, pid: number, client: Client): Promise<Sample> {
  const { rows } = await client.query<{ stored: number; bytes: number; dead: number }>(
    `SELECT ((SELECT coalesce(sum(points_stored), 0) FROM tidegate.ingest_totals)
         + (SELECT coalesce(sum(points_stored), 0) FROM tidegate.batches))::float8 AS stored,
       (SELECT sum(pg_total_relation_size(relid)) FROM pg_stat_user_tables WHERE relname = ANY ($1))::float8 AS bytes,
       (SELECT sum(n_dead_tup) FROM pg_stat_user_tables WHERE relname = ANY ($1))::float8 AS dead`,
    [BOOKS],
  );
  const { stored = 0, bytes = 0, dead = 0 } = rows[0] ?? {};
  return {
    minutes,
    stored,
    memory: memoryOf(pid).now,
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    books: bytes / 2 ** 20,
    deadRows: dead,
  };
}

async function eventuallyStored(client: Client, total: number): Promise<void> {
  for (;;) {
    const { rows } = await client.query<{ rows: number }>('SELECT count(*)::float8 AS rows FROM iot_data');
    if (rows[0]?.rows === total) return;
    await delay(500);
  }
}

function told(samples: readonly Sample[], rate: number, total: number): string[] {
  const rates = samples.slice(1, -1).map(({ stored, minutes }, index) => {
    const before = samples[index] as Sample;
    return (stored - before.stored) / (minutes - before.minutes) / 60;
  });
  // Whatever is filled and warmed at first is no leak.
  const settled = samples.slice(Math.floor(samples.length / 4));
  const [first, last] = [settled[0], settled.at(-1)];
  return [
    `${total} one-point QoS 1 messages of ${DEVICES} devices, ${rate} a second asked, all stored`,
    `  stored                ${figure(rates).text('messages/s')}`,
    `  resident memory       ${figure(settled.map(({ memory }) => memory)).text('MiB')}, slope ${(60 * slope(settled)).toFixed(2)} MiB an hour after the first quarter`,
    `  file descriptors      ${figure(samples.map(({ descriptors }) => descriptors)).text('')}, ${first?.descriptors} and at the end ${last?.descriptors}`,
    `  the daemon's tables   ${figure(settled.map(({ books }) => books)).text('MiB')}, ${first?.books.toFixed(2)} and at the end ${last?.books.toFixed(2)} MiB, at most ${Math.max(...samples.map(({ deadRows }) => deadRows))} dead rows`,
  ];
}

/** MiB a minute, by least squares. */
function slope(samples: readonly Sample[]): number {
  const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const time = mean(samples.map(({ minutes }) => minutes));
  const memory = mean(samples.map((one) => one.memory));
  const covariance = mean(samples.map((one) => (one.minutes - time) * (one.memory - memory)));
  return covariance / mean(samples.map(({ minutes }) => (minutes - time) ** 2));
}
