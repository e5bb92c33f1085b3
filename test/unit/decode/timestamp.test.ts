import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { isoOf } from '../../../src/iso-time.ts';
import { OUT_OF_RANGE, readTimestamp, readTimestamps, UNREADABLE } from '../../../src/decode/timestamp.ts';
import { TimeZone } from '../../../src/decode/time-zone.ts';

const UTC = new TimeZone('UTC');
const read = (value: unknown, unit: 'auto' | 's' | 'ms' | 'us' | 'ns' = 'auto') =>
  readTimestamp(value, unit, UTC);
const T = 1_704_067_200_000_000; // 2024-01-01T00:00:00Z

test('Text is ISO 8601, cut off to microseconds', () => {
  const cases: [text: string, micros: number][] = [
    ['2024-01-01T00:00:00Z', T],
    ['2024-01-01t00:00:00z', T],
    ['2024-01-01 00:00:00', T],
    ['2024-01-01', T],
    ['2024-01-01T00:00', T],
    ['2024-01-01T00:00Z', T],
    [' 2024-01-01T00:00:00Z\n', T],
    ['2024-01-01T00:00:00.1Z', T + 100_000],
    ['2024-01-01T00:00:00,25Z', T + 250_000],
    ['2024-01-01T00:00:00.123456Z', T + 123_456],
    ['2024-01-01T00:00:00.123456789Z', T + 123_456],
    ['2024-01-01T00:00:00.9999999999999999999Z', T + 999_999],
    ['2024-01-01T05:45:00+05:45', T],
    ['2024-01-01T05:45:00+0545', T],
    ['2024-01-01T05:00:00+05', T],
    ['2023-12-31T16:00:00-08:00', T],
    ['2023-12-31T20:30-03:30', T],
    ['2024-01-01T00:00:00-00:00', T],
    ['2024-02-29T00:00:00Z', T + 59 * 86_400_000_000],
    ['1969-12-31T23:59:59.9999999Z', -1],
    ['2016-12-31T23:59:60Z', 1_483_228_800_000_000],
    ['2016-12-31T23:59:60.5Z', 1_483_228_800_500_000],
    ['2017-01-01T05:29:60+05:30', 1_483_228_800_000_000],
    // As the devices of the wild write it: The Things Stack, ChirpStack, Tasmota.
    ['2020-02-12T15:15:46.014773143Z', 1_581_520_546_014_773],
    ['2022-07-18T09:34:15.775023242+00:00', 1_658_136_855_775_023],
    ['2022-01-11T21:57:38', 1_641_938_258_000_000],
  ];
  for (const [text, micros] of cases) {
    assert.equal(read(text), micros, text);
  }
});

test('Numbers are epochs: the unit by magnitude, or the one of the route', () => {
  const cases: [value: unknown, unit: 'auto' | 's' | 'ms' | 'us' | 'ns', micros: number][] = [
    [1_704_067_200, 'auto', T],
    [1_704_067_200_000, 'auto', T],
    [T, 'auto', T],
    [1_704_067_200_000_000_123n, 'auto', T],
    [1_704_067_200_000_001_999n, 'auto', T + 1],
    ['1704067200', 'auto', T],
    ['1704067200000', 'auto', T],
    ['1704067200000000999', 'auto', T],
    [99_999_999_999, 'auto', OUT_OF_RANGE],
    [100_000_000_000, 'auto', 100_000_000_000_000],
    [99_999_999_999_999, 'auto', OUT_OF_RANGE],
    [100_000_000_000_000, 'auto', 100_000_000_000_000],
    [-1, 'auto', -1_000_000],
    [-1_000_000_000_000, 'auto', -1_000_000_000_000_000],
    [0, 'auto', 0],
    [5, 'ms', 5000],
    [5, 'us', 5],
    [5_999, 'ns', 5],
    [-1, 'ns', -1],
    [-1000, 'ns', -1],
    [8_999_999_999_999_999, 'ns', 8_999_999_999_999],
    [1_631_186_545.04, 'auto', 1_631_186_545_040_000],
    [1_650_636_570.426424, 'auto', 1_650_636_570_426_424],
    ['1650636570.426424999', 'auto', 1_650_636_570_426_424],
    [1_704_067_200_000.5, 'auto', T + 500],
    [T + 0.25, 'auto', T],
    [-0.0000015, 's', -2],
    [1e-7, 's', 0],
    [-1e-7, 's', -1],
    ['1.704067200e+09', 'auto', T],
    ['+1704067200', 'auto', T],
    [1.320067464e9, 'auto', 1_320_067_464_000_000],
    ['0000000000000000000000000000000', 'auto', 0],
    ['1e400000', 'auto', OUT_OF_RANGE],
    [Number.POSITIVE_INFINITY, 'auto', OUT_OF_RANGE],
    [1e300, 'auto', OUT_OF_RANGE],
    [1e300, 'ns', OUT_OF_RANGE],
    [-1e300, 's', OUT_OF_RANGE],
  ];
  for (const [value, unit, micros] of cases) {
    assert.equal(read(value, unit), micros, `${value as number} ${unit}`);
  }
});

