import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { decode, LIMITS, makeRoute, valuesOf } from '../decoding.ts';

const JSON_ROUTE = makeRoute({ topic: 'devices/{device_id}/{metric_name}', format: 'json' });
const firstReject = (payload: string | Uint8Array) => decode([JSON_ROUTE], 'devices/d/m', payload).rejects[0];

test('JSON scalars are values', () => {
  const values = (payload: string) => valuesOf(payload, { format: 'json' });
  assert.deepEqual(values('21.5'), [[21.5, 'gauge']]);
  assert.deepEqual(values(' true\n'), [[1, 'state']]);
  assert.deepEqual(values('"off"'), [[0, 'state']]);
  assert.deepEqual(values('"21.5"'), [[21.5, 'gauge']]);
  assert.deepEqual(values('"idle"'), [['idle', 'text']]);
  assert.deepEqual(values('null'), []);
  assert.deepEqual(values('9007199254740993'), [[9_007_199_254_740_992, 'gauge']]);
  assert.deepEqual(values('123456789012345678901234567890'), [[1.2345678901234568e29, 'gauge']]);
});

test('What is not JSON is rejected with the place, not with the payload', () => {
  assert.deepEqual(firstReject('{"secret" "hunter2"}'), {
    code: 'payload_not_json',
    detail: "$: Expected ':' after property name in JSON at position 10 (line 1 column 11)",
  });
  assert.deepEqual(firstReject('{"secret":hunter2}'), {
    code: 'payload_not_json',
    detail: "$: Unexpected token 'h'",
  });
  assert.deepEqual(firstReject('{"a":\0}'), {
    code: 'payload_not_json',
    detail: "$: Unexpected token '\\x00'",
  });
  assert.deepEqual(firstReject('hello'), { code: 'payload_not_json', detail: "$: Unexpected token 'h'" });
});

test('The bytes are strict UTF-8, with or without a byte order mark', () => {
  assert.deepEqual(valuesOf('\ufeff{"value":1}'), [[1, 'gauge']]);
  assert.deepEqual(valuesOf('\ufeff21.5'), [[21.5, 'gauge']]);
  assert.deepEqual(firstReject(Buffer.from('{"value":"caf\xe9"}', 'latin1')), {
    code: 'payload_not_utf8',
    detail: '$: invalid UTF-8 at byte 13',
  });
  assert.match(firstReject(Buffer.from('"\ufffd\xff"', 'latin1'))?.detail ?? '', /byte 1/);
});

test('Keys that JavaScript knows otherwise, and keys that repeat, are harmless', () => {
  const route = makeRoute({ topic: 'devices/{device_id}', format: 'json' });
  const { rows } = decode([route], 'devices/d', '{"__proto__":1,"constructor":2,"toString":3,"a":4,"a":5}');
  assert.deepEqual(
    rows.map(([, metric, , value]) => [metric, value]),
    [
      ['__proto__', 1],
      ['constructor', 2],
      ['toString', 3],
      ['a', 5],
    ],
  );
  assert.equal(({} as Record<string, unknown>)['a'], undefined);
});

test('Nanosecond epochs keep their microsecond, and long integers their value', () => {
  const nanos = fc.bigInt({ min: 10n ** 17n, max: 9n * 10n ** 18n });
  fc.assert(
    fc.property(nanos, (time) => {
      const { rows } = decode([JSON_ROUTE], 'devices/d/m', `{"timestamp":${time},"value":${time}}`);
      assert.deepEqual(rows, [['d', 'm', Number(time / 1000n), Number(time), 'gauge']]);
    }),
  );
});

test('A long document of long integers is bounded as any other, by different keys, values, arrays and objects', () => {
  const limits = { ...LIMITS, pointsPerMessage: 5_000, namesPerMessage: 300 };
  const long = '1'.repeat(19);
  const send = (document: string) =>
    decode([makeRoute({ topic: 'devices/{device_id}', format: 'json' })], 'devices/d', document, limits);
  const list = (count: number, item: (index: number) => string) =>
    `[${Array.from({ length: count }, (_, index) => item(index)).join(',')}]`;
  const { rows, rejects } = send(list(1_900, () => `{"metric_name":"m","value":${long}}`));
  assert.deepEqual([rows.length, rows[0]?.[3], rejects.length], [1_900, Number(long), 0]);
  for (const [document, detail] of [
    [list(1_500, (index) => `{"metric_name":"m","value":${long},"k${index}":0}`), '1300 different keys'],
    [list(2_000, () => `{"metric_name":"m","value":${long}}`), '2000 arrays and objects'],
    [`{"values":${list(21_000, () => long)}}`, '21000 values'],
    [`{"values":${list(4_000, () => long)},"deep":${'['.repeat(40)}${']'.repeat(40)}}`, '32 levels'],
  ] as const) {
    const refused = send(document);
    assert.deepEqual([refused.rows.length, refused.rejects[0]?.detail], [0, `$: more than ${detail}`]);
  }
});
