import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encode } from 'cborg';
import * as fc from 'fast-check';
import { ByteString } from '../../../../src/decode/byte-string.ts';
import { NumberRoom } from '../../../../src/decode/number-room.ts';
import { ByteReader } from '../../../../src/decode/formats/byte-reader.ts';
import { readCbor } from '../../../../src/decode/formats/cbor-reader.ts';
import { Instant } from '../../../../src/decode/instant.ts';
import { decode, LIMITS, makeRoute } from '../decoding.ts';
import { jsonLike } from './json-like.ts';

const ROUTE = makeRoute({ topic: 'devices/{device_id}', format: 'cbor' });
const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
const read = (bytes: string | Uint8Array): unknown =>
  readCbor(new ByteReader(typeof bytes === 'string' ? hex(bytes) : bytes, LIMITS, new NumberRoom()));
const sent = (payload: Uint8Array) => decode([ROUTE], 'devices/d', payload);
const rejected = (bytes: string) => sent(hex(bytes)).rejects[0];

/** RFC 8949, appendix A. */
const EXAMPLES: readonly [string, unknown][] = [
  ['00', 0],
  ['17', 23],
  ['1818', 24],
  ['1903e8', 1000],
  ['1a000f4240', 1_000_000],
  ['1b000000e8d4a51000', 1_000_000_000_000],
  ['1bffffffffffffffff', 18_446_744_073_709_551_615n],
  ['c249010000000000000000', 18_446_744_073_709_551_616n],
  ['3bffffffffffffffff', -18_446_744_073_709_551_616n],
  ['c349010000000000000000', -18_446_744_073_709_551_617n],
  ['20', -1],
  ['3903e7', -1000],
  ['f90000', 0],
  ['f98000', -0],
  ['f93c00', 1],
  ['fb3ff199999999999a', 1.1],
  ['f97bff', 65_504],
  ['fa7f7fffff', 3.4028234663852886e38],
  ['fb7e37e43c8800759c', 1e300],
  ['f90001', 5.960464477539063e-8],
  ['f90400', 0.00006103515625],
  ['f9c400', -4],
  ['f97c00', Number.POSITIVE_INFINITY],
  ['f97e00', Number.NaN],
  ['fa7f800000', Number.POSITIVE_INFINITY],
  ['fbfff0000000000000', Number.NEGATIVE_INFINITY],
  ['f4', false],
  ['f5', true],
  ['f6', null],
  ['f7', null],
  ['c074323031332d30332d32315432303a30343a30305a', '2013-03-21T20:04:00Z'],
  ['c11a514b67b0', new Instant(1_363_896_240_000_000)],
  ['c1fb41d452d9ec200000', new Instant(1_363_896_240_500_000)],
  ['d74401020304', new ByteString(4)],
  ['d820 76 687474703a2f2f7777772e6578616d706c652e636f6d', 'http://www.example.com'],
  ['40', new ByteString(0)],
  ['60', ''],
  ['6449455446', 'IETF'],
  ['62225c', '"\\'],
  ['62c3bc', '\u00fc'],
  ['64f0908591', '\u{10151}'],
  ['80', []],
  ['8301820203820405', [1, [2, 3], [4, 5]]],
  ['a0', {}],
  ['a201020304', { 1: 2, 3: 4 }],
  ['a26161016162820203', { a: 1, b: [2, 3] }],
  ['826161a161626163', ['a', { b: 'c' }]],
  ['5f42010243030405ff', new ByteString(5)],
  ['7f657374726561646d696e67ff', 'streaming'],
  ['9fff', []],
  ['9f018202039f0405ffff', [1, [2, 3], [4, 5]]],
  ['83018202039f0405ff', [1, [2, 3], [4, 5]]],
  ['bf61610161629f0203ffff', { a: 1, b: [2, 3] }],
  ['bf6346756ef563416d7421ff', { Fun: true, Amt: -2 }],
];

for (const [bytes, value] of EXAMPLES) {
  test(`Example of RFC 8949: ${bytes}`, () => assert.deepEqual(read(bytes), value));
}

