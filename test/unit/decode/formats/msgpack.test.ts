import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encode } from '@msgpack/msgpack';
import * as fc from 'fast-check';
import { ByteString } from '../../../../src/decode/byte-string.ts';
import { NumberRoom } from '../../../../src/decode/number-room.ts';
import { ByteReader } from '../../../../src/decode/formats/byte-reader.ts';
import { readMsgpack } from '../../../../src/decode/formats/msgpack.ts';
import { Instant } from '../../../../src/decode/instant.ts';
import { decode, LIMITS, makeRoute } from '../decoding.ts';
import { jsonLike } from './json-like.ts';

const ROUTE = makeRoute({ topic: 'devices/{device_id}', format: 'msgpack' });
const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
const read = (bytes: string | Uint8Array): unknown =>
  readMsgpack(new ByteReader(typeof bytes === 'string' ? hex(bytes) : bytes, LIMITS, new NumberRoom()));
const sent = (payload: Uint8Array) => decode([ROUTE], 'devices/d', payload);

test('Every type of the specification', () => {
  for (const [bytes, value] of [
    ['7f', 127],
    ['e0', -32],
    ['c0', null],
    ['c2', false],
    ['c3', true],
    ['cc80', 128],
    ['cd0100', 256],
    ['ce80000000', 2 ** 31],
    ['cf001fffffffffffff', Number.MAX_SAFE_INTEGER],
    ['cfffffffffffffffff', 2n ** 64n - 1n],
    ['d080', -128],
    ['d18000', -32_768],
    ['d280000000', -(2 ** 31)],
    ['d38000000000000000', -(2n ** 63n)],
    ['ca41ac0000', 21.5],
    ['cb4035800000000000', 21.5],
    ['cb7ff0000000000000', Number.POSITIVE_INFINITY],
    ['a26869', 'hi'],
    ['d9026869', 'hi'],
    ['da00026869', 'hi'],
    ['db000000026869', 'hi'],
    ['c403010203', new ByteString(3)],
    ['c50001ff', new ByteString(1)],
    ['c600000001ff', new ByteString(1)],
    ['9201a0', [1, '']],
    ['dc000101', [1]],
    ['dd0000000101', [1]],
    ['82a16101a162c0', { a: 1, b: null }],
    ['de000101c2', { 1: false }],
    ['df0000000101c3', { 1: true }],
    ['d40500', new ByteString(1)],
    ['c8000205ffff', new ByteString(2)],
  ] as const) {
    assert.deepEqual(read(bytes), value, bytes);
  }
});

test('Timestamps of 32, 64 and 96 bits, to the microsecond', () => {
  assert.deepEqual(read('d6ff514b67b0'), new Instant(1_363_896_240_000_000));
  // 999,999,999 ns and 1,363,896,240 s
  const long = ((999_999_999n << 34n) | 1_363_896_240n).toString(16).padStart(16, '0');
  assert.deepEqual(read(`d7ff${long}`), new Instant(1_363_896_240_999_999));
  assert.deepEqual(read('c70cff 3b9ac9ff ffffffffffffffff'), new Instant(-1));
  const { rows, rejects } = sent(hex('82 a161 01 a974696d657374616d70 c70cff 00000000 7fffffffffffffff'));
  assert.deepEqual(rows, []);
  assert.equal(rejects[0]?.code, 'timestamp_out_of_range');
});

test('What another encoder writes is read back', () => {
  fc.assert(
    fc.property(jsonLike, (value) => {
      assert.deepEqual(read(encode(value)), value);
    }),
  );
});

test('What is not MessagePack, or more than one object, is rejected', () => {
  for (const bytes of [
    'c1',
    'cc',
    'a261',
    'd9ff61',
    '92',
    '81',
    '81a161',
    '0000',
    'a2c328',
    '81c201',
    'ddffffffff00',
    'dfffffffff00',
    'c6ffffffff00',
    'd5ff0000',
  ]) {
    assert.equal(sent(hex(bytes)).rejects[0]?.code, 'payload_not_msgpack', bytes);
  }
  assert.equal(sent(hex('91'.repeat(33) + '00')).rejects[0]?.code, 'payload_too_deep');
});

test('A map of metrics and columns are points as those of JSON', () => {
  const { rows } = sent(encode({ timestamp: [1, 2], metrics: { t: [1.5, 2.5], on: [true, null] } }));
  assert.deepEqual(rows, [
    ['d', 't', 1_000_000, 1.5, 'gauge'],
    ['d', 't', 2_000_000, 2.5, 'gauge'],
    ['d', 'on', 1_000_000, 1, 'state'],
  ]);
});
