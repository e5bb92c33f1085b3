import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Level } from '../../../src/doctor/finding.ts';
import { serverFindings } from '../../../src/doctor/server-rules.ts';
import type { ServerFacts, ServerSetting } from '../../../src/postgres/server-facts.ts';
import { amount, GIB, MIB, serverInput, word } from './server-facts.ts';

type Changes = Parameters<typeof serverInput>[1];
const MINUTES = 60_000;
const RELOAD = '; SELECT pg_reload_conf();';
const CODECS = ['pglz', 'lz4', 'on', 'off'];

/** What, how it is, with what besides, and what is said: a level and the value to set. */
const TABLE: readonly (readonly [string, ServerSetting, Changes, Level, string | null])[] = [
  ['shared_buffers', amount(4 * GIB), {}, 'ok', null],
  ['shared_buffers', amount(128 * MIB), {}, 'advice', '4GB'],
  ['shared_buffers', amount(128 * MIB), { memory: 1.5 * GIB }, 'advice', '384MB'],
  ['shared_buffers', amount(128 * MIB), { memory: 512 * GIB }, 'advice', '16GB'],
  ['shared_buffers', amount(12 * GIB), {}, 'warning', '4GB'],
  ['shared_buffers', amount(128 * MIB), { facts: { databaseBytes: 50 * MIB } }, 'ok', null],
  ['shared_buffers', amount(128 * MIB), { memory: null }, 'advice', '1GB'],
  ['shared_buffers', amount(GIB), { memory: null }, 'ok', null],
  ['fsync', word('on'), {}, 'ok', null],
  ['fsync', word('off'), {}, 'problem', 'on'],
  ['full_page_writes', word('off'), {}, 'problem', 'on'],
  ['synchronous_commit', word('off'), {}, 'ok', null],
  ['max_wal_size', amount(GIB), {}, 'ok', null],
  ['max_wal_size', amount(GIB), { peakPoints: 20_000 }, 'advice', '8GB'],
  ['max_wal_size', amount(8 * GIB), { peakPoints: 20_000 }, 'ok', null],
  ['max_wal_size', amount(GIB), { facts: { walRate: 4_000_000 } }, 'advice', '8GB'],
  ['max_wal_size', amount(GIB), { peakPoints: 20_000, disk: 30 * GIB }, 'advice', '3GB'],
  [
    'max_wal_size',
    amount(GIB),
    { peakPoints: 20_000, facts: { checkpoints: { timed: 20, requested: 400 } } },
    'warning',
    '8GB',
  ],
  ['checkpoint_timeout', amount(5 * MINUTES), {}, 'ok', null],
  ['checkpoint_timeout', amount(5 * MINUTES), { peakPoints: 5_000 }, 'advice', '15min'],
  ['checkpoint_timeout', amount(15 * MINUTES), { peakPoints: 5_000 }, 'ok', null],
  ['checkpoint_timeout', amount(120 * MINUTES), { peakPoints: 5_000 }, 'advice', '1h'],
  ['wal_compression', word('off', CODECS), {}, 'advice', 'lz4'],
  ['wal_compression', word('off', ['pglz', 'on', 'off']), {}, 'advice', 'on'],
  ['wal_compression', word('pglz', CODECS), {}, 'ok', null],
  ['io_method', word('sync', ['sync', 'worker']), {}, 'advice', 'worker'],
  ['io_method', word('worker', ['sync', 'worker', 'io_uring']), {}, 'ok', null],
  ['io_method', word('io_uring', ['sync', 'worker', 'io_uring']), {}, 'ok', null],
  ['io_combine_limit', amount(16 * 1024), {}, 'advice', '128kB'],
  ['io_combine_limit', amount(256 * 1024), {}, 'ok', null],
  ['effective_io_concurrency', amount(1), {}, 'advice', '16'],
  ['effective_io_concurrency', amount(16), {}, 'ok', null],
  ['debug_io_direct', word(''), {}, 'ok', null],
  ['debug_io_direct', word('data'), {}, 'warning', ''],
  ['max_parallel_workers_per_gather', amount(0), {}, 'advice', '2'],
  ['max_parallel_workers_per_gather', amount(0), { cores: 1 }, 'advice', '1'],
  ['max_parallel_workers_per_gather', amount(2), {}, 'ok', null],
  ['max_parallel_workers', amount(0), {}, 'advice', '4'],
  ['jit', word('on'), {}, 'advice', 'off'],
  ['jit', word('on'), { facts: { hasJit: false } }, 'ok', null],
  ['jit', word('off'), {}, 'ok', null],
  ['max_worker_processes', amount(8), {}, 'ok', null],
  ['max_worker_processes', amount(2), {}, 'advice', '11'],
  ['autovacuum', word('on'), {}, 'ok', null],
  ['autovacuum', word('off'), {}, 'problem', 'on'],
  ['track_counts', word('off'), {}, 'problem', 'on'],
];

