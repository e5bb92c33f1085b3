import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encode } from 'cborg';
import * as fc from 'fast-check';
import type { RouteConfig } from '../../../src/config/route.ts';
import { createDecoder } from '../../../src/decode/decoder.ts';
import { DEAD_LETTERS } from '../../../src/errors.ts';
import { garbage } from '../../support/corpus.ts';
import { decode, decodeBy, DEFAULT_ROUTES, LIMITS, makeRoute } from './decoding.ts';

for (const { name, payload, code } of garbage) {
  test(`Garbage gives no point and ${code}: ${name}`, () => {
    const { route, rows, rejects, drops } = decode(DEFAULT_ROUTES, 'devices/x/y', payload);
    assert.equal(route, 'devices/{device_id}/{metric_name}');
    assert.deepEqual(rows, []);
    assert.deepEqual(drops, []);
    assert.deepEqual([...new Set(rejects.map((reject) => reject.code))], [code]);
    for (const { detail } of rejects) {
      assert.ok(detail.length > 0 && detail.length <= 300, detail);
      assert.doesNotMatch(detail, /\p{Cc}|\p{Cs}/u);
    }
  });
}

test('The first route that takes a topic wins', () => {
  const routes = [
    makeRoute({ name: 'special', topic: 'a/special', device_id: 'one', metric_name: 'm' }),
    makeRoute({ name: 'all', topic: 'a/{device_id}', metric_name: 'm' }),
  ];
  assert.equal(decode(routes, 'a/special', '1').route, 'special');
  assert.equal(decode(routes, 'a/other', '1').route, 'all');
  assert.equal(decode(routes.toReversed(), 'a/special', '1').route, 'all');
});

test('A topic without a route is a dead letter', () => {
  const { route, rejects } = decode(DEFAULT_ROUTES, 'other/topic', '1');
  assert.equal(route, null);
  assert.deepEqual(rejects, [{ code: 'no_route', detail: 'topic "other/topic"' }]);
});

test('Names are checked, those of the topic too', () => {
  const codes = (topic: string) => decode(DEFAULT_ROUTES, topic, '1').rejects.map(({ code }) => code);
  assert.deepEqual(codes('devices//y'), ['name_invalid']);
  assert.deepEqual(codes('devices/x/'), ['name_invalid']);
  assert.deepEqual(codes(`devices/${'x'.repeat(255)}/y`), []);
  assert.deepEqual(codes(`devices/${'x'.repeat(256)}/y`), ['name_invalid']);
  assert.deepEqual(codes('devices/x/\ud800'), ['name_invalid']);
});

test('Messages are bounded in bytes and in points, and refused as a whole', () => {
  const limits = { ...LIMITS, messageBytes: 64, pointsPerMessage: 3 };
  const columns = (count: number) => {
    const list = Array.from({ length: count }, (_, index) => index);
    return JSON.stringify({ timestamp: list, metrics: { t: list } });
  };
  assert.equal(decode(DEFAULT_ROUTES, 'devices/d', columns(3), limits).rows.length, 3);
  const many = decode(DEFAULT_ROUTES, 'devices/d', columns(4), limits);
  assert.deepEqual(many.rows, []);
  assert.deepEqual(many.rejects, [{ code: 'too_many_points', detail: '$: more than 3 points' }]);
  const partly = decode(DEFAULT_ROUTES, 'devices/d', '{"a":1,"b":[],"c":{},"d":"x"}', limits);
  assert.deepEqual([partly.rows.length, partly.rejects.length], [0, 1]);
  const large = decode(DEFAULT_ROUTES, 'devices/d/m', 'x'.repeat(65), limits);
  assert.deepEqual(large.rejects, [{ code: 'payload_too_large', detail: '$: 65 bytes' }]);
});

