/**
 * Questions over HTTP by 32 clients, with most points compressed, while devices publish 5,000 points a second, of which a fifth
 * goes into the series that are asked. The clients are dashboards, each of which asks about once a second (the three kinds in
 * turn), at moments that are set beforehand; that is what issue and docs mean by a p95. Beside it the same clients without a
 * pause: then all of the machine is taken, and the time of an answer is that of 32 of them. And what a question of each kind
 * costs, with nothing published. `--minutes`: how long they ask at their pace. `--layout one`: messages of one point each, five
 * times as many. `--apart`: the API in a process of its own. The points, and the aggregates by hours, are made first, which takes
 * some minutes; `--keep DIR` keeps them there for the next run.
 */

import { loadavg } from 'node:os';
import type { Client } from 'pg';
import { migrate } from '../../src/postgres/migrate.ts';
import { openPostgres, runJob } from '../integration/engines/engines.ts';
import { startBroker } from '../support/broker.ts';
import { type Daemon, startDaemon } from '../support/daemon.ts';
import { addresses } from '../support/program.ts';
import { askAll, askInTurn, type Kinds, type Took } from './asking.ts';
import { fillCompressed, type SetSeries, START } from './compressed-set.ts';
import type { Flow } from './flow-shapes.ts';
import { Hours } from './hours.ts';
import { copyOf, startServer } from './kept-database.ts';
import { cpuOf } from './processes.ts';
import { preparePublisher } from './publishing.ts';

const LOGGER = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const DEVICES = 1_000;
const MONTH = 31 * 86_400;
/** Points a second. */
const RATE = 5_000;
const CLIENTS = 32;
/** Milliseconds between two questions of a client, on average: as dashboards that are refreshed. */
const PAUSE = 1_000;
/** Of the clients without a pause. */
const HURRIED_SECONDS = 15;
/** Of one client that asks one kind. */
const COST_QUESTIONS = 500;
/** Before anything counts: the caches of a server that has run for a while are warm, and so is the code. */
const WARM_UP_SECONDS = 10;

/** The devices that are asked send a temperature: alone, or with four others in one message a second. */
const LAYOUTS: Readonly<Record<string, Pick<Flow, 'layout' | 'points' | 'names'>>> = {
  one: { layout: 'one', points: 1 },
  metrics: {
    layout: 'metrics',
    points: 5,
    names: ['temperature', 'humidity', 'pressure', 'voltage', 'current'],
  },
};

export interface ApiBench {
  readonly count: number;
  readonly minutes: number;
  /** A key of LAYOUTS. */
  readonly layout: string;
  /** Null: nothing is kept. */
  readonly keep: string | null;
  readonly apart: boolean;
}

export async function benchApi({ count, minutes, layout, keep, apart }: ApiBench): Promise<string[]> {
  const shape = LAYOUTS[layout];
  if (shape === undefined) throw new Error(`--layout: ${Object.keys(LAYOUTS).join(' or ')}, not ${layout}`);
  await using postgres = await startServer(keep, { max_wal_size: '4GB', shared_buffers: '1GB' });
  await using broker = await startBroker({ kind: 'mosquitto' });
  const set = seriesOf(count);
  const url = await copyOf(postgres.url, `api_${count}`, (filled, client) => fill(filled, client, set));
  // All clients have one address.
  const env = { ...addresses(broker, url), TIDEGATE_HTTP_RATE_LIMIT: '0' };
  await using daemon = await startDaemon({ env });
  await using other = apart ? await startDaemon({ env, config: 'components: [api]' }) : null;
  const asked = other ?? daemon;
  const kinds = questions(set);
  const clients = { kinds, clients: CLIENTS };
  await phase(asked, daemon, { ...clients, seconds: WARM_UP_SECONDS, every: PAUSE });
  const costs = await costsOf(asked, postgres.pid as number, kinds);
  const rate = RATE / shape.points;
  const messages = rate * (minutes * 60 + WARM_UP_SECONDS + HURRIED_SECONDS + 60);
  const turns = { devices: DEVICES, step: (DEVICES * 1000) / rate, from: 0, count: messages, first: 0 };
  await using publishing = await preparePublisher(broker.port, {
    prefix: 'devices',
    ...shape,
    ...turns,
    rate,
  });
  publishing.begin();
  await phase(asked, daemon, { ...clients, seconds: WARM_UP_SECONDS, every: PAUSE });
  const paced = await phase(asked, daemon, { ...clients, seconds: minutes * 60, every: PAUSE });
  const hurried = await phase(asked, daemon, { ...clients, seconds: HURRIED_SECONDS, every: 0 });
  await publishing[Symbol.asyncDispose]();
  await other?.stop();
  await daemon.stop();
  const total = set.reduce((sum, { points }) => sum + points, 0);
  return [
    `${total} points of ${DEVICES} series, compressed; ${rate.toLocaleString('en-US')} messages/s of ${shape.points}; API in ${apart ? 'a process of its own' : 'the process that stores'}`,
    'one client without a pause, nothing published; CPU of an answer, daemon + server:',
    ...costs,
    `${CLIENTS} clients, each with a question about every ${PAUSE / 1000} s, counted from when it was due:`,
    ...paced,
    `${CLIENTS} clients without a pause:`,
    ...hurried,
  ];
}

