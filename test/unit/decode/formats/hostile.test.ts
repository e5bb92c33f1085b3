/**
 * What no decoder may do, whatever the bytes: throw, believe a length, or go on beyond the limits. Time is not asserted; what
 * bounds it is: values, objects, depth and points that a message may have, and one pass over the rest.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { encode as encodeMsgpack } from '@msgpack/msgpack';
import { encode as encodeCbor } from 'cborg';
import * as fc from 'fast-check';
import { createDecoder } from '../../../../src/decode/decoder.ts';
import { FORMAT_NAMES, type FormatName } from '../../../../src/decode/formats/table.ts';
import { DEAD_LETTERS, type DeadLetterCode } from '../../../../src/errors.ts';
import type { PointWriter } from '../../../../src/pipeline/types.ts';
import { DEFAULT_ROUTES, LIMITS, makeRoute } from '../decoding.ts';
import { jsonLike } from './json-like.ts';

const MIB = 2 ** 20;
const hex = (text: string) => Buffer.from(text, 'hex');

const routes = FORMAT_NAMES.flatMap((format) => [
  makeRoute({ topic: `${format}/{device_id}/{metric_name}`, format }),
  makeRoute({ topic: `${format}/{device_id}`, format }),
]);
const decoder = createDecoder(routes, LIMITS);

/** How many values were told of, and the codes of those that were rejected; whatever is written is fit to be stored. */
function decodeAll(format: FormatName, payload: Uint8Array): { written: number; codes: Set<DeadLetterCode> } {
  let written = 0;
  const codes = new Set<DeadLetterCode>();
  const checked = (device: string, metric: string, timestamp: number): void => {
    written++;
    assert.ok(device !== '' && device.isWellFormed() && metric !== '' && metric.isWellFormed());
    assert.ok(device.length <= LIMITS.nameLength && metric.length <= LIMITS.nameLength);
    assert.ok(Number.isNaN(timestamp) || Number.isSafeInteger(timestamp));
  };
  const out: PointWriter = {
    number: checked,
    text: checked,
    describe: ({ unit, tags = {} }) =>
      assert.ok([unit ?? '', ...Object.values(tags)].every((text) => text.isWellFormed())),
    reject(code, detail) {
      written++;
      codes.add(code);
      assert.ok(code in DEAD_LETTERS && code !== 'internal');
      assert.ok(detail.length <= 300 && detail.isWellFormed() && !detail.includes('\0'));
    },
    drop: () => void written++,
  };
  for (const topic of [`${format}/d`, `${format}/d/m`]) {
    decoder.decode(topic, payload, out, false, 1_767_225_600_000_000);
  }
  assert.ok(written <= 2 * LIMITS.pointsPerMessage + 2);
  return { written, codes };
}

/** As much of it as a message may have. */
function full(unit: Buffer | string, head: Buffer | string = '', tail: Buffer | string = ''): Buffer {
  const [parts, begin, end] = [Buffer.from(unit), Buffer.from(head), Buffer.from(tail)];
  const count = Math.floor((2 * MIB - begin.length - end.length) / parts.length);
  return Buffer.concat([begin, Buffer.alloc(count * parts.length, parts), end]);
}

/** More different keys than a message may have names, each as short as can be. */
const keys = Array.from({ length: 150_000 }, (_, index) => index.toString(36));
const object = Object.fromEntries(keys.map((key) => [`_${key}`, 1]));