test('No time is none, and what cannot be read is never taken for none', () => {
  assert.ok(Number.isNaN(read(null)));
  assert.ok(Number.isNaN(read(undefined)));
  const wrong = [
    '',
    ' ',
    'now',
    'yesterday',
    'NaN',
    true,
    {},
    [],
    '2024-',
    '2024-1-1',
    '2024-01-01T',
    '2024-01-01T0',
    '0x10',
    '2024-00-01',
    '2024-13-01',
    '2024-01-00',
    '2024-01-32',
    '2023-02-29',
    '1900-02-29',
    '2024-04-31',
    '2024/01/01',
    '2024-01/01',
    '2024-01-01T24:00:00Z',
    '2024-01-01T25:00:00Z',
    '2024-01-01T00:60:00Z',
    '2024-01-01T00:00:61Z',
    '2024-01-01T12:00:60Z',
    '2024-01-01T00:00:00.Z',
    '2024-01-01T00:00:00+24:00',
    '2024-01-01T00:00:00+05:60',
    '2024-01-01T00:00:00+5',
    '2024-01-01T00:00:00+05:4',
    '2024-01-01T00:00:00 UTC',
    '2024-01-01T00:00:00ZZ',
    '2024-01-01X00:00:00',
    '1.2.3',
    '.',
    '-',
    '20240101T000000Z',
    '2024-01-01T00.00',
    '2024-W01-1',
  ];
  for (const value of wrong) {
    assert.equal(read(value), UNREADABLE, JSON.stringify(value));
  }
});

test('Years 1684 to 2255 fit, others do not', () => {
  assert.equal(read('1684-07-28T00:12:25.259009Z'), -Number.MAX_SAFE_INTEGER);
  assert.equal(read('2255-06-05T23:47:34.740991Z'), Number.MAX_SAFE_INTEGER);
  for (const text of [
    '1684-07-28T00:12:25Z',
    '2255-06-05T23:47:35Z',
    '0000-01-01',
    '9999-12-31T23:59:59.999999999Z',
  ]) {
    assert.equal(read(text), OUT_OF_RANGE, text);
  }
});

test('A local time is one of the zone of the route', () => {
  const berlin = new TimeZone('Europe/Berlin');
  const micros = (text: string) => readTimestamp(text, 'auto', berlin);
  assert.equal(micros('2022-01-11T21:57:38'), Date.UTC(2022, 0, 11, 20, 57, 38) * 1000);
  assert.equal(micros('2022-07-11T21:57:38.5'), Date.UTC(2022, 6, 11, 19, 57, 38, 500) * 1000);
  assert.equal(micros('2024-07-01'), Date.UTC(2024, 5, 30, 22) * 1000);
  assert.equal(micros('2022-07-11T21:57:38Z'), Date.UTC(2022, 6, 11, 21, 57, 38) * 1000);
});

test('Every microsecond between 1700 and 2250 survives ISO 8601 with any offset', () => {
  const micros = fc.integer({ min: Date.UTC(1700) * 1000, max: Date.UTC(2250) * 1000 });
  const offset = fc.integer({ min: -1439, max: 1439 });
  fc.assert(
    fc.property(micros, offset, (time, minutes) => {
      const [hh, mm] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
      const local = isoOf(time + minutes * 60_000_000).slice(0, -1);
      const zone = `${minutes < 0 ? '-' : '+'}${String(hh).padStart(2, '0')}:${String(mm).padStart(2, '0')}`;
      assert.equal(read(local + zone), time);
      assert.equal(Math.floor(time / 1000), Date.parse(`${local.slice(0, 23)}${zone}`));
    }),
  );
});

test('Epochs are exact to the microsecond in any unit and any writing', () => {
  // As seconds with a fraction, doubles tell microseconds apart until 2242.
  const micros = fc.integer({ min: Date.UTC(1980) * 1000, max: Date.UTC(2242) * 1000 });
  fc.assert(
    fc.property(micros, fc.integer({ min: 0, max: 999 }), (time, nanos) => {
      const digits = String(time);
      assert.equal(read(`${digits.slice(0, -6)}.${digits.slice(-6)}`), time);
      assert.equal(read(`${digits.slice(0, -3)}.${digits.slice(-3)}`, 'ms'), time);
      assert.equal(read(Number(`${digits.slice(0, -6)}.${digits.slice(-6)}`)), time);
      assert.equal(read(BigInt(time) * 1000n + BigInt(nanos)), time);
      assert.equal(read(time), time);
    }),
  );
});

test('Many times are read as each of them', () => {
  const number = fc.oneof(fc.integer(), fc.maxSafeInteger(), fc.double());
  const values = fc.oneof(
    fc.array(number),
    fc.array(number).map((numbers) => Float64Array.from(numbers)),
    fc.array(fc.oneof(number, fc.bigInt(), fc.string(), fc.constant(null))),
    fc
      .array(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }))
      .map((numbers) => BigInt64Array.from(numbers)),
  );
  const units = fc.constantFrom('auto', 's', 'ms', 'us', 'ns');
  fc.assert(
    fc.property(values, units, (list, unit) => {
      const micros = new Float64Array(list.length);
      readTimestamps(list, unit, UTC, micros);
      const each = Array.from<unknown>(list).map((value) => readTimestamp(value, unit, UTC));
      assert.deepEqual([...micros], each);
    }),
  );
});