/** What an answer of each kind costs. */
async function costsOf(asked: Daemon, server: number, kinds: Kinds): Promise<string[]> {
  const lines: string[] = [];
  for (const [name, kind] of Object.entries(kinds)) {
    const spent = () => [cpuOf(asked.pid), cpuOf(server)];
    const before = spent();
    const took = await askInTurn(asked.url, kind, COST_QUESTIONS);
    const each = spent().map((cpu, index) => ((cpu - (before[index] ?? 0)) * 1000) / COST_QUESTIONS);
    lines.push(
      `${told(name, new Map([[name, took]]))}; CPU ${each.map((cpu) => cpu.toFixed(2)).join(' + ')} ms`,
    );
  }
  return lines;
}

async function fill(url: string, client: Client, set: readonly SetSeries[]): Promise<void> {
  await migrate({ url, schema: 'public', readerRole: null, writerRole: null, logger: LOGGER });
  const hours = new Hours();
  await fillCompressed(client, set, (seriesId, points) => hours.add(seriesId, points));
  await hours.write(client, new Date(START + (MONTH + 86_400) * 1000).toISOString());
  await runJob(openPostgres({ url }), 'compression', { byHand: true });
  await client.query('VACUUM ANALYZE');
}

interface Phase {
  readonly kinds: Kinds;
  readonly clients: number;
  readonly seconds: number;
  readonly every: number;
}

async function phase(asked: Daemon, storing: Daemon, how: Phase): Promise<string[]> {
  const before = (await storing.stats()).points.stored;
  // Each look begins anew.
  await loopDelay(asked);
  const begin = performance.now();
  const took = await askAll({ url: asked.url, ...how });
  const seconds = (performance.now() - begin) / 1000;
  const stored = ((await storing.stats()).points.stored - before) / seconds;
  const answers = [...took.values()].reduce((sum, all) => sum + all.length, 0) / seconds;
  return [
    ...[...took.keys()].map((name) => told(name, took)),
    `  ${answers.toFixed(1)} answers/s, ${Math.round(stored).toLocaleString('en-US')} points/s stored; a timer of 10 ms took ${await loopDelay(asked)}; a load of ${loadavg()[0]?.toFixed(1)}`,
  ];
}

/** How long its event loop took to come round to a timer, since the last look. */
async function loopDelay({ url }: Daemon): Promise<string> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const shown = ['p50', 'p99', 'max'].map((part) => {
    const seconds = new RegExp(`^nodejs_eventloop_lag_${part}_seconds (\\S+)$`, 'm').exec(text)?.[1];
    return `${(Number(seconds) * 1000).toFixed(1)} ms (${part})`;
  });
  return shown.join(', ');
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

/** Of the series that have a point a second one each time, at any time. */
function questions(set: readonly SetSeries[]): Kinds {
  const dense = set.filter(({ every }) => every === 1);
  const at = (second: number) => new Date(START + second * 1000).toISOString();
  const metric = (random: () => number) => {
    const { device } = dense[Math.floor(random() * dense.length)] as SetSeries;
    return `/api/devices/${device}/metrics?metric_name=temperature`;
  };
  return {
    'one hour raw of one series (3,600 rows)': (random) => {
      const second = Math.floor(random() * (MONTH - 3_600));
      return `${metric(random)}&granularity=raw&start_time=${at(second)}&end_time=${at(second + 3_600)}`;
    },
    'a month of one series by hours (744 rows)': (random) =>
      `${metric(random)}&granularity=1hour&start_time=${at(0)}&end_time=${at(MONTH)}`,
    'latest of 1,000 devices': () => '/api/latest?metric_name=temperature&limit=1000',
  };
}

function told(name: string, all: Took): string {
  const took = (all.get(name) ?? []).toSorted((one, other) => one - other);
  const at = (part: number) => (took[Math.floor(took.length * part)] ?? Number.NaN).toFixed(1);
  return `  ${name.padEnd(42)} p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, p99 ${at(0.99)} ms of ${took.length}`;
}
