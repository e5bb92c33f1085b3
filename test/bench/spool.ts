/** The spool alone: what is durable a second, how long an append takes, and how fast it is read again. */

import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes, randomUUID } from 'node:crypto';
import type { SpooledBatch } from '../../src/pipeline/spool-types.ts';
import { openSpool } from '../../src/spool/open.ts';
import { figure, ratios } from './figures.ts';

const MIB = 2 ** 20;
const SIZES = [
  { name: '100 KiB', bytes: 100 * 1024 },
  { name: '1 MiB', bytes: MIB },
];
/** As many as the batches that a pipeline may hold at the default bounds. */
const IN_FLIGHT = 8;
const PAYLOAD = Buffer.from('{"value":21.5,"timestamp":1753776000000}');
const quiet = { debug() {}, info() {}, warn() {}, error() {} };

interface Run {
  readonly durable: number;
  readonly drain: number;
  readonly consume: number;
  readonly latencies: readonly number[];
  readonly plain: number;
}

/** `count`: MiB written a round. */
export async function benchSpool({ rounds, count }: { rounds: number; count: number }): Promise<string[]> {
  const lines = [
    `${count} MiB of 40-byte messages in batches, ${IN_FLIGHT} appends in flight, ${rounds} rounds; beside it bare writes of as many bytes, each with an fdatasync:`,
  ];
  for (const { name, bytes } of SIZES) {
    const runs: Run[] = [];
    for (let round = 0; round <= rounds; round++) {
      const measured = await run(bytes, count);
      // The first round warms the disk.
      if (round > 0) runs.push(measured);
    }
    const latencies = runs.flatMap((run) => run.latencies).sort((left, right) => left - right);
    const at = (share: number): string => (latencies[Math.floor(latencies.length * share)] ?? 0).toFixed(2);
    const durable = runs.map((run) => run.durable);
    const plain = runs.map((run) => run.plain);
    lines.push(
      `  batches of ${name}`,
      `    append, durable      ${figure(durable).text('MB/s')}, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`,
      `    bare write and sync  ${figure(plain).text('MB/s')}`,
      `    ratio                ${ratios(durable, plain).text('')}`,
      `    drain, read only     ${figure(runs.map((run) => run.drain)).text('MB/s')}`,
      `    drain, consumed      ${figure(runs.map((run) => run.consume)).text('MB/s')}`,
    );
  }
  return lines;
}

async function run(bytes: number, mebibytes: number): Promise<Run> {
  const path = await mkdtemp(join(tmpdir(), 'tidegate-bench-'));
  try {
    const plain = await bare(join(path, 'bare'), bytes, mebibytes);
    const options = { path: join(path, 'spool'), maxBytes: 2 * mebibytes * MIB, onFull: 'block' } as const;
    let spool = await openSpool({ ...options, logger: quiet });
    const batch = batchOf(bytes);
    const batches = Math.ceil((mebibytes * MIB) / bytes);
    const latencies: number[] = [];
    let left = batches;
    const begin = performance.now();
    await Promise.all(
      Array.from({ length: IN_FLIGHT }, async () => {
        while (left-- > 0) {
          const asked = performance.now();
          await spool.append({ ...batch, id: randomUUID() });
          latencies.push(performance.now() - asked);
        }
      }),
    );
    const written = spool.state.bytes;
    const durable = rate(written, begin);
    await spool.close();
    // Opening reads and checks all that there is.
    const opening = performance.now();
    spool = await openSpool({ ...options, logger: quiet });
    const drain = rate(written, opening);
    if (spool.state.batches !== batches) throw new Error(`${spool.state.batches} of ${batches} batches`);
    const consuming = performance.now();
    while ((await spool.next()).length > 0) await spool.consume();
    const consume = rate(written, consuming);
    await spool.close();
    return { durable, drain, consume, latencies, plain };
  } finally {
    await rm(path, { recursive: true });
  }
}

/** One after the other into one file, nothing but bytes. */
async function bare(path: string, bytes: number, mebibytes: number): Promise<number> {
  await using file = await open(path, 'w');
  const content = randomBytes(bytes);
  const begin = performance.now();
  let written = 0;
  while (written < mebibytes * MIB) {
    await file.write(content, 0, bytes, written);
    await file.datasync();
    written += bytes;
  }
  return rate(written, begin);
}

function batchOf(bytes: number): SpooledBatch {
  const messages = Array.from({ length: Math.round(bytes / 102) }, (_, index) => ({
    topic: `devices/d${index % 1000}/temp`,
    payload: PAYLOAD,
    qos: 1 as const,
    retain: false,
    duplicate: false,
    packetId: 1 + (index % 5000),
    receivedAt: 1_753_776_000_000_000 + index,
    identity: { epoch: 1, ordinal: index, packetId: 1 + (index % 5000), topicDigest: 1, payloadDigest: 2 },
    backlog: false,
  }));
  const apart = { ignored: 0, dropped: 0, droppedPoints: 0 };
  return { id: '', epoch: 1, messages, decoded: messages.length, apart };
}

function rate(bytes: number, begin: number): number {
  return bytes / 1e6 / ((performance.now() - begin) / 1000);
}