test('Messages are bounded in different names, of devices and metrics or what stands for them', () => {
  const limits = { ...LIMITS, namesPerMessage: 50 };
  const list = (count: number, part: (index: number) => string, separator = ',') =>
    Array.from({ length: count }, (_, index) => part(index)).join(separator);
  const route = (overrides: Partial<RouteConfig>) => [makeRoute({ topic: 'd/{device_id}', ...overrides })];
  const plain = route({});
  // By how they bring so many names, more than once where they can.
  const messages: [title: string, routes: readonly RouteConfig[], of: (count: number) => string | Buffer][] =
    [
      ['keys', plain, (count) => `{${list(count, (index) => `"k${index}":1`)}}`],
      [
        'items',
        plain,
        (count) => `[${list(count * 3, (index) => `{"metric_name":"k${index % count}","value":1}`)}]`,
      ],
      [
        'columns',
        plain,
        (count) => `{"timestamp":[1,2],"metrics":{${list(count, (index) => `"k${index}":[1,2]`)}}}`,
      ],
      [
        'devices',
        route({ topic: 'all', device_id: '@.id', each: '$', metric_name: 'm', value: '@.v' }),
        (count) => `[${list(count - 1, (index) => `{"id":"d${index}","v":1}`)}]`,
      ],
      ['elements', route({ flatten: 'arrays' }), (count) => `{"a":[${list(count, () => '1')}]}`],
      [
        'CBOR',
        route({ format: 'cbor' }),
        (count) =>
          Buffer.from(
            encode(Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, 1]))),
          ),
      ],
      [
        'SenML',
        route({ format: 'senml' }),
        (count) =>
          `[{"bn":"b:"},${list((count - 1) * 3, (index) => `{"n":"${index % (count - 1)}","v":1}`)}]`,
      ],
      [
        'lines',
        route({ format: 'line_protocol' }),
        (count) => list((count - 2) * 3, (index) => `m,t=${index % (count - 2)} a=1,b=2`, '\n'),
      ],
      [
        'fields',
        route({ format: 'line_protocol' }),
        (count) => `m ${list(count - 1, (index) => `f${index}=1`)}`,
      ],
    ];
  for (const [title, routes, of] of messages) {
    const topic = routes[0]?.topic === 'all' ? 'all' : 'd/1';
    const full = decode(routes, topic, of(50), limits);
    assert.ok(full.rows.length >= 48, title);
    assert.ok(
      full.rejects.every(({ code }) => code !== 'too_many_names'),
      title,
    );
    const over = decode(routes, topic, of(51), limits);
    assert.deepEqual(over.rows, [], title);
    assert.deepEqual(
      over.rejects,
      [{ code: 'too_many_names', detail: '$: more than 50 different names' }],
      title,
    );
  }
});

test('A message leaves nothing behind for the next', () => {
  const decoder = createDecoder([makeRoute({ topic: 'bulk', device_id: '@.id' }), ...DEFAULT_ROUTES], LIMITS);
  const written: unknown[] = [];
  const out = {
    number: (...row: unknown[]) => void written.push(row),
    text: () => assert.fail(),
    describe: () => assert.fail(),
    reject: (code: string) => void written.push(code),
    drop: () => assert.fail(),
  };
  const send = (topic: string, payload: string) => decoder.decode(topic, Buffer.from(payload), out);
  send('bulk', '[{"metric_name":"m","value":1,"timestamp":"?"}]');
  send('devices/d/m', '1');
  send('devices/d', '{"timestamp":["?"],"metrics":{"t":[1]}}');
  send('devices/d', '{"a":[1],"b":2}');
  assert.deepEqual(written, [
    'device_id_missing',
    ['d', 'm', Number.NaN, 1, 'gauge'],
    'timestamp_invalid',
    'value_unsupported',
    ['d', 'b', Number.NaN, 2, 'gauge'],
  ]);
});

