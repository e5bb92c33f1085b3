/**
 * `npm run bench [-- NAME...] [--rounds N] [--count N] [--minutes N]`: figures beside others that are measured in the same run;
 * `compare` also knows `--profile NAME,...` and `--write` (compare/compare.ts), `api` `--layout NAME`, `--keep DIR` and `--apart`
 * (api.ts). Needs mosquitto, mosquitto-clients and postgresql-client. Prints; docs/benchmarks.md keeps what was printed on one machine.
 */
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { buildProgram } from '../support/built-program.ts';
import { benchAggregates } from './aggregates.ts';
import { benchAnomaly } from './anomaly.ts';
import { benchApi } from './api.ts';
import { benchCodec } from './codec.ts';
import { benchCompare } from './compare/compare.ts';
import { benchCompression } from './compression.ts';
import { benchCopy } from './copy.ts';
import { benchDecode } from './decode.ts';
import { benchDense } from './dense.ts';
import { benchLatest } from './latest.ts';
import { benchDevices } from './devices.ts';
import { benchExport } from './export.ts';
import { benchImport } from './import.ts';
import { benchLifecycle } from './lifecycle.ts';
import { benchPlain } from './plain.ts';
import { benchReading } from './reading.ts';
import { benchSpooling } from './spooling.ts';
import { benchSoak } from './soak.ts';
import { benchSpool } from './spool.ts';
import { benchStall } from './stall.ts';
import { benchTuning } from './tuning.ts';

const BENCHES = {
  compare: { run: benchCompare, count: 0 },
  spooling: { run: benchSpooling, count: 200_000 },
  devices: { run: benchDevices, count: 1_000_000 },
  decode: { run: benchDecode, count: 500_000 },
  copy: { run: benchCopy, count: 1_000_000 },
  dense: { run: benchDense, count: 1_000_000 },
  plain: { run: benchPlain, count: 6_000 },
  codec: { run: benchCodec, count: 3_000_000 },
  lifecycle: { run: benchLifecycle, count: 1_000_000 },
  compression: { run: benchCompression, count: 6_000_000 },
  aggregates: { run: benchAggregates, count: 50 },
  anomaly: { run: benchAnomaly, count: 0 },
  latest: { run: benchLatest, count: 0 },
  reading: { run: benchReading, count: 30_000_000 },
  api: { run: benchApi, count: 300_000_000 },
  export: { run: benchExport, count: 10_000_000 },
  import: { run: benchImport, count: 2_000_000 },
  spool: { run: benchSpool, count: 256 },
  soak: { run: benchSoak, count: 2_000 },
  stall: { run: benchStall, count: 0 },
  tuning: { run: benchTuning, count: 100_000 },
} as const;
/** They take so many minutes, and only when asked for. */
const LONG: Readonly<Record<string, number>> = { compare: 15, soak: 60, stall: 10, api: 2 };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '5' },
    count: { type: 'string' },
    minutes: { type: 'string' },
    profile: { type: 'string' },
    write: { type: 'boolean', default: false },
    layout: { type: 'string', default: 'metrics' },
    keep: { type: 'string' },
    apart: { type: 'boolean', default: false },
  },
});
const names = positionals.length > 0 ? positionals : Object.keys(BENCHES).filter((name) => !(name in LONG));
const unknown = names.filter((name) => !Object.hasOwn(BENCHES, name));
if (unknown.length > 0) {
  process.stderr.write(
    `No such bench: ${unknown.join(', ')}. There are: ${Object.keys(BENCHES).join(', ')}.\n`,
  );
  process.exit(2);
}

// As it is published: its sources have to be read as TypeScript first, which leaves 35 MB behind.
process.env['TIDEGATE_TEST_PROGRAM'] ??= await buildProgram();

const cores = cpus();
process.stdout.write(
  `${cores.length} x ${cores[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}; medians (least to greatest)\n`,
);
for (const name of names as (keyof typeof BENCHES)[]) {
  const { run, count } = BENCHES[name];
  const lines = await run({
    rounds: Number(values.rounds),
    count: Number(values.count ?? count),
    minutes: Number(values.minutes ?? LONG[name]),
    profiles: values.profile?.split(',') ?? [],
    write: values.write,
    layout: values.layout,
    keep: values.keep ?? null,
    apart: values.apart,
  });
  process.stdout.write(`\n${name}: ${lines.join('\n')}\n`);
}
