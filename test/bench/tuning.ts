/**
 * What settings of PostgreSQL 18 bring: writes, compression and questions with each of them, beside the defaults in the same
 * rounds; then parallel workers and JIT by the question.
 */

import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EmbeddedPostgres, startPostgres } from '../../src/demo/embedded-postgres.ts';
import { createEngine } from '../../src/engines/open.ts';
import { engineOptions } from '../support/engines.ts';
import { preparedSink } from './copy.ts';
import { lowerQuartile } from './figures.ts';
import { jitLines, parallelLines } from './parallel.ts';
import { dropFileCache, fillDatabases, open } from './tuning-data.ts';

type Settings = Readonly<Record<string, string>>;

/** Over the defaults of PostgreSQL 18; the first is none at all, and so is the last: what noise alone makes of it. */
const VARIANTS: readonly (readonly [string, Settings])[] = [
  ['defaults (worker, 128kB)', {}],
  ['io_method = sync', { io_method: 'sync' }],
  ['io_method = io_uring', { io_method: 'io_uring' }],
  ['io_combine_limit = 256kB', { io_combine_limit: '256kB' }],
  ['effective_io_concurrency = 1', { effective_io_concurrency: '1' }],
  ['wal_compression = on', { wal_compression: 'on' }],
  ['max_wal_size = 64MB', { max_wal_size: '64MB' }],
  ['debug_io_direct = data', { debug_io_direct: 'data' }],
  ['defaults once more', {}],
];
const SYNC = VARIANTS[1]?.[0] ?? '';
const WIDE = VARIANTS[3]?.[0] ?? '';

/** An average, a maximum and a minimum of every series and hour. */
const QUESTION = `SELECT device_id, date_trunc('hour', "timestamp") AS hour, avg(value), max(value), min(value)
  FROM iot_data GROUP BY 1, 2`;
const REPEATS = 4;

/** Milliseconds of each: a batch written, a chunk compressed, a question from the disk and again; and bytes of WAL a point. */
type Samples = Readonly<Record<'batch' | 'chunk' | 'cold' | 'warm' | 'wal', number[]>>;

export async function benchTuning({ rounds, count }: { rounds: number; count: number }): Promise<string[]> {
  const dataFolder = await mkdtemp(join(tmpdir(), 'tidegate-tuning-'));
  await chmod(dataFolder, 0o711);
  const start = (settings: Settings) => startPostgres({ dataFolder, settings, sync: false });
  let folder = dataFolder;
  try {
    const first = await start({});
    folder = first.dataFolder;
    await fillDatabases(first.url, 5 * count);
    const parallel = await parallelLines(first.url, rounds);
    await first.stop();
    const jit = await jitLines(rounds, 5 * count);
    const results = new Map<string, Samples>();
    const unsupported: string[] = [];
    for (let round = 0; round < rounds; round++) {
      for (const [name, settings] of VARIANTS) {
        if (round > 0 && !results.has(name)) continue;
        await dropFileCache(join(folder, 'postgres', 'base'));
        let server: EmbeddedPostgres;
        try {
          server = await start(settings);
        } catch (error) {
          unsupported.push(`  ${name}: not on this server (${reason(error)})`);
          continue;
        }
        const samples = results.get(name) ?? { batch: [], chunk: [], cold: [], warm: [], wal: [] };
        results.set(name, samples);
        await measure(server.url, count, samples);
        await server.stop();
      }
    }
    return [...described(results, count), ...unsupported, ...claimed(results), ...parallel, ...jit];
  } finally {
    for (const each of new Set([folder, dataFolder])) await rm(each, { recursive: true, force: true });
  }
}