test('Decimal fractions and bigfloats are numbers', () => {
  assert.equal(read('c48221196ab3'), 273.15);
  assert.equal(read('c5822003'), 1.5);
  assert.equal(read('c5821903ff01'), 2 ** 1023);
  assert.equal(read('c48239043400'), 0);
});

test('What another encoder writes is read back', () => {
  fc.assert(
    fc.property(jsonLike, (value) => {
      assert.deepEqual(read(encode(value)), value);
    }),
  );
});

test('Not well-formed (RFC 8949, appendix F), or what cannot be read: a reason with its place', () => {
  const bad = `18 1b00 61 5b7fffffffffffffff 9bffffffffffffffff 81 a1 a101 8200 1c 3d fc f818 ff 81ff a1ff00 9f bf00ff
    5f00ff 7f4100ff 5f5f4100ffff 0000 62c328 a1f400 a1800000 c200 c401 d8534100 d85141ff c483000000`;
  for (const bytes of bad.split(/\s+/)) {
    const reason = rejected(bytes);
    assert.equal(reason?.code, 'payload_not_cbor', bytes);
  }
  assert.match(rejected('9b00000000ffffffff00')?.detail ?? '', /4294967295 values in 1 bytes, at byte 9/);
});

test('Nesting, parts and objects are bounded', () => {
  assert.equal(rejected('81'.repeat(33) + '00')?.code, 'payload_too_deep');
  assert.equal(rejected('c7'.repeat(33) + '00')?.code, 'payload_too_deep');
  const small = { ...LIMITS, pointsPerMessage: 10 };
  const many = (part: string) =>
    decode([ROUTE], 'devices/d', hex(`9a00002000${part.repeat(0x2000)}`), small).rejects[0];
  assert.deepEqual(many('80'), { code: 'too_many_points', detail: '$: more than 1002 arrays and objects' });
  assert.deepEqual(many('40'), { code: 'too_many_points', detail: '$: more than 1002 arrays and objects' });
  assert.deepEqual(many('00'), { code: 'too_many_points', detail: '$: more than 1040 values' });
});

test('A map of metrics, with the time that a tag marks as one', () => {
  const { rows } = sent(hex('a3 6161 fa41ac0000 6162 f5 6974696d657374616d70 c1fb41d452d9ec200000'));
  assert.deepEqual(rows, [
    ['d', 'a', 1_363_896_240_500_000, 21.5, 'gauge'],
    ['d', 'b', 1_363_896_240_500_000, 1, 'state'],
  ]);
  const millis = { ...ROUTE, time_unit: 'ms' as const };
  const times = (bytes: string) => decode([millis], 'devices/d', hex(bytes)).rows.map(([, , time]) => time);
  assert.deepEqual(times('a2 6161 01 6974696d657374616d70 c11a514b67b0'), [1_363_896_240_000_000]);
});

test('Infinities are values, numbers beyond the doubles and bytes are not', () => {
  const { rows, rejects } = sent(
    hex(`a4 6161 f9fc00 6162 c2 58 81 01${'00'.repeat(128)} 6163 43010203 6164 01`),
  );
  assert.deepEqual(
    rows.map(([, metric, , value]) => [metric, value]),
    [
      ['a', Number.NEGATIVE_INFINITY],
      ['d', 1],
    ],
  );
  assert.deepEqual(rejects, [
    { code: 'number_out_of_range', detail: '$.b: the number does not fit a double' },
    { code: 'value_unsupported', detail: '$.c: the value is 3 bytes' },
  ]);
});

