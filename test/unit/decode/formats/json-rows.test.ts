import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { JsonRows } from '../../../../src/decode/formats/json-rows.ts';
import type { FormatName } from '../../../../src/decode/formats/table.ts';
import { decode, LIMITS, makeRoute } from '../decoding.ts';

const number = fc.oneof(
  {
    weight: 20,
    arbitrary: fc.integer({ min: -1_000_000, max: 1_000_000 }).map((hundredths) => String(hundredths / 100)),
  },
  { weight: 20, arbitrary: fc.nat({ max: 2_000_000_000_000 }).map(String) },
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.constantFrom('1767225600123456', '-0', '9007199254740993', '1e999', '1.', '01', '-'),
);
const other = fc.constantFrom('null', 'true', '"1.5"', '"idle"', '{}', '[]', '[1,2]', '{"a":1}');
const space = fc.constantFrom('', '', '', ' ', '\n\t', '\v');
const list = (item: fc.Arbitrary<string>) =>
  fc
    .tuple(fc.array(fc.tuple(item, space, space), { maxLength: 5 }), fc.constantFrom('', '', '', ',', ']'))
    .map(
      ([items, after]) => `[${items.map(([text, left, right]) => left + text + right).join(',')}${after}]`,
    );
const usual = fc
  .tuple(number, number)
  .chain(([time, value]) =>
    fc.constantFrom(
      `{"timestamp":${time},"value":${value}}`,
      `{ "value" : ${value} , "timestamp" : ${time} }`,
    ),
  );
const unusual = fc
  .tuple(fc.constantFrom('timestamp', 'value', 'time', '\\u0076alue'), fc.oneof(number, other), number)
  .chain(([key, one, two]) =>
    fc.constantFrom(
      `{"${key}":${one},"value":${two}}`,
      `{"timestamp":${two},"${key}":${one}}`,
      `{"timestamp":${two},"value":${two},"${key}":${one}}`,
      `{"timestamp":${two}}`,
      one,
    ),
  );
const rows = list(fc.oneof({ weight: 12, arbitrary: usual }, unusual));
const column = list(fc.oneof({ weight: 12, arbitrary: number }, other));
const columns = fc
  .tuple(column, column, fc.constantFrom('metrics', 'value', 'temperature'))
  .chain(([times, values, key]) =>
    fc.constantFrom(
      `{"timestamp":${times},"${key}":${values}}`,
      `{"timestamp":${times},"metrics":{"a":${values},"b":${values}}}`,
      `{"timestamp":5,"a":${values}}`,
    ),
  );

/** A rule for no metric that is there: then the route reads more than numbers, and all of a document becomes what JSON.parse makes. */
const rules = { metrics: { 'no such metric': { unit: 'V' } } };

for (const format of ['json', 'auto'] as FormatName[]) {
  for (const topic of ['devices/{device_id}/{metric_name}', 'devices/{device_id}/+']) {
    test(`property: numbers in columns are what they are in objects and arrays: ${format}, ${topic}`, () => {
      const more = fc.constantFrom<object>(
        {},
        { flatten: 'arrays' },
        { on_nested: 'skip' },
        { exclude: ['temperature'] },
        { value_is: 'unit' },
        { unset_before: '2020-01-01T00:00:00Z' },
        { time_unit: 's' },
      );
      fc.assert(
        fc.property(fc.oneof(rows, columns), more, (payload, keys) => {
          const route = { topic, format, ...keys };
          const [quick, whole] = [{}, rules].map((said) =>
            decode([makeRoute({ ...route, ...said })], 'devices/d/temperature', payload),
          );
          assert.deepEqual(quick, whole, payload);
        }),
        { numRuns: 500 },
      );
    });
  }
}

test('the usual rows become columns, and a payload is none of them where one is not', () => {
  const reader = new JsonRows();
  const read = (text: string) =>
    reader.read(Buffer.from(text)) ? [[...reader.times], [...reader.values]] : null;
  assert.deepEqual(read('[{"timestamp":1767225600123,"value":21.5},{"value":-3,"timestamp":2}]'), [
    [1_767_225_600_123, 2],
    [21.5, -3],
  ]);
  assert.deepEqual(read(' [ { "timestamp" : 1 , "value" : 2 } ] \n'), [[1], [2]]);
  assert.equal(read('[{"timestamp":1,"value":2},{"timestamp":1,"value":"2"}]'), null);
});

test('rows count for the limits as the objects that they are', () => {
  const payload = (count: number) =>
    JSON.stringify(
      Array.from({ length: count }, (_, row) => ({ timestamp: 1_767_225_600 + row, value: row })),
    );
  const route = { topic: 'devices/{device_id}/{metric_name}' };
  for (const limits of [
    { ...LIMITS, pointsPerMessage: 100 },
    { ...LIMITS, pointsPerMessage: 1 },
    { ...LIMITS, nesting: 1 },
  ]) {
    for (const count of [1, 2, 100, 101, 334, 335, 1_023, 1_024, 1_025]) {
      const [quick, whole] = [{}, rules].map((more) =>
        decode([makeRoute({ ...route, ...more })], 'devices/d/temperature', payload(count), limits),
      );
      assert.deepEqual(quick, whole, `${count} rows`);
    }
  }
});
