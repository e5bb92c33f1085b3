import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readBytes, readDuration } from '../../../src/config/units.ts';

test('durations are read as milliseconds', () => {
  const written = ['0', '0s', '500ms', '1s', '90 s', '5min', '5m', '12h', '7d', '1 day', '7 days', '2 weeks'];
  assert.deepEqual(
    written.map(readDuration),
    [
      0, 0, 500, 1000, 90_000, 300_000, 300_000, 43_200_000, 604_800_000, 86_400_000, 604_800_000,
      1_209_600_000,
    ],
  );
});

test('a duration without a unit, negative, broken or beyond exact integers is none', () => {
  for (const text of [
    '',
    '5',
    '-1s',
    '1.5h',
    '1h30m',
    '1 fortnight',
    's',
    '1  s',
    ' 1s',
    '1ss',
    '9007199254740993ms',
  ]) {
    assert.equal(readDuration(text), undefined, text);
  }
});

test('sizes are read as bytes', () => {
  const written = ['0', '4096', '512B', '10kB', '10 KB', '1KiB', '64MiB', '2MB', '1GiB', '1GB'];
  assert.deepEqual(
    written.map(readBytes),
    [0, 4096, 512, 10_000, 10_000, 1024, 67_108_864, 2_000_000, 1_073_741_824, 1_000_000_000],
  );
});

test('an unknown unit or a broken size is none', () => {
  for (const text of ['', 'MiB', '1mib', '1.5MiB', '-1', '1TiBs', 'constructor', '1constructor']) {
    assert.equal(readBytes(text), undefined, text);
  }
});
