/**
 * Tidegate beside others in one run, in turn, end to end: `npm run bench -- compare [--profile NAME,...] [--rounds N] [--count MESSAGES]
 * [--write]` prints Markdown; with --write it takes the place of the same sections in docs/benchmarks.md. Ends with an error
 * where iot_data does not have what was published.
 */

import { Client } from 'pg';
import { startTestPostgres } from '../../support/postgres.ts';
import { startBenchBroker } from '../broker.ts';
import { benchLatency } from './latency.ts';
import { load, machine, servers } from './machine.ts';
import { type Profile, PROFILES } from './profiles.ts';
import { cpuTable, publisherNote, rateTable, type Result, writeSection } from './section.ts';
import type { Ground, Run, Side } from './side.ts';
import type { Tidegate } from './tidegate-side.ts';

export interface CompareOptions {
  readonly rounds: number;
  /** 0: that of the profile. */
  readonly count: number;
  /** All where there are none. */
  readonly profiles: readonly string[];
  readonly write: boolean;
}

export async function benchCompare(options: CompareOptions): Promise<string[]> {
  const known = [...Object.keys(PROFILES), 'latency'];
  const names = options.profiles.length > 0 ? options.profiles : known;
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0)
    throw new Error(`No such profile: ${unknown.join(', ')}. There are: ${known.join(', ')}.`);
  const printed: string[] = [];
  for (const name of names) {
    const before = load();
    const profile = PROFILES[name];
    const count = options.count || profile?.count || 0;
    await using started = new AsyncDisposableStack();
    const ground = await prepare(started);
    const lines =
      profile === undefined
        ? await benchLatency(ground, count)
        : await compare(ground, profile, { ...options, count });
    const command = `npm run bench -- compare --profile ${name}${profile === undefined ? '' : ` --rounds ${options.rounds}`} --count ${count}`;
    const section = [
      ...lines,
      '',
      `\`${command}\` on ${new Date().toISOString().slice(0, 10)}, a load of ${before} before it; ${machine()}; ${await servers(ground)}.`,
    ];
    if (options.write) writeSection(name, section);
    process.stdout.write(`${section.join('\n')}\n\n`);
    printed.push(name);
  }
  return [`${printed.join(', ')}: done${options.write ? ', written to docs/benchmarks.md' : ''}`];
}

async function prepare(started: AsyncDisposableStack): Promise<Ground> {
  const postgres = started.use(await startTestPostgres());
  const broker = started.use(await startBenchBroker());
  const admin = new Client(postgres.url);
  await admin.connect();
  started.defer(() => admin.end());
  return { postgres, broker, admin, processes: [], started };
}

async function compare(
  ground: Ground,
  profile: Profile,
  { rounds, count }: { rounds: number; count: number },
): Promise<string[]> {
  const {
    sides,
    tidegates,
    notes = [],
  } = await profile.field({ ground, shape: profile.shape, count, runs: rounds + 1 });
  const present = sides.filter((side) => typeof side !== 'string');
  const runs = new Map<Side, Run[]>(present.map((side) => [side, []]));
  for (let round = 0; round <= rounds; round++) {
    // Whoever comes first may find a machine that is still busy with the round before.
    for (let turn = 0; turn < present.length; turn++) {
      const side = present[(turn + round) % present.length] as Side;
      const run = await side.run();
      process.stderr.write(
        `${profile.title}, round ${round} of ${rounds}: ${side.name}: ${Math.round(run.points / run.seconds)} points/s\n`,
      );
      // The first round warms caches, compilers and the disk.
      if (round > 0) runs.get(side)?.push(run);
    }
  }
  for (const tidegate of tidegates) await tidegate.verify();
  const results = [...runs].map(([side, of]): Result => ({ name: side.name, runs: of }));
  const note = publisherNote(results);
  return [
    `### ${profile.title}`,
    `${profile.what} ${count.toLocaleString('en-US')} messages a round, ${rounds} rounds in turn after one to warm up; median (least to greatest).`,
    '',
    ...rateTable(results),
    '',
    ...cpuTable(results),
    '',
    ...tidegates.map((tidegate) => memory(tidegate)),
    ...notes,
    ...(note === null ? [] : [note]),
    ...sides.filter((side) => typeof side === 'string'),
  ];
}

function memory(tidegate: Tidegate): string {
  const { first, last, peak } = tidegate.memory();
  const [begin, end, most] = [first, last, peak].map((size) => size.toFixed(0));
  return `Resident memory of the daemon (${tidegate.prefix}): ${begin} MiB in the first quarter of the time, ${end} MiB in the last, ${most} MiB at most.`;
}
