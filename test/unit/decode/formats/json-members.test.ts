import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { createDecoder } from '../../../../src/decode/decoder.ts';
import type { FormatName } from '../../../../src/decode/formats/table.ts';
import { decodeBy, LIMITS, makeRoute, metricsOf } from '../decoding.ts';

const name = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom('a', 'b', 'c', 'temperature', 'größe') },
  fc.constantFrom('timestamp', 'metric_name', 'value', '__proto__', '7', '', 'a.b', '\\u0061', 'n\\u0000'),
);
const value = fc.oneof(
  { weight: 6, arbitrary: fc.double({ noNaN: true, noDefaultInfinity: true }).map(String) },
  fc.constantFrom(
    'true',
    'null',
    '"on"',
    '"idle"',
    '1767225600123',
    '9007199254740993',
    '1e999',
    '"\\ud800"',
  ),
  fc.constantFrom('{}', '[]', '{"a":1}', '[1,2]', '{"timestamp":5,"a":2}'),
);
const message = fc
  .tuple(fc.array(fc.tuple(name, value), { maxLength: 6 }), fc.constantFrom('', ' ', ',', 'x'))
  .map(([members, after]) => `{${members.map(([key, its]) => `"${key}":${its}`).join(',')}}${after}`);

for (const format of ['json', 'auto'] as FormatName[]) {
  for (const flatten of [true, false, 'arrays'] as const) {
    test(`property: members in lists are what they are in an object: ${format}, flatten ${flatten}`, () => {
      const route = { topic: 'devices/{device_id}', format, flatten };
      // A rule for some metric: then the route reads more than members.
      const rules = { metrics: { 'no such metric': { unit: 'V' } } };
      const decoderOf = (more: object) => createDecoder([makeRoute({ ...route, ...more })], LIMITS);
      const decoders = [decoderOf({}), decoderOf(rules)];
      fc.assert(
        // One after the other: what a message has is held against the names of the one before.
        fc.property(fc.array(message, { maxLength: 4 }), (payloads) => {
          for (const payload of payloads) {
            const [listed, whole] = decoders.map((decoder) => decodeBy(() => decoder, 'devices/d', payload));
            assert.deepEqual(listed, whole, payload);
          }
        }),
        { numRuns: 500 },
      );
    });
  }
}

test('The same names again, fewer of them, and one of them twice', () => {
  assert.deepEqual(metricsOf('{"a":1,"b":2,"c":3}'), metricsOf('{"a":1,"b":2,"c":3}'));
  assert.equal(metricsOf('{"a":1,"b":2}').length, 2);
  assert.deepEqual(
    metricsOf('{"a":1,"b":2,"a":3}').map(([metric, , its]) => [metric, its]),
    [
      ['a', 3],
      ['b', 2],
    ],
  );
  assert.equal(metricsOf('{"a":1,"b":2,"c":3}').length, 3);
});