/** What they are, how they are refused; null where lines are none each, or nothing is there. */
const HOSTILE: readonly [format: FormatName, title: string, payload: Buffer, code: DeadLetterCode | null][] =
  [
    ['json', 'brackets', full('['), 'payload_too_deep'],
    ['json', 'empty arrays', full('[],', '[', '[]]'), 'too_many_points'],
    ['json', 'empty objects', full('{},', '[', '{}]'), 'too_many_points'],
    ['json', 'zeros', full('0,', '[', '0]'), 'too_many_points'],
    ['json', 'a numeral of 2 MiB', full('9', '{"value":', '}'), 'number_out_of_range'],
    ['json', 'a text of 2 MiB', full('\\u0061', '{"value":"', '"}'), 'text_too_long'],
    ['json', 'one key again and again', full('"a":1,', '{', '"b":1}'), null],
    ['json', 'new keys', Buffer.from(JSON.stringify(object)), 'too_many_names'],
    [
      'json',
      'new keys of an item, and white space',
      Buffer.from(`[{"_${keys.slice(0, 100_000).join('"\t: 1, "_')}":1}]`),
      'too_many_names',
    ],
    ['cbor', 'new keys', Buffer.from(encodeCbor(object)), 'too_many_names'],
    ['msgpack', 'new keys', Buffer.from(encodeMsgpack(object)), 'too_many_names'],
    ['value', 'a numeral of 2 MiB', full('9'), null],
    ['cbor', 'nested arrays', full(hex('81')), 'payload_too_deep'],
    ['cbor', 'nested arrays without an end', full(hex('9f')), 'payload_too_deep'],
    ['cbor', 'nested tags', full(hex('c1')), 'payload_too_deep'],
    ['cbor', 'nested maps', full(hex('a161')), null],
    ['cbor', 'an array of 2^64 - 1', hex('9bffffffffffffffff00'), 'payload_not_cbor'],
    ['cbor', 'a map of 2^63', hex('bb8000000000000000'), 'payload_not_cbor'],
    ['cbor', 'a text of 4 GiB', hex('7affffffff'), 'payload_not_cbor'],
    ['cbor', 'a typed array of 4 GiB', hex('d8565affffffff'), 'payload_not_cbor'],
    ['cbor', 'arrays that lie, within one another', full(hex('9a001ffff0')), 'payload_not_cbor'],
    ['cbor', 'empty arrays', full(hex('80'), hex('9f'), hex('ff')), 'too_many_points'],
    ['cbor', 'empty maps', full(hex('a0'), hex('9f'), hex('ff')), 'too_many_points'],
    ['cbor', 'empty byte strings', full(hex('40'), hex('9f'), hex('ff')), 'too_many_points'],
    ['cbor', 'times', full(hex('c100'), hex('9f'), hex('ff')), 'too_many_points'],
    ['cbor', 'zeros', full(hex('00'), hex('9f'), hex('ff')), 'too_many_points'],
    ['cbor', 'empty chunks of a byte string', full(hex('40'), hex('5f'), hex('ff')), 'too_many_points'],
    ['cbor', 'chunks of a text', full(hex('6161'), hex('a161627f'), hex('ff')), 'too_many_points'],
    ['cbor', 'a bignum of 2 MiB', full(hex('ff'), hex('a16161c25a001ffff4')), null],
    ['cbor', 'bignums', full(hex('c24101'), hex('9f'), hex('ff')), 'too_many_points'],
    ['cbor', 'a decimal fraction beyond all', hex('a16161c4821b7fffffffffffffff1bffffffffffffffff'), null],
    ['msgpack', 'nested arrays', full(hex('91')), 'payload_too_deep'],
    ['msgpack', 'nested maps', full(hex('81a161')), 'payload_too_deep'],
    ['msgpack', 'an array of 2^32 - 1', hex('ddffffffff'), 'payload_not_msgpack'],
    ['msgpack', 'a map of 2^32 - 1', hex('dfffffffff'), 'payload_not_msgpack'],
    ['msgpack', 'arrays that lie, within one another', full(hex('dd001ffff0')), 'payload_not_msgpack'],
    ['msgpack', 'empty arrays', full(hex('90'), hex('dd001ffffb')), 'too_many_points'],
    ['msgpack', 'extensions', full(hex('c70001'), hex('dd000aaaa9')), 'too_many_points'],
    ['msgpack', 'a numeral as text', full(hex('39'), hex('81a161db001ffff8')), null],
    ['line_protocol', 'lines that are none', full('a\n'), 'too_many_points'],
    ['line_protocol', 'fields that are none', full('m,host=a f=x\n'), 'too_many_points'],
    ['line_protocol', 'fields in one line', full('b=1,', 'a,host=x ', 'b=1'), 'too_many_points'],
    ['line_protocol', 'newlines', full('\n'), null],
    ['line_protocol', 'comments', full('#\n'), null],
    ['line_protocol', 'backslashes', full('\\', 'm,host=a', ' f=1'), null],
    ['line_protocol', 'escaped quotes', full('\\"', 'm,host=a f="'), 'line_invalid'],
    ['line_protocol', 'digits', full('1', 'm,host=a f='), 'line_invalid'],
    ['line_protocol', 'tags', full(',a=b', 'm', ' f=1'), null],
    ['line_protocol', 'a key without an end', full('m'), 'line_invalid'],
    ['senml', 'records', full('{"v":1},', '[{"bn":"a"},', '{}]'), 'too_many_points'],
    ['senml', 'records of CBOR', full(hex('a10201'), hex('9f'), hex('ff')), 'too_many_points'],
    ['senml', 'lengths that lie', hex('9bffffffffffffffffa0'), 'senml_invalid'],
    ['senml', 'nested', full('[{"v":'), 'payload_too_deep'],
    ['auto', 'a bomb of gzip', gzipSync(Buffer.alloc(40 * MIB)), 'payload_too_large'],
    ['auto', 'gzip of empty arrays', gzipSync(full('[],', '[', '[]]')), 'too_many_points'],
    ['auto', 'empty members of gzip', full(gzipSync('')), null],
    ['auto', 'bytes that are no text at their end', full('a', '', hex('ff')), 'payload_not_utf8'],
    ['auto', 'bytes', full(hex('ff')), 'payload_not_utf8'],
  ];