async function measure(url: string, count: number, samples: Samples): Promise<void> {
  const hot = await open(url, 'hot');
  await hot.query('SET max_parallel_workers_per_gather = 0');
  for (let repeat = 0; repeat <= REPEATS; repeat++) {
    const took = await milliseconds(() => hot.query(QUESTION));
    (repeat === 0 ? samples.cold : samples.warm).push(took);
  }
  await hot.end();
  const { client, sink, batches, url: own } = await preparedSink(url, 2 * count);
  const { signal } = new AbortController();
  const half = batches.length / 2;
  for (const batch of batches.slice(0, half)) await sink.write(batch, signal);
  // The pages that are written to next are logged whole once more, as after every checkpoint.
  await client.query('CHECKPOINT');
  const before = await walBytes(client);
  for (const batch of batches.slice(half)) {
    samples.batch.push(await milliseconds(() => sink.write(batch, signal)));
  }
  samples.wal.push(((await walBytes(client)) - before) / count);
  await sink.close();
  const { rows } = await client.query<{ leaf: string }>(
    `SELECT leaf FROM tidegate.chunks WHERE source = 'points' AND range_start <= now() ORDER BY range_start DESC LIMIT 1`,
  );
  await client.end();
  const engine = createEngine(engineOptions({ url: own }), 'postgres');
  samples.chunk.push(await milliseconds(() => engine.compress(rows[0]?.leaf ?? '')));
}

async function milliseconds(work: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await work();
  return performance.now() - begin;
}

async function walBytes(client: Awaited<ReturnType<typeof open>>): Promise<number> {
  const { rows } = await client.query<{ bytes: string }>(`SELECT pg_current_wal_lsn() - '0/0' AS bytes`);
  return Number(rows[0]?.bytes);
}

function described(results: ReadonlyMap<string, Samples>, count: number): string[] {
  const [[, defaults] = []] = results;
  if (defaults === undefined) return [];
  const of = (what: keyof Samples) => lowerQuartile(defaults[what]);
  const lines = [
    `batches of 10,000 points into a table of ${count} to ${2 * count}; then all of it compressed; hourly figures of every series`,
    `over ${5 * count} rows. Lower quartiles: what other work on the machine did not hold up.`,
    `  defaults: a batch ${of('batch').toFixed(1)} ms, ${of('wal').toFixed(0)} bytes of WAL a point; a chunk compressed in ${of('chunk').toFixed(0)} ms;`,
    `    the question ${of('cold').toFixed(0)} ms from the disk, ${of('warm').toFixed(0)} ms again`,
    `  how many times as fast:          writes  compression  from the disk  again  | WAL`,
  ];
  for (const [name, samples] of results) {
    if (samples === defaults) continue;
    const cells = (['batch', 'chunk', 'cold', 'warm'] as const).map((what) =>
      (of(what) / lowerQuartile(samples[what])).toFixed(2),
    );
    lines.push(
      `  ${name.padEnd(30)}  ${cells.join('         ')}  | ${(lowerQuartile(samples.wal) / of('wal')).toFixed(2)}`,
    );
  }
  return lines;
}

/** What a sketch of this project promised for "asynchronous I/O", by `io_direct` and `io_combine_limit = 256kB`. */
function claimed(results: ReadonlyMap<string, Samples>): string[] {
  const [sync, wide] = [results.get(SYNC), results.get(WIDE)];
  if (sync === undefined || wide === undefined) return [];
  const gain = (what: keyof Samples) => {
    const percent = Math.round((lowerQuartile(sync[what]) / lowerQuartile(wide[what]) - 1) * 100);
    return `${percent >= 0 ? '+' : ''}${percent} %`;
  };
  return [
    '  worker and 256kB beside sync and 128kB, and what the sketch claims (its io_direct is no setting of PostgreSQL):',
    `    writes ${gain('batch')} (claimed +30-35 %), compression ${gain('chunk')} (+25-30 %), question from the disk ${gain('cold')}, again ${gain('warm')} (+20-25 %)`,
  ];
}

function reason(error: unknown): string {
  const line = (error as Error).message.split('\n').find((one) => /FATAL|ERROR/.test(one)) ?? String(error);
  return line.replace(/^.*(FATAL|ERROR): +/, '');
}
