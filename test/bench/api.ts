/**
 * Questions over HTTP by 32 clients, with most points compressed, while devices publish 5,000 points a second into the same
 * series. The clients are dashboards, each of which asks about once a second (the three kinds in turn), at moments of its own;
 * what that takes is what issue and docs mean by a p95. Beside it the same clients without a pause: then all of the machine is
 * taken, and the time of an answer is that of 32 of them. `--minutes`: how long they ask at their pace. The points, and the
 * aggregates by hours, are made first: some minutes.
 */

import { Agent, get } from 'node:http';
import { loadavg } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from 'pg';
import { migrate } from '../../src/postgres/migrate.ts';
import { openPostgres, runJob } from '../integration/engines/engines.ts';
import { startBroker } from '../support/broker.ts';
import { type Daemon, startDaemon } from '../support/daemon.ts';
import { startTestPostgres } from '../support/postgres.ts';
import { addresses } from '../support/program.ts';
import { fillCompressed, type SetSeries, START } from './compressed-set.ts';
import { freshDatabase } from './database.ts';
import { Hours } from './hours.ts';
import { preparePublisher } from './publishing.ts';
import { generator } from './point-sets.ts';

const LOGGER = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const DEVICES = 1_000;
const MONTH = 31 * 86_400;
const RATE = 5_000;
const CLIENTS = 32;
/** Milliseconds between two questions of a client, on average: as dashboards that are refreshed. */
const PAUSE = 1_000;
/** Of the clients without a pause. */
const HURRIED_SECONDS = 15;
/** Questions that are not counted, of each kind: the caches of a server that has run for a while are warm. */
const WARM_UP = 30;

type Random = () => number;

export async function benchApi({ count, minutes }: { count: number; minutes: number }): Promise<string[]> {
  await using postgres = await startTestPostgres({ max_wal_size: '4GB', shared_buffers: '1GB' });
  await using broker = await startBroker({ kind: 'mosquitto' });
  const { url, client } = await freshDatabase(postgres.url);
  await migrate({ url, schema: 'public', readerRole: null, writerRole: null, logger: LOGGER });
  const begin = performance.now();
  const set = seriesOf(count);
  const hours = new Hours();
  await fillCompressed(client, set, (seriesId, points) => hours.add(seriesId, points));
  await hours.write(client, new Date(START + (MONTH + 86_400) * 1000).toISOString());
  await pack(url, client);
  await client.end();
  const made = (performance.now() - begin) / 1000;
  await using daemon = await startDaemon({ env: addresses(broker, url) });
  const seconds = minutes * 60;
  const messages = RATE * (seconds + HURRIED_SECONDS + 60);
  const shape = { layout: 'one', points: 1, devices: DEVICES, step: 20 } as const;
  const flow = { prefix: 'devices', ...shape, from: 0, count: messages, first: 0, rate: RATE };
  const publishing = await preparePublisher(broker.port, flow);
  publishing.begin();
  const paced = await phase(daemon, set, { seconds, pause: PAUSE });
  const hurried = await phase(daemon, set, { seconds: HURRIED_SECONDS, pause: 0 });
  await publishing[Symbol.asyncDispose]();
  await daemon.stop();
  const total = set.reduce((sum, { points }) => sum + points, 0);
  return [
    `${total} points of ${DEVICES} series, compressed; made and packed in ${Math.round(made)} s`,
    `${CLIENTS} clients, each with a question about every ${PAUSE / 1000} s:`,
    ...paced,
    `${CLIENTS} clients without a pause:`,
    ...hurried,
  ];
}

interface Pace {
  readonly seconds: number;
  /** Milliseconds. */
  readonly pause: number;
}

async function phase(daemon: Daemon, set: readonly SetSeries[], pace: Pace): Promise<string[]> {
  const before = (await daemon.stats()).points.stored;
  const begin = performance.now();
  const asked = await askAll(daemon.url, set, pace);
  const seconds = (performance.now() - begin) / 1000;
  const stored = ((await daemon.stats()).points.stored - before) / seconds;
  const answers = [...asked.values()].reduce((sum, took) => sum + took.length, 0) / seconds;
  return [
    ...[...asked].map(([name, took]) => told(name, took)),
    `  ${answers.toFixed(1)} answers/s, ${Math.round(stored).toLocaleString('en-US')} points/s stored, a load of ${loadavg()[0]?.toFixed(1)}`,
  ];
}

/** Some have a point a second for a month; the others share a tenth of all. */
function seriesOf(count: number): SetSeries[] {
  const dense = Math.max(1, Math.round((count * 0.9) / MONTH));
  const each = Math.max(1, Math.round((count * 0.1) / (DEVICES - dense)));
  return Array.from({ length: DEVICES }, (_, index) => ({
    device: `device-${index}`,
    points: index < dense ? MONTH : each,
    every: index < dense ? 1 : Math.max(1, Math.floor(MONTH / each)),
  }));
}

async function pack(url: string, client: Client): Promise<void> {
  await runJob(openPostgres({ url }), 'compression', { byHand: true });
  await client.query('VACUUM ANALYZE');
  await client.query('CHECKPOINT');
}

/** Of each kind one question, on the series and at the times that `random` picks. */
function questions(set: readonly SetSeries[], random: Random): Record<string, string> {
  const dense = set.filter(({ every }) => every === 1);
  const { device } = dense[Math.floor(random() * dense.length)] as SetSeries;
  const at = (second: number) => new Date(START + second * 1000).toISOString();
  const second = Math.floor(random() * (MONTH - 3_600));
  const metric = `/api/devices/${device}/metrics?metric_name=temperature`;
  return {
    'one hour raw of one series (3,600 rows)': `${metric}&granularity=raw&start_time=${at(second)}&end_time=${at(second + 3_600)}`,
    'a month of one series by hours (744 rows)': `${metric}&granularity=1hour&start_time=${at(0)}&end_time=${at(MONTH)}`,
    'latest of 1,000 devices': '/api/latest?metric_name=temperature&limit=1000',
  };
}

/** Resolves to the milliseconds of every answer, by kind. */
async function askAll(
  url: string,
  set: readonly SetSeries[],
  { seconds, pause }: Pace,
): Promise<Map<string, number[]>> {
  const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });
  const took = new Map<string, number[]>();
  const end = performance.now() + seconds * 1000;
  const client = async (number: number) => {
    const random = generator(number + 1);
    for (let turn = number; performance.now() < end; turn++) {
      if (pause > 0) await delay(random() * 2 * pause);
      const kinds = Object.entries(questions(set, random));
      const [name, path] = kinds[turn % kinds.length] as [string, string];
      const begin = performance.now();
      await ask(url + path, agent);
      const all = took.get(name) ?? [];
      all.push(performance.now() - begin);
      took.set(name, all);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, (_, number) => client(number)));
  agent.destroy();
  return took;
}

/** To the last byte. */
async function ask(url: string, agent: Agent): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const request = get(url, { agent }, (response) => {
    if (response.statusCode !== 200) reject(new Error(`${url}: ${response.statusCode}`));
    response.resume().once('end', resolve).once('error', reject);
  });
  request.once('error', reject);
  await promise;
}

function told(name: string, all: readonly number[]): string {
  const took = all.slice(WARM_UP).sort((one, other) => one - other);
  const at = (part: number) => (took[Math.floor(took.length * part)] ?? Number.NaN).toFixed(1);
  return `  ${name.padEnd(42)} p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, p99 ${at(0.99)} ms of ${took.length}`;
}