for (const [format, title, payload, code] of HOSTILE) {
  test(`${format}: ${title}`, () => {
    const { written, codes } = decodeAll(format, payload);
    if (code !== null) {
      assert.ok(codes.has(code), [...codes].join(' '));
    }
    assert.ok(written <= 2 * LIMITS.pointsPerMessage);
  });
}

test('A message whose every value is wrong is told of in short', () => {
  const wrong = Array.from({ length: 5000 }, () => '"a":[]').map((member, index) =>
    member.replace('a', `k${index}`),
  );
  const details: string[] = [];
  const out = { number() {}, text() {}, describe() {}, drop() {} };
  createDecoder(DEFAULT_ROUTES, LIMITS).decode('devices/d', Buffer.from(`{${wrong.join(',')}}`), {
    ...out,
    reject: (_code, detail) => void details.push(detail),
  });
  assert.equal(details.length, 5000);
  assert.equal(details[999], '$.k999: the value is an array of 0');
  assert.equal(details[4999], 'see those before');
});

/** Payloads that are nearly right: of each format, with bytes changed, cut, doubled. */
const lines = fc
  .array(
    fc.tuple(
      fc.constantFrom('cpu', 'm,host=a', 'm,host=a,b=c\\ d', 'm\\,x,host=a', '#', ''),
      fc.constantFrom('f=1', 'f=1i,g=t', 'f="a\\"b,\nc"', 'f=', '=1', 'f=1e999', 'f\\ g=-0.5'),
      fc.constantFrom('', '1465839830100400200', '-1', '99999999999999999999', 'x'),
    ),
    { maxLength: 5 },
  )
  .map((parts) => Buffer.from(parts.map((part) => part.join(' ')).join('\n')));
const record = fc.record(
  {
    bn: fc.constantFrom('d/', 'urn:dev:a:', '', 5),
    n: fc.constantFrom('a', 'b', '', null),
    u: fc.constantFrom('V', 'lon'),
    v: fc.oneof(fc.double(), fc.string()),
    t: fc.oneof(fc.double(), fc.constantFrom(-5, 1.7e9, 'x')),
    s: fc.double(),
    bt: fc.double(),
    bv: fc.double(),
    vs: fc.string({ unit: 'binary' }),
    vb: fc.boolean(),
    bver: fc.constantFrom(5, 10, 11),
  },
  { requiredKeys: [] },
);
const seeds = fc.oneof(
  fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
  fc.constantFrom(...HOSTILE.map(([, , payload]) => payload).filter(({ length }) => length < 100)),
  jsonLike.map((value) => Buffer.from(JSON.stringify(value))),
  jsonLike.map((value) => Buffer.from(encodeCbor(value))),
  jsonLike.map((value) => Buffer.from(encodeMsgpack(value))),
  lines,
  fc.array(record, { maxLength: 4 }).map((pack) => Buffer.from(JSON.stringify(pack))),
  fc.array(record, { maxLength: 4 }).map((pack) => Buffer.from(encodeCbor(pack))),
  fc
    .tuple(fc.integer({ min: 64, max: 90 }), fc.uint8Array({ maxLength: 23 }))
    .map(([tag, body]) =>
      Buffer.from([0xa2, 0x61, 0x61, 0x01, 0x61, 0x62, 0xd8, tag, 0x40 + body.length, ...body]),
    ),
);
const mutation = fc.tuple(
  fc.nat(),
  fc.integer({ min: 0, max: 255 }),
  fc.constantFrom('change', 'cut', 'insert', 'double', 'pack'),
);

function mutate(payload: Buffer, mutations: readonly [number, number, string][]): Buffer {
  let bytes = Buffer.from(payload);
  for (const [place, byte, kind] of mutations) {
    const at = bytes.length === 0 ? 0 : place % bytes.length;
    if (kind === 'change' && bytes.length > 0) bytes[at] = byte;
    else if (kind === 'cut') bytes = bytes.subarray(0, at);
    else if (kind === 'insert')
      bytes = Buffer.concat([bytes.subarray(0, at), Buffer.from([byte]), bytes.subarray(at)]);
    else if (kind === 'double') bytes = Buffer.concat([bytes, bytes.subarray(at)]);
    else if (kind === 'pack') bytes = Buffer.from(gzipSync(bytes));
  }
  return bytes;
}

for (const format of FORMAT_NAMES) {
  test(`${format}: no bytes make it throw, nearly right ones least of all`, () => {
    fc.assert(
      fc.property(seeds, fc.array(mutation, { maxLength: 3 }), (payload, mutations) => {
        decodeAll(format, mutate(payload, mutations));
      }),
      { numRuns: Number(process.env['TIDEGATE_TEST_FUZZ_RUNS'] ?? 150) },
    );
  });
}