suite('rules of the server', () => {
  for (const [what, setting, changes, level, set] of TABLE) {
    test(`${what} = ${setting.shown} ${JSON.stringify(changes)}: ${level} ${set ?? ''}`, () => {
      const findings = serverFindings(serverInput({ [what]: setting }, changes));
      const found = findings.find((finding) => finding.what === what);
      assert.equal(found?.level, level, JSON.stringify(found));
      assert.equal(found?.remedy, set === null ? null : `ALTER SYSTEM SET ${what} = '${set}'${RELOAD}`);
      assert.match(found?.why ?? '', /\.$/);
    });
  }

  test('a setting that needs a restart says so', () => {
    const setting = { ...amount(128 * MIB), needsRestart: true };
    const [found] = serverFindings(serverInput({ shared_buffers: setting }));
    assert.equal(found?.remedy, `ALTER SYSTEM SET shared_buffers = '4GB'; -- then restart PostgreSQL`);
  });

  test('nothing is said of settings that the server does not have', () => {
    const whats = serverFindings(serverInput({})).map(({ what }) => what);
    assert.deepEqual(whats, ['autovacuum on hot partitions', 'oldest transaction']);
  });

  test('the processes that TimescaleDB needs are counted', () => {
    const settings = {
      max_worker_processes: amount(8),
      'timescaledb.max_background_workers': amount(16),
      max_parallel_workers: amount(8),
    };
    const found = serverFindings(serverInput(settings, { engine: 'timescaledb' })).find(
      ({ what }) => what === 'max_worker_processes',
    );
    assert.equal(found?.level, 'warning');
    assert.match(found?.remedy ?? '', /= '27'/);
  });

  const table = { name: 'tidegate.points_1', live: 1_000_000, dead: 0, unanalyzed: 0, vacuumOff: false };
  const cases: readonly (readonly [string, Partial<ServerFacts>, string, Level, RegExp])[] = [
    ['well kept', { tables: [table] }, 'autovacuum on hot partitions', 'ok', /^null$/],
    [
      'dead rows',
      { tables: [table, { ...table, dead: 300_000 }] },
      'autovacuum on hot partitions',
      'warning',
      /autovacuum_vacuum_cost_limit/,
    ],
    [
      'few dead',
      { tables: [{ ...table, live: 100, dead: 900 }] },
      'autovacuum on hot partitions',
      'ok',
      /^null$/,
    ],
    [
      'not analysed',
      { tables: [{ ...table, live: 3_000_000, unanalyzed: 2_000_000 }] },
      'autovacuum on hot partitions',
      'warning',
      /autovacuum_naptime/,
    ],
    [
      'turned off',
      { tables: [{ ...table, vacuumOff: true }] },
      'autovacuum on hot partitions',
      'problem',
      /^ALTER TABLE tidegate\.points_1 RESET \(autovacuum_enabled\);$/,
    ],
    ['young transaction', { oldestTransaction: 60 }, 'oldest transaction', 'ok', /^null$/],
    [
      'old transaction',
      { oldestTransaction: 7_200 },
      'oldest transaction',
      'warning',
      /pg_terminate_backend/,
    ],
  ];
  for (const [name, facts, what, level, remedy] of cases) {
    test(`vacuum: ${name}: ${level}`, () => {
      const found = serverFindings(serverInput({}, { facts })).find((finding) => finding.what === what);
      assert.equal(found?.level, level, JSON.stringify(found));
      assert.match(String(found?.remedy), remedy);
    });
  }
});
