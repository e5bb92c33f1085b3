/**
 * From publishing to queryable: messages at a steady rate, each with the moment of its sending as its time. A connection of another
 * process asks `iot_data` for the newest points of one device again and again; a point's latency is the moment of the answer that
 * first has it, less its time.
 */

import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { memoryOf } from '../processes.ts';
import type { Ground } from './side.ts';
import { startTidegate } from './tidegate-side.ts';

const RATE = 1000;
const SECONDS = 30;
/** Sent before the first that counts: what is compiled and cached by then. */
const WARM_SECONDS = 5;
/** One message in so many is of the device that is asked for. */
const DEVICES = 50;
/** Seconds that each question looks back: with several writers a point may come after a newer one. */
const BACK = 2;
/** Milliseconds between two questions. */
const PAUSE = 1;
const ASK = `SELECT (extract(epoch FROM "timestamp") * 1000)::float8 AS sent
  FROM iot_data
  WHERE device_id = 'device-0' AND metric_name = 'temperature' AND "timestamp" > now() - interval '${BACK} s'`;

/** `count`: messages in all; 0: half a minute of them. */
export async function benchLatency(ground: Ground, count: number): Promise<string[]> {
  const tidegate = await startTidegate(ground, 'fleet_a');
  const total = (count || RATE * SECONDS) + RATE * WARM_SECONDS;
  const shape = { layout: 'one', points: 1, devices: DEVICES, step: 20 } as const;
  const flow = { prefix: 'fleet_a', ...shape, from: 0, count: total, first: 0, rate: RATE };
  const url = new URL(ground.postgres.url);
  url.pathname = '/fleet_a';
  const client = new Client(url.href);
  await client.connect();
  ground.started.defer(() => client.end());
  // By the moment of sending: milliseconds until it was seen.
  const latencies = new Map<number, number>();
  const questions: number[] = [];
  const run = { over: false };
  const asking = (async () => {
    while (!run.over) {
      const asked = performance.now();
      const { rows } = await client.query<{ sent: number }>({ name: 'ask', text: ASK });
      const answered = performance.now();
      questions.push(answered - asked);
      for (const { sent } of rows) {
        if (!latencies.has(sent)) latencies.set(sent, performance.timeOrigin + answered - sent);
      }
      await delay(PAUSE);
    }
  })();
  await tidegate.store(flow);
  await delay(BACK * 500);
  run.over = true;
  await asking;
  await tidegate.verify();
  const seen = [...latencies].sort(([left], [right]) => left - right).map(([, latency]) => latency);
  // All are stored: what was not seen took longer than is looked back.
  while (seen.length < Math.ceil(total / DEVICES)) seen.push(Number.POSITIVE_INFINITY);
  const measured = seen.slice((RATE * WARM_SECONDS) / DEVICES);
  return [
    '### From publishing to queryable',
    `${RATE.toLocaleString('en-US')} one-point messages a second at QoS 1 of ${DEVICES} devices for ${Math.round(total / RATE)} s, the first ${WARM_SECONDS} s not counted; one device is asked for by SQL every ${PAUSE} ms and as long as the answer takes (p50 ${at(questions, 0.5)} ms), which is part of the figure.`,
    '',
    '| points | p50 | p90 | p99 | longest |',
    '| --- | --- | --- | --- | --- |',
    `| ${measured.length} | **${at(measured, 0.5)} ms** | ${at(measured, 0.9)} ms | **${at(measured, 0.99)} ms** | ${at(measured, 1)} ms |`,
    '',
    `Resident memory of the daemon: ${memoryOf(tidegate.daemon.pid).peak.toFixed(0)} MiB at most.`,
  ];
}

function at(values: readonly number[], share: number): string {
  const sorted = [...values].sort((left, right) => left - right);
  return (sorted[Math.min(Math.floor(sorted.length * share), sorted.length - 1)] ?? Number.NaN).toFixed(1);
}
