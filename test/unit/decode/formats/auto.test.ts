import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encode as encodeMsgpack } from '@msgpack/msgpack';
import { encode as encodeCbor } from 'cborg';
import * as fc from 'fast-check';
import { decode, DEFAULT_ROUTES, makeRoute, metricsOf, valuesOf } from '../decoding.ts';
import { jsonLike } from './json-like.ts';

test('What begins like an object or array is JSON, all else a scalar', () => {
  assert.deepEqual(valuesOf(' \n{"value":21.5}'), [[21.5, 'gauge']]);
  assert.deepEqual(valuesOf('[{"value":1},{"value":2}]').length, 2);
  assert.deepEqual(valuesOf('"on"'), [[1, 'state']]);
  assert.deepEqual(valuesOf('"torn'), [['"torn', 'text']]);
  assert.deepEqual(valuesOf('true'), [[1, 'state']]);
  assert.deepEqual(valuesOf('null'), []);
  assert.deepEqual(valuesOf('a [note]'), [['a [note]', 'text']]);
});

test('Broken JSON is never taken for text', () => {
  for (const payload of ['{21.5}', '[', ' {"value":1', '[INFO] started']) {
    const { rows, rejects } = decode(DEFAULT_ROUTES, 'devices/d/m', payload);
    assert.deepEqual(rows, []);
    assert.deepEqual(
      rejects.map(({ code }) => code),
      ['payload_not_json'],
    );
  }
});

const sent = (topic: string, payload: string | Uint8Array) => decode(DEFAULT_ROUTES, topic, payload);
const codes = (topic: string, payload: string | Uint8Array) =>
  sent(topic, payload).rejects.map(({ code }) => code);

test('Objects and lists of objects in CBOR and MessagePack are told apart', () => {
  for (const encode of [encodeCbor, encodeMsgpack]) {
    assert.deepEqual(sent('devices/d', encode({ up: true, temp: 21.5, timestamp: 5 })).rows, [
      ['d', 'up', 5_000_000, 1, 'state'],
      ['d', 'temp', 5_000_000, 21.5, 'gauge'],
    ]);
    assert.deepEqual(sent('devices/d/m', encode({ value: 21.5 })).rows, [
      ['d', 'm', Number.NaN, 21.5, 'gauge'],
    ]);
    const list = [1, 2, 3].map((value) => ({ metric_name: 'm', value, timestamp: value }));
    assert.equal(sent('devices/d', encode(list)).rows.length, 3);
    const columns = { timestamp: [1, 2], metrics: { t: [1.5, 2.5] } };
    assert.equal(sent('devices/d', encode(columns)).rows.length, 2);
  }
});

test('Bare numbers, and bytes that name nothing, are not guessed', () => {
  for (const bytes of [
    encodeCbor(21.5),
    encodeMsgpack(21.5),
    encodeCbor([1, 2, 3]),
    encodeMsgpack([1, 2]),
    encodeCbor({}),
    encodeMsgpack({}),
  ]) {
    assert.deepEqual(codes('devices/d/m', bytes), ['payload_not_utf8']);
  }
  for (const bytes of [
    'a10001',
    'a1616101ff',
    'a1610001',
    'a16001',
    '00000000008035c0',
    'fffe3100',
    'a1ff',
    '8101a1',
  ]) {
    assert.deepEqual(codes('devices/d/m', Buffer.from(bytes, 'hex')), ['payload_not_utf8'], bytes);
  }
});

test('What two formats can read is rejected', () => {
  // CBOR: [{"\u0343": 8}]; MessagePack: {"b": 33544}.
  assert.deepEqual(codes('devices/d', Buffer.from('81a162cd8308', 'hex')), ['payload_ambiguous']);
});

test('Too much of a format is told as that', () => {
  assert.deepEqual(codes('devices/d', Buffer.from(`a16161${'81'.repeat(40)}00`, 'hex')), [
    'payload_too_deep',
  ]);
});

test('Lines and SenML where the payload has to name the metrics, and nowhere else', () => {
  const line = 'cpu,host=a usage=1.5 1465839830100400200';
  assert.deepEqual(metricsOf(line), [['cpu.usage,host=a', 1_465_839_830_100_400, 1.5]]);
  assert.deepEqual(metricsOf(`# comment\n\n${line}\nnot one`), [
    ['cpu.usage,host=a', 1_465_839_830_100_400, 1.5],
  ]);
  assert.deepEqual(valuesOf(line), [[line, 'text']]);
  const pack = '[{"bn":"d/","n":"temp","v":23.5},{"n":"label","vs":"room"}]';
  assert.deepEqual(metricsOf(pack), [
    ['temp', Number.NaN, 23.5],
    ['label', Number.NaN, 'room'],
  ]);
  const records = [
    new Map<number, unknown>([
      [-2, 'd/'],
      [0, 'temp'],
      [2, 23.5],
    ]),
  ];
  assert.deepEqual(sent('devices/d', encodeCbor(records)).rows, [['d', 'temp', Number.NaN, 23.5, 'gauge']]);
  assert.deepEqual(codes('devices/d/m', pack), ['value_missing', 'value_missing']);
  assert.deepEqual(codes('devices/d', '[{"n":"a","v":1},{"metric_name":"b","value":2}]'), [
    'metric_name_missing',
  ]);
  assert.deepEqual(codes('devices/d', 'a b c'), ['metric_name_missing']);
});

test('Whatever JSON and single values give, auto gives too', () => {
  const formats = (['auto', 'json', 'value'] as const).map((format) => [
    makeRoute({ topic: 'devices/{device_id}/{metric_name}', format }),
    makeRoute({ topic: 'devices/{device_id}', format }),
  ]);
  fc.assert(
    fc.property(
      fc.oneof(
        jsonLike.map((value) => JSON.stringify(value)),
        fc.string({ unit: 'grapheme' }),
      ),
      (payload) => {
        for (const topic of ['devices/d', 'devices/d/m']) {
          const [auto, json, value] = formats.map((routes) => decode(routes, topic, payload).rows);
          const expected = /^\s*[[{]/.test(payload) ? json : value;
          if (expected?.length !== 0) assert.deepEqual(auto, expected);
        }
      },
    ),
  );
});
