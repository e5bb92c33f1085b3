import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { readBucket, readTime } from '../../../src/http/times.ts';

const NOW = Date.UTC(2026, 0, 31, 12);
const at = (iso: string): number => Date.parse(iso) * 1000;

test('times are read in all their forms', () => {
  for (const [text, time] of [
    ['2026-01-02', at('2026-01-02T00:00:00Z')],
    ['2026-01-02T03:04', at('2026-01-02T03:04:00Z')],
    ['2026-01-02 03:04:05', at('2026-01-02T03:04:05Z')],
    ['2026-01-02t03:04:05z', at('2026-01-02T03:04:05Z')],
    ['2026-01-02T03:04:05.1234567Z', at('2026-01-02T03:04:05Z') + 123_456],
    ['2026-01-02T03:04:05,5Z', at('2026-01-02T03:04:05.5Z')],
    ['2026-01-02T03:04:05+02:00', at('2026-01-02T01:04:05Z')],
    ['2026-01-02T03:04:05-0530', at('2026-01-02T08:34:05Z')],
    ['2026-01-02 03:04:05 +02', at('2026-01-02T01:04:05Z')],
    // A + that was not encoded.
    ['2026-01-02T03:04:05 02:00', at('2026-01-02T01:04:05Z')],
    ['1969-12-31T23:59:59.999999Z', -1],
    ['2024-02-29', at('2024-02-29T00:00:00Z')],
    ['0', 0],
    ['-1.5', -1_500_000],
    ['1767322800', 1_767_322_800_000_000],
    ['1767322800.000001', 1_767_322_800_000_001],
    ['1767322800123', 1_767_322_800_123_000],
    ['1767322800123456', 1_767_322_800_123_456],
    ['now', NOW * 1000],
    ['now-6h', (NOW - 6 * 3_600_000) * 1000],
    ['now-90s', (NOW - 90_000) * 1000],
    ['now-15m', (NOW - 900_000) * 1000],
    ['now-30d', (NOW - 30 * 86_400_000) * 1000],
    ['now-1w', (NOW - 7 * 86_400_000) * 1000],
    ['now+1d', (NOW + 86_400_000) * 1000],
    ['now 1d', (NOW + 86_400_000) * 1000],
    // Beyond what a point can have.
    ['0001-01-01', 1 - Number.MAX_SAFE_INTEGER],
    ['9999-12-31T23:59:59Z', Number.MAX_SAFE_INTEGER - 1],
    ['now-999999999w', 1 - Number.MAX_SAFE_INTEGER],
  ] as const) {
    assert.equal(readTime(text, NOW), time, text);
  }
});

test('what is no time is told from one', () => {
  for (const text of [
    '',
    ' ',
    'yesterday',
    'now-',
    'now-6',
    'now-6y',
    'now-6h ',
    'now*6h',
    '2026-02-30',
    '2026-13-01',
    '2026-01-01T24:00:00Z',
    '2026-01-01T00:60:00Z',
    '2026-01-01T00:00:00+24:00',
    '2026-01-01T00:00:00Z0',
    '2026-01-01Z',
    '2026-1-1',
    '1e9',
    '0x10',
    '123456789012345678',
    'NaN',
    'Infinity',
    "2026-01-01'; DROP TABLE tidegate.series; --",
    '2026-01-01\0',
  ]) {
    assert.equal(readTime(text, NOW), null, JSON.stringify(text));
  }
});

test('a time that is written as ISO 8601 is read as itself', () => {
  const limit = Date.UTC(2255, 0, 1) * 1000;
  fc.assert(
    fc.property(fc.integer({ min: at('1700-01-01T00:00:00Z'), max: limit }), (time) => {
      const millis = Math.floor(time / 1000);
      const text = `${new Date(millis).toISOString().slice(0, -1)}${String(time - millis * 1000).padStart(3, '0')}Z`;
      assert.equal(readTime(text, NOW), time, text);
    }),
  );
});

test('lengths of buckets are read', () => {
  for (const [text, interval, width] of [
    ['10s', '10 seconds', 10e6],
    ['5m', '5 minutes', 300e6],
    ['1h', '1 hours', 3_600e6],
    ['1d', '1 days', 86_400e6],
    ['2w', '2 weeks', 14 * 86_400e6],
    ['1mo', '1 months', 28 * 86_400e6],
    ['1y', '1 years', 365 * 86_400e6],
  ] as const) {
    assert.deepEqual(readBucket(text), { name: text, interval, width });
  }
  for (const text of [
    '',
    '0s',
    '-1h',
    '1',
    'h',
    '1.5h',
    '01h',
    '1ms',
    '1h1m',
    '1 h',
    '1234567s',
    '1H',
    "1h'",
  ]) {
    assert.equal(readBucket(text), null, text);
  }
});
