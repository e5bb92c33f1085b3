/** Where parallel workers help, and what JIT costs: questions of a lot and of a little, with each number of workers in turn. */

import type { Client } from 'pg';
import { lowerQuartile } from './figures.ts';
import { type DATABASES, dropDatabases, fillDatabases, open } from './tuning-data.ts';

const HOURLY = `SELECT device_id, date_trunc('hour', "timestamp") AS hour, avg(value), max(value), min(value)`;
const SERIES_HOUR = `SELECT count(*), sum(value)
  FROM iot_points('device_7', 'temperature', '2026-01-05T00:10:00Z', '2026-01-05T01:10:00Z')`;

/** What, in which database. */
const QUESTIONS: readonly (readonly [string, keyof typeof DATABASES, string])[] = [
  ['hourly, every series, rows', 'hot', `${HOURLY} FROM iot_data GROUP BY 1, 2`],
  ['hourly, every series, compressed', 'packed', `${HOURLY} FROM iot_data GROUP BY 1, 2`],
  ['one number of all points, rows', 'hot', 'SELECT count(*), avg(value) FROM iot_data'],
  ['one number of all points, compressed', 'packed', 'SELECT count(*), avg(value) FROM iot_data'],
  ['an hour of one series, rows', 'hot', SERIES_HOUR],
  ['an hour of one series, compressed', 'packed', SERIES_HOUR],
];
type Mode = readonly [name: string, settings: string];

const ALONE = 'SET max_parallel_workers_per_gather = 0; SET jit = off';
const WORKERS: readonly Mode[] = [
  ['1 worker', 'SET max_parallel_workers_per_gather = 1; SET jit = off'],
  ['4 workers', 'SET max_parallel_workers_per_gather = 4; SET jit = off'],
];
const JIT: readonly Mode[] = [['JIT', 'SET max_parallel_workers_per_gather = 0; SET jit = on']];
const REPEATS = 3;

export async function parallelLines(server: string, rounds: number): Promise<string[]> {
  return [
    '  one question at a time, and how many times as fast it is with workers (the sketch claims +50-60 % for 4):',
    ...(await compared(server, rounds, WORKERS)),
  ];
}

/** On the server of TIDEGATE_TEST_TIMESCALEDB_URL, as the embedded one is built without JIT; its TimescaleDB is not used. */
export async function jitLines(rounds: number, count: number): Promise<string[]> {
  const server = process.env['TIDEGATE_TEST_TIMESCALEDB_URL'];
  if (server === undefined) return ['  JIT: TIDEGATE_TEST_TIMESCALEDB_URL names no server to measure it on'];
  await fillDatabases(server, count);
  try {
    return ['  the same with JIT (PostgreSQL of another server):', ...(await compared(server, rounds, JIT))];
  } finally {
    await dropDatabases(server);
  }
}

async function compared(server: string, rounds: number, modes: readonly Mode[]): Promise<string[]> {
  const lines: string[] = [];
  for (const [what, name, text] of QUESTIONS) {
    const client = await open(server, name);
    const all: readonly Mode[] = [['alone', ALONE], ...modes];
    const took = all.map(() => [] as number[]);
    for (let round = 0; round <= rounds * REPEATS; round++) {
      for (const [at, [, settings]] of all.entries()) {
        await client.query(settings);
        const milliseconds = await asked(client, text);
        // The first one warms caches.
        if (round > 0) took[at]?.push(milliseconds);
      }
    }
    await client.end();
    const [alone = Number.NaN, ...others] = took.map(lowerQuartile);
    const cells = others.map((theirs, at) => `${modes[at]?.[0]} ${(alone / theirs).toFixed(2)}`);
    lines.push(
      `  ${what.padEnd(38)} ${(alone < 100 ? alone.toPrecision(3) : alone.toFixed(0)).padStart(5)} ms; ${cells.join(', ')}`,
    );
  }
  return lines;
}

async function asked(client: Client, text: string): Promise<number> {
  const begin = performance.now();
  await client.query(text);
  return performance.now() - begin;
}
