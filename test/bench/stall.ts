/** A database that does not answer while messages come at full speed: what the daemon's memory and its connection do. */

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { type Daemon, settled, startDaemon } from '../support/daemon.ts';
import { startTestPostgres } from '../support/postgres.ts';
import { addresses } from '../support/program.ts';
import { startProxy, through } from '../support/proxy.ts';
import { startBenchBroker } from './broker.ts';
import { freshDatabase } from './database.ts';

const FLOW = fileURLToPath(new URL('flow.ts', import.meta.url));
const DEVICES = 1000;
/** Milliseconds between two looks. */
const LOOK = 1_000;

interface Sample {
  /** Minutes since the database stalled. */
  readonly at: number;
  /** Resident, in MiB. */
  readonly memory: number;
  readonly connected: boolean;
}

export async function benchStall({ minutes }: { minutes: number }): Promise<string[]> {
  await using postgres = await startTestPostgres();
  await using broker = await startBenchBroker();
  const database = await freshDatabase(postgres.url);
  await using proxy = await startProxy(Number(new URL(database.url).port));
  // What devices send at QoS 0 is dropped after a quarter of the keepalive: with the default in the first 15 s.
  await using daemon = await startDaemon({ env: addresses(broker, through(proxy, database.url)) });
  const flow = spawn(process.execPath, [FLOW, String(broker.port), String(DEVICES)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await delay(5 * LOOK);
  const before = memoryOf(daemon);
  proxy.blackHole();
  const samples = await watch(daemon, minutes);
  const { messages: stalled } = await daemon.stats();
  const lost = await lossOf(daemon);
  const peak = daemon.peakMemory();
  proxy.heal();
  const begin = performance.now();
  flow.kill('SIGTERM');
  const published = JSON.parse(await text(flow.stdout)) as { qos0: number; qos1: number };
  const { balanced, messages, points } = await settled(daemon);
  const seconds = (performance.now() - begin) / 1000;
  const { rows } = await database.client.query<{ rows: string }>('SELECT count(*) AS rows FROM iot_data');
  await database.client.end();
  // The queue fills and the heap finds its size first.
  const later = samples.filter(({ at }) => at > Math.min(1, minutes / 2));
  const sizes = later.map(({ memory }) => memory);
  return [
    `${minutes} minutes without an answer of the database, ${Math.round((published.qos0 + published.qos1) / (minutes * 60))} messages/s published, a tenth at QoS 1:`,
    `  resident memory before             ${before.toFixed(0)} MiB`,
    `  stalled, after the first minute    ${Math.min(...sizes).toFixed(0)} to ${Math.max(...sizes).toFixed(0)} MiB, ${slope(later).toFixed(2)} MiB a minute; peak ${peak.toFixed(0)} MiB, ${daemon.peakMemory().toFixed(0)} MiB with what came afterwards`,
    `  connection to the broker           ${samples.every(({ connected }) => connected) ? 'held' : 'lost'}, reconnects ${count(daemon, /connecting to/g)}`,
    `  received until then                ${stalled.received}, of these dropped at QoS 0 and counted ${lost}`,
    `  all settled                        ${seconds.toFixed(1)} s after the database answered again, balanced: ${balanced}`,
    `  settled ${messages.settled}, stored ${points.stored}, rows ${rows[0]?.rows}, dropped ${messages.dropped} of ${messages.received}`,
  ];
}

async function watch(daemon: Daemon, minutes: number): Promise<Sample[]> {
  const samples: Sample[] = [];
  const begin = performance.now();
  for (let at = 0; at < minutes; at = (performance.now() - begin) / 60_000) {
    const response = await fetch(`${daemon.url}/readyz`);
    const { checks } = (await response.json()) as { checks: { broker: { ok: boolean } } };
    samples.push({ at, memory: memoryOf(daemon), connected: checks.broker.ok });
    await delay(LOOK);
  }
  return samples;
}

/** Resident, in MiB (proc(5)). */
function memoryOf({ pid }: Daemon): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

/** Messages that were dropped at once: their place in the balance sheet commits with the next batch. */
async function lossOf({ url }: Daemon): Promise<number> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  return Number(/dropped_total\{reason="qos0_overflow"\} (\d+)/.exec(metrics)?.[1]);
}

/** Least squares, MiB a minute. */
function slope(samples: readonly Sample[]): number {
  const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [at, memory] = [
    mean(samples.map((sample) => sample.at)),
    mean(samples.map((sample) => sample.memory)),
  ];
  const spread = samples.reduce((sum, sample) => sum + (sample.at - at) ** 2, 0);
  return samples.reduce((sum, sample) => sum + (sample.at - at) * (sample.memory - memory), 0) / spread;
}

function count(daemon: Daemon, pattern: RegExp): number {
  return [...daemon.output().matchAll(pattern)].length;
}
