import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Level } from '../../../src/doctor/finding.ts';
import type { Growth } from '../../../src/doctor/growth.ts';
import { type HostInput, hostFindings } from '../../../src/doctor/host-rules.ts';

const MIB = 2 ** 20;
const GIB = 2 ** 30;
const growth: Growth = {
  pointsPerDay: 1_000_000,
  hotBytes: 100,
  coldBytes: 100,
  keptBytes: 1,
  compressedFrom: Number.POSITIVE_INFINITY,
  deletedFrom: Number.POSITIVE_INFINITY,
  isMeasured: true,
};
const disk = { path: '/data', free: 100 * GIB, total: 500 * GIB };
const well: HostInput = {
  memory: { total: 8 * GIB, available: 4 * GIB },
  openFiles: 1_048_576,
  isClockSynchronised: true,
  databaseClock: 3,
  dataDisk: disk,
  growth,
  spool: { ...disk, path: '/spool', maxBytes: GIB },
  queueBytes: 64 * MIB,
};

const TABLE: readonly (readonly [string, Partial<HostInput>, Level, RegExp])[] = [
  ['open files', {}, 'ok', /^1,050,000$/],
  ['open files', { openFiles: Number.POSITIVE_INFINITY }, 'ok', /^unlimited$/],
  ['open files', { openFiles: 256 }, 'warning', /^256$/],
  ['memory', {}, 'ok', /^4 GiB available of 8 GiB$/],
  ['memory', { memory: { total: GIB, available: 100 * MIB } }, 'warning', /^100 MiB available/],
  ['memory', { memory: { total: GIB, available: null } }, 'ok', /^1 GiB$/],
  ['clock', {}, 'ok', /^synchronised$/],
  ['clock', { isClockSynchronised: false }, 'warning', /^not synchronised$/],
  ['clock of PostgreSQL', {}, 'ok', /^as this machine$/],
  ['clock of PostgreSQL', { databaseClock: -90_000 }, 'warning', /^90\.0 s behind this machine$/],
  ['clock of PostgreSQL', { databaseClock: 1_500 }, 'warning', /^1\.5 s ahead of this machine$/],
  ['disk of the database', {}, 'ok', /^100 GiB free of 500 GiB; 1073 days until it is full/],
  ['disk of the database', { growth: { ...growth, pointsPerDay: 1 } }, 'ok', /more than ten years/],
  [
    'disk of the database',
    { dataDisk: { ...disk, free: 2 * GIB, total: 10 * GIB } },
    'warning',
    /21 days until/,
  ],
  [
    'disk of the database',
    { dataDisk: { ...disk, free: 0.5 * GIB, total: 10 * GIB } },
    'problem',
    /5\.4 days until/,
  ],
  ['disk of the database', { growth: null }, 'ok', /^100 GiB free of 500 GiB$/],
  ['disk of the database', { growth: null, dataDisk: { ...disk, free: GIB } }, 'warning', /^1 GiB free/],
  ['growth of the database', { dataDisk: null }, 'ok', /^95\.4 MiB a day, later 95\.4 MiB$/],
  ['disk of the spool', {}, 'ok', /^100 GiB free at \/spool$/],
  ['disk of the spool', { spool: { ...disk, free: 500 * MIB, maxBytes: GIB } }, 'warning', /^500 MiB free/],
];

suite('rules of the host', () => {
  for (const [what, changes, level, is] of TABLE) {
    test(`${what} ${JSON.stringify(changes)}: ${level}`, () => {
      const found = hostFindings({ ...well, ...changes }).find((finding) => finding.what === what);
      assert.equal(found?.level, level, JSON.stringify(found));
      assert.match(found?.is ?? '', is);
      assert.equal(found?.remedy === null, level === 'ok');
    });
  }

  test('nothing is said of what cannot be seen', () => {
    const blind = {
      openFiles: null,
      isClockSynchronised: null,
      databaseClock: null,
      dataDisk: null,
      growth: null,
      spool: null,
    };
    assert.deepEqual(
      hostFindings({ ...well, ...blind }).map(({ what }) => what),
      ['memory'],
    );
  });
});