test('The filters are those of the routes', () => {
  const decoder = createDecoder(
    [...DEFAULT_ROUTES, makeRoute({ topic: 'devices/pump/{metric_name}', device_id: 'p' })],
    LIMITS,
  );
  assert.deepEqual(decoder.filters(), [
    { filter: 'devices/+/+', qos: 1 },
    { filter: 'devices/+', qos: 1 },
    { filter: 'devices/pump/+', qos: 1 },
  ]);
});

test('A route that cannot be understood is refused by its key', () => {
  const create = (overrides: object) => () =>
    createDecoder([makeRoute({ topic: 'a/{device_id}', ...overrides })], LIMITS);
  assert.throws(create({ topic: 'a/#/b' }), /route .*: topic has levels after #/);
  assert.throws(create({ topic: 'a/b' }), /device_id is missing/);
  assert.throws(create({ value: '$x' }), /value is no path: no \.key/);
  assert.throws(create({ each: 'list' }), /each is no path/);
  assert.throws(create({ time_zone: 'Mars/Phobos' }), /time_zone/);
});

const everyRoute = (['auto', 'value', 'json'] as const).flatMap((format) => [
  makeRoute({ topic: `${format}/{device_id}/{metric_name}`, format, time_zone: 'Europe/Berlin' }),
  makeRoute({ topic: `${format}/{device_id}`, format, flatten: true, exclude: ['*x*'] }),
  makeRoute({ topic: format, format, device_id: '@.d', each: '$.list', timestamp: '$.t', value: '@.v' }),
]);
const everyDecoder = createDecoder(everyRoute, LIMITS);
const everyTopic = everyRoute.map(({ topic }) => topic.replaceAll(/[{}]/g, ''));

/** Decodes a payload in every way; no reject may be of our making. */
function survives(payload: Uint8Array): void {
  for (const topic of everyTopic) {
    const { route, rows, rejects } = decodeBy(() => everyDecoder, topic, payload);
    assert.notEqual(route, null);
    for (const { code, detail } of rejects) {
      assert.ok(code in DEAD_LETTERS && code !== 'internal');
      assert.ok(detail.length <= 300 && detail.isWellFormed() && !detail.includes('\0'));
    }
    for (const [device, metric, timestamp] of rows) {
      assert.ok(device !== '' && metric !== '' && !metric.includes('\0') && metric.isWellFormed());
      assert.ok(Number.isNaN(timestamp) || Number.isSafeInteger(timestamp));
    }
  }
}

test('No bytes make it throw', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), survives), { numRuns: 200 });
});

test('No JSON makes it throw, whole or cut', () => {
  const key = fc.oneof(
    fc.constantFrom('value', 'timestamp', 'metrics', 'metric_name', 'list', 'd', 'v', 't'),
    fc.string(),
  );
  const scalar = fc.oneof(
    fc.constantFrom('on', 'nan', '2024-01-01', '1e999', '\0', '\ud800', 1e18, 1_700_000_000),
    fc.double(),
    fc.boolean(),
    fc.constant(null),
    fc.string({ unit: 'binary' }),
  );
  const { document } = fc.letrec((tie) => ({
    document: fc.oneof(
      { maxDepth: 4 },
      scalar,
      fc.array(tie('document'), { maxLength: 4 }),
      fc.dictionary(key, tie('document'), { maxKeys: 5, noNullPrototype: false }),
    ),
  }));
  fc.assert(
    fc.property(document, fc.nat({ max: 100 }), (value, cut) => {
      const payload = Buffer.from(JSON.stringify(value));
      survives(payload);
      survives(payload.subarray(0, payload.length - cut));
    }),
    { numRuns: 200 },
  );
});

test('A message without bytes is a dead letter, unless the route says what it means', () => {
  const route = makeRoute({ topic: 'devices/{device_id}/{metric_name}' });
  const codes = (routes: Parameters<typeof decode>[0]) =>
    decode(routes, 'devices/x/y', '').rejects.map(({ code }) => code);
  assert.deepEqual(codes([route]), ['payload_empty']);
  assert.deepEqual(codes([{ ...route, on_empty: 'skip' }]), []);
});