/** RFC 8746: a tag and the same numbers. */
const [LE, BE] = [true, false];
const TYPED: readonly [
  tag: number,
  width: number,
  write: (view: DataView, at: number, value: number) => void,
][] = [
  [64, 1, (view, at, value) => view.setUint8(at, value)],
  [65, 2, (view, at, value) => view.setUint16(at, value, BE)],
  [66, 4, (view, at, value) => view.setUint32(at, value, BE)],
  [67, 8, (view, at, value) => view.setBigUint64(at, BigInt(value), BE)],
  [68, 1, (view, at, value) => view.setUint8(at, value)],
  [69, 2, (view, at, value) => view.setUint16(at, value, LE)],
  [70, 4, (view, at, value) => view.setUint32(at, value, LE)],
  [71, 8, (view, at, value) => view.setBigUint64(at, BigInt(value), LE)],
  [72, 1, (view, at, value) => view.setInt8(at, value)],
  [73, 2, (view, at, value) => view.setInt16(at, value, BE)],
  [74, 4, (view, at, value) => view.setInt32(at, value, BE)],
  [75, 8, (view, at, value) => view.setBigInt64(at, BigInt(value), BE)],
  [77, 2, (view, at, value) => view.setInt16(at, value, LE)],
  [78, 4, (view, at, value) => view.setInt32(at, value, LE)],
  [79, 8, (view, at, value) => view.setBigInt64(at, BigInt(value), LE)],
  [81, 4, (view, at, value) => view.setFloat32(at, value, BE)],
  [82, 8, (view, at, value) => view.setFloat64(at, value, BE)],
  [85, 4, (view, at, value) => view.setFloat32(at, value, LE)],
  [86, 8, (view, at, value) => view.setFloat64(at, value, LE)],
];

function typedArray(
  tag: number,
  width: number,
  write: (typeof TYPED)[number][2],
  values: readonly number[],
): Buffer {
  const body = Buffer.alloc(values.length * width);
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  for (const [index, value] of values.entries()) write(view, index * width, value);
  return Buffer.concat([Buffer.from([0xd8, tag, 0x58, body.length]), body]);
}

function columns(time: Buffer, values: Buffer): Buffer {
  return Buffer.concat([
    hex('a2 69'),
    Buffer.from('timestamp'),
    time,
    hex('67'),
    Buffer.from('metrics'),
    hex('a1 6174'),
    values,
  ]);
}

for (const [tag, width, write] of TYPED) {
  test(`Typed arrays of tag ${tag} are columns`, () => {
    const isSigned = [72, 73, 74, 75, 77, 78, 79, 81, 82, 85, 86].includes(tag);
    const values = isSigned ? [1, -2, 127, -128] : [1, 2, 127, 255];
    const time = typedArray(
      66,
      4,
      TYPED[2]?.[2] as never,
      [1_700_000_000, 1_700_000_001, 1_700_000_002, 1_700_000_003],
    );
    const { rows, rejects } = sent(columns(time, typedArray(tag, width, write, values)));
    assert.deepEqual(rejects, []);
    assert.deepEqual(
      rows.map(([, metric, at, value]) => [metric, at, value]),
      values.map((value, index) => ['t', (1_700_000_000 + index) * 1e6, value]),
    );
  });
}

test('Half floats, in both orders', () => {
  assert.deepEqual(read('d850 44 3c00 c400'), Float64Array.of(1, -4));
  assert.deepEqual(read('d854 44 003c 00c4'), Float64Array.of(1, -4));
});

test('Integers of 64 bits keep what a double cannot: as times they are exact', () => {
  const long = (values: readonly bigint[]) => {
    const body = Buffer.alloc(values.length * 8);
    for (const [index, value] of values.entries()) body.writeBigUInt64BE(value, index * 8);
    return Buffer.concat([Buffer.from([0xd8, 67, 0x58, body.length]), body]);
  };
  const { rows } = sent(
    columns(long([1_700_000_000_123_456_789n, 1_700_000_000_123_457_000n]), long([1n, 2n ** 63n + 1n])),
  );
  assert.deepEqual(rows, [
    ['d', 't', 1_700_000_000_123_456, 1, 'gauge'],
    ['d', 't', 1_700_000_000_123_457, 2 ** 63, 'gauge'],
  ]);
});

test('Keys that JavaScript knows otherwise are harmless', () => {
  const { rows } = sent(encode(JSON.parse('{"__proto__":1,"constructor":2,"0":3}')));
  assert.deepEqual(
    rows.map(([, metric, , value]) => [metric, value]),
    [
      ['0', 3],
      ['__proto__', 1],
      ['constructor', 2],
    ],
  );
});
