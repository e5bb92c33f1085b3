import { settingSize, size } from './amounts.ts';
import type { Finding } from './finding.ts';
import { judged, type ServerInput, type SettingRule } from './server-workload.ts';
import { vacuumFindings } from './vacuum-rules.ts';
import { WRITE_RULES } from './write-rules.ts';

const MIB = 2 ** 20;
const GIB = 2 ** 30;
/** From here on shared buffers bring no more to points that are read once. */
const BUFFERS_MOST = 16 * GIB;

const MEMORY_RULES: Readonly<Record<string, SettingRule>> = {
  shared_buffers: ({ amount }, { memory, facts }) => {
    const why =
      'The partitions that points are written to, with their keys, should lie in it: a key that does not is read from disk for a point';
    if (memory === null) {
      const small = amount <= 128 * MIB && facts.databaseBytes > 128 * MIB;
      return {
        level: small ? 'advice' : 'ok',
        should: "a quarter of its machine's memory",
        why: `${why}. How much memory the machine of PostgreSQL has cannot be seen from here${small ? '; 128MB is the default of any machine: put a quarter of its memory in place of 1GB' : ''}.`,
        set: small ? '1GB' : null,
      };
    }
    const quarter = Math.min(memory / 4, BUFFERS_MOST);
    const wanted = quarter >= GIB ? Math.floor(quarter / GIB) * GIB : Math.floor(quarter / MIB) * MIB;
    const should = `${settingSize(wanted)}, a quarter of ${size(memory)}`;
    if (amount > memory / 2) {
      return {
        level: 'warning',
        should,
        why: 'More than half of the memory leaves too little to the file cache, which PostgreSQL reads and writes through, and to Tidegate.',
        set: settingSize(wanted),
      };
    }
    if (facts.databaseBytes < amount * 0.8) {
      return {
        level: 'ok',
        should: `any that the database fits in; ${should}, once it grows`,
        why: `${why}.`,
        set: null,
      };
    }
    if (amount >= wanted * 0.6) return { level: 'ok', should, why: `${why}.`, set: null };
    return { level: 'advice', should, why: `${why}.`, set: settingSize(wanted) };
  },
};

const READ_RULES: Readonly<Record<string, SettingRule>> = {
  io_method: ({ shown, choices }) => {
    const ring = choices?.includes('io_uring') === true;
    const why = `Scans of many compressed points read ahead by it. ${ring ? 'This server can also do io_uring, which needs no processes for it' : 'This server was built without io_uring'}.`;
    return shown === 'sync'
      ? { level: 'advice', should: ring ? 'worker or io_uring' : 'worker', why, set: 'worker' }
      : { level: 'ok', should: ring ? 'worker or io_uring' : 'worker', why, set: null };
  },
  io_combine_limit: ({ amount }) => ({
    level: amount < 128 * 1024 ? 'advice' : 'ok',
    should: '128kB or more',
    why: 'How much one read of a scan takes in. More than the default brings little; less costs.',
    set: amount < 128 * 1024 ? '128kB' : null,
  }),
  effective_io_concurrency: ({ amount }) => ({
    level: amount < 16 ? 'advice' : 'ok',
    should: '16 or more, on anything but a single spinning disk',
    why: 'Reads that are asked for ahead. 16 is the default of PostgreSQL 18; before it was 1.',
    set: amount < 16 ? '16' : null,
  }),
  debug_io_direct: ({ shown }) => ({
    level: shown === '' ? 'ok' : 'warning',
    should: '(empty)',
    why: 'Made for developers of PostgreSQL: it goes past the file cache, which nothing replaces.',
    set: shown === '' ? null : '',
  }),
  max_parallel_workers_per_gather: ({ amount }, { cores }) => {
    const most = cores === null ? 2 : Math.max(1, Math.min(4, Math.floor(cores / 2)));
    const why =
      'For what others ask, dashboards and reports. Tidegate sets it to 0 in its own sessions: its questions go by series, where workers bring nothing (docs/benchmarks.md).';
    return amount === 0
      ? { level: 'advice', should: String(most), why, set: String(most) }
      : { level: 'ok', should: `1 to ${Math.max(most, 2)}`, why, set: null };
  },
  max_parallel_workers: ({ amount }, { cores }) => ({
    level: amount < 2 ? 'advice' : 'ok',
    should: '2 or more',
    why: 'Bounds the workers of all questions together; with none of them left a question does without.',
    set: amount < 2 ? String(Math.max(2, cores ?? 8)) : null,
  }),
  jit: ({ shown }, { facts }) => ({
    level: shown === 'on' && facts.hasJit ? 'advice' : 'ok',
    should: facts.hasJit ? 'off' : 'any: the server was built without it',
    why: 'It brought nothing to questions about points (docs/benchmarks.md), and compiling comes before the first row. Tidegate turns it off in its own sessions; dashboards and reports come with theirs.',
    set: shown === 'on' && facts.hasJit ? 'off' : null,
  }),
  max_worker_processes: ({ amount }, { engine, facts }) => {
    const background = facts.settings.get('timescaledb.max_background_workers')?.amount ?? 0;
    const parallel = facts.settings.get('max_parallel_workers')?.amount ?? 8;
    const wanted = (engine === 'timescaledb' ? background : 0) + Math.min(parallel, 8) + 3;
    const enough = engine === 'postgres' ? amount >= 4 : amount >= wanted;
    return {
      level: enough ? 'ok' : engine === 'timescaledb' ? 'warning' : 'advice',
      should: engine === 'timescaledb' ? `${wanted} or more` : '4 or more',
      why:
        engine === 'timescaledb'
          ? "TimescaleDB's policies (compression, aggregates, retention) and parallel questions share these processes; a policy without one does not run."
          : 'Parallel questions take their workers from these.',
      set: enough ? null : String(Math.max(8, wanted)),
    };
  },
};

/** What the settings of PostgreSQL and the state of its tables say. */
export function serverFindings(input: ServerInput): Finding[] {
  return [...judged({ ...MEMORY_RULES, ...WRITE_RULES, ...READ_RULES }, input), ...vacuumFindings(input)];
}
