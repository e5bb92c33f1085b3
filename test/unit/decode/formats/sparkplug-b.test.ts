import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deflateSync, gzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import sparkplug from 'sparkplug-payload';
import type { RouteConfig } from '../../../../src/config/route.ts';
import { bdSeq, encodePayload, type MetricFields } from '../../../support/sparkplug.ts';
import { LIMITS } from '../decoding.ts';
import { onlineIn, startReading, T0, valuesIn } from '../sparkplug/reading.ts';

const BIRTH = 'spBv1.0/Plant/NBIRTH/Press';
const DATA = 'spBv1.0/Plant/NDATA/Press';
const tahu = sparkplug.get('spBv1.0') as NonNullable<ReturnType<typeof sparkplug.get>>;

/** The values of one birth. */
function born(
  metrics: readonly MetricFields[],
  flatten: RouteConfig['flatten'],
): ReturnType<typeof valuesIn> {
  return valuesIn(startReading({ flatten }).take(BIRTH, { metrics, seq: 0 }));
}

test('a payload of the reference implementation gives its points', () => {
  const payload = Buffer.from(
    tahu.encodePayload({
      timestamp: T0,
      seq: 0,
      metrics: [
        { name: 'bdSeq', type: 'UInt64', value: 0 },
        { name: 'Node Control/Rebirth', type: 'Boolean', value: false },
        { name: 'Inputs/A', type: 'Boolean', value: true },
        { name: 'Temperature', type: 'Double', value: 21.5, timestamp: T0 - 5 },
        { name: 'Counter', type: 'Int32', value: -9 },
        { name: 'Small', type: 'Int8', value: -9 },
        { name: 'Big', type: 'UInt32', value: 4_294_967_295 },
        { name: 'Serial', type: 'String', value: '0042' },
      ],
    }),
  );
  const read = startReading().take(BIRTH, payload);
  assert.deepEqual(read.rejects, []);
  assert.deepEqual(
    read.rows.map(([device, metric, time, value, kind]) => [device, metric, time / 1000 - T0, value, kind]),
    [
      ['Plant/Press', 'online', 0, 1, 'state'],
      ['Plant/Press', 'Inputs/A', 0, 1, 'state'],
      ['Plant/Press', 'Temperature', -5, 21.5, 'gauge'],
      ['Plant/Press', 'Counter', 0, -9, 'gauge'],
      ['Plant/Press', 'Small', 0, -9, 'gauge'],
      ['Plant/Press', 'Big', 0, 4_294_967_295, 'gauge'],
      ['Plant/Press', 'Serial', 0, '0042', 'text'],
    ],
  );
});

test('data names its metrics by the aliases of the birth, and takes their datatypes', () => {
  const reading = startReading();
  reading.take(BIRTH, {
    seq: 0,
    metrics: [
      bdSeq(0),
      { name: 'Level', alias: 1, datatype: 2, intValue: 5 },
      { name: 'Total', alias: '18446744073709551615', datatype: 4, longValue: 7 },
      { name: 'Named', datatype: 3, intValue: 1 },
    ],
  });
  const read = reading.take(DATA, {
    seq: 1,
    metrics: [
      { alias: 1, intValue: 4_294_967_287 },
      { alias: '18446744073709551615', longValue: '18446744073709551607' },
      { name: 'Named', intValue: 4_294_967_295 },
    ],
  });
  assert.deepEqual(read.rejects, []);
  assert.deepEqual(valuesIn(read), [
    ['Level', -9],
    ['Total', -9],
    ['Named', -1],
  ]);
});

test('an alias that no birth gives, or gives twice, is nobody knows what', () => {
  const reading = startReading();
  const unknown = reading.take(DATA, { seq: 4, metrics: [{ alias: 3, intValue: 1 }] });
  assert.deepEqual(
    unknown.rejects.map(({ code }) => code),
    ['sparkplug_unknown_alias'],
  );
  reading.take(BIRTH, {
    seq: 0,
    metrics: [
      { name: 'One', alias: 1, datatype: 3, intValue: 1 },
      { name: 'Other', alias: 1, datatype: 3, intValue: 1 },
    ],
  });
  const twice = reading.take(DATA, {
    seq: 1,
    metrics: [
      { alias: 1, intValue: 1 },
      { name: 'x', floatValue: 2 },
    ],
  });
  assert.match(twice.rejects[0]?.detail ?? '', /no birth gives the alias 1 of Plant\/Press/);
  assert.deepEqual(valuesIn(twice), [['x', 2]]);
});

test('two edge nodes, and two devices of one, have aliases of their own', () => {
  const reading = startReading();
  const birth = (name: string) => ({ seq: 0, metrics: [{ name, alias: 1, datatype: 10, doubleValue: 0 }] });
  for (const [topic, name] of [
    ['spBv1.0/A/NBIRTH/E', 'a'],
    ['spBv1.0/B/NBIRTH/E', 'b'],
    ['spBv1.0/A/DBIRTH/E/d1', 'd1'],
    ['spBv1.0/A/DBIRTH/E/d2', 'd2'],
  ] as const)
    reading.take(topic, birth(name));
  const named = ['A/NDATA/E', 'B/NDATA/E', 'A/DDATA/E/d1', 'A/DDATA/E/d2'].map((topic) => {
    const [row] = reading.take(`spBv1.0/${topic}`, { seq: 1, metrics: [{ alias: 1, doubleValue: 1 }] }).rows;
    return row?.slice(0, 2);
  });
  assert.deepEqual(named, [
    ['A/E', 'a'],
    ['B/E', 'b'],
    ['A/E/d1', 'd1'],
    ['A/E/d2', 'd2'],
  ]);
});

test('null is no value, transient is dropped, historical is stored beside the latest', () => {
  const reading = startReading();
  const metric = { name: 'Text', datatype: 12, stringValue: 'a', timestamp: T0 - 60_000 };
  const read = reading.take(BIRTH, {
    seq: 0,
    metrics: [
      { ...metric, isHistorical: true },
      { ...metric, timestamp: T0 },
      { name: 'Gone', datatype: 10, isNull: true },
      { name: 'Short', datatype: 10, doubleValue: 1, isTransient: true },
    ],
  });
  assert.deepEqual(valuesIn(read), [
    ['Text', 'a'],
    ['Text', 'a'],
  ]);
  // The older one must not be measured by the latest text.
  assert.deepEqual(read.changesOnly, [false, true]);
  assert.deepEqual(read.drops, ['transient']);
});

test('values that are not what their datatype says are set apart, the others stored', () => {
  const read = startReading().take(BIRTH, {
    seq: 0,
    metrics: [
      { name: 'a', datatype: 1, intValue: 300 },
      { name: 'b', datatype: 10, stringValue: '1' },
      { name: 'c', datatype: 17, bytesValue: Buffer.from('x') },
      { name: 'd', datatype: 10 },
      { name: 'e', datatype: 10, doubleValue: Number.POSITIVE_INFINITY },
      { name: 'f', intValue: 1 },
      { datatype: 10, doubleValue: 1 },
      { name: 'g', datatype: 13, longValue: T0, timestamp: '9999999999999999999' },
    ],
  });
  assert.deepEqual(
    read.rejects.map(({ code }) => code),
    [
      'value_unsupported',
      'value_unsupported',
      'value_unsupported',
      'value_missing',
      'sparkplug_unknown_alias',
      'metric_name_missing',
      'timestamp_out_of_range',
    ],
  );
  assert.deepEqual(valuesIn(read), [['e', Number.POSITIVE_INFINITY]]);
});

test('templates, data sets and arrays are flattened where the route says so', () => {
  const metrics: MetricFields[] = [
    {
      name: '_types_/Motor',
      datatype: 19,
      templateValue: { isDefinition: true, metrics: [{ name: 'RPM', datatype: 3 }] },
    },
    {
      name: 'Motor 1',
      datatype: 19,
      templateValue: {
        templateRef: 'Motor',
        metrics: [
          { name: 'RPM', datatype: 3, intValue: 4_294_967_295 },
          {
            name: 'Bearing',
            datatype: 19,
            templateValue: { metrics: [{ name: 'Temp', datatype: 9, floatValue: 0.5 }] },
          },
        ],
      },
    },
    {
      name: 'Table',
      datatype: 16,
      datasetValue: {
        numOfColumns: 2,
        columns: ['x', 'y'],
        types: [1, 12],
        rows: [
          { elements: [{ intValue: 255 }, { stringValue: 'one' }] },
          { elements: [{ intValue: 2 }, {}] },
        ],
      },
    },
    { name: 'Bits', datatype: 32, bytesValue: Buffer.from([0x0c, 0, 0, 0, 0x34, 0xd0]) },
    { name: 'Shorts', datatype: 23, bytesValue: Buffer.from([0xd0, 0x8a, 0x6e, 0x7d]) },
    { name: 'Words', datatype: 33, bytesValue: Buffer.from('ABC\0hello\0') },
    { name: 'Times', datatype: 34, bytesValue: Buffer.from([0xc7, 0xd0, 0x90, 0x75, 0x24, 1, 0, 0]) },
  ];
  // The arrays are the specification's own examples (6.4.17).
  assert.deepEqual(born(metrics, 'arrays'), [
    ['Motor 1/RPM', -1],
    ['Motor 1/Bearing/Temp', 0.5],
    ['Table/0/x', -1],
    ['Table/0/y', 'one'],
    ['Table/1/x', 2],
    ...[0, 0, 1, 1, 0, 1, 0, 0, 1, 1, 0, 1].map((bit, index) => [`Bits/${index}`, bit] as [string, number]),
    ['Shorts/0', -30_000],
    ['Shorts/1', 32_110],
    ['Words/0', 'ABC'],
    ['Words/1', 'hello'],
    ['Times/0', 1_256_102_875_335],
  ]);
  assert.deepEqual(
    born(metrics, true).map(([name]) => name),
    ['Motor 1/RPM', 'Motor 1/Bearing/Temp'],
  );
  assert.deepEqual(startReading({ on_nested: 'skip' }).take(BIRTH, { seq: 0, metrics }).rejects, []);
  const { rejects, rows } = startReading().take(BIRTH, { seq: 0, metrics });
  assert.deepEqual(valuesIn({ rows }), []);
  assert.equal(rejects.length, 6);
  assert.match(rejects[0]?.detail ?? '', /a Template, which the route does not flatten/);
});

test('members of templates are known by the birth of the template', () => {
  const reading = startReading({ flatten: true });
  const template = (member: MetricFields) => ({ templateValue: { templateRef: 'M', metrics: [member] } });
  reading.take(BIRTH, {
    seq: 0,
    metrics: [
      {
        name: 'M1',
        alias: 1,
        datatype: 19,
        ...template({ name: 'RPM', alias: 2, datatype: 3, intValue: 1 }),
      },
    ],
  });
  const read = reading.take(DATA, {
    seq: 1,
    metrics: [{ alias: 1, ...template({ name: 'RPM', intValue: 4_294_967_295 }) }],
  });
  assert.deepEqual(valuesIn(read), [['M1/RPM', -1]]);
  const alone = reading.take(DATA, { seq: 2, metrics: [{ alias: 2, intValue: 4_294_967_294 }] });
  assert.deepEqual(valuesIn(alone), [['M1/RPM', -2]]);
});

test('the unit that the birth gives is that of the series', () => {
  const reading = startReading();
  const properties = { keys: ['engUnit'], values: [{ type: 12, stringValue: 'bar' }] };
  const metrics = [
    { name: 'a', datatype: 10, alias: 1, doubleValue: 1, properties },
    { name: 'b', datatype: 10, alias: 2, doubleValue: 1 },
  ];
  assert.deepEqual(reading.take(BIRTH, { seq: 0, metrics }).described, [[1, { unit: 'bar' }]]);
  const said = [2, 1].map((alias) => ({ alias, doubleValue: 2 }));
  const [first] = reading.take(DATA, { seq: 1, metrics: said }).described;
  const [second] = reading.take(DATA, { seq: 2, metrics: said }).described;
  assert.deepEqual(first, [1, { unit: 'bar' }]);
  // The same object: nothing is to be compared for each point.
  assert.equal(first?.[1], second?.[1]);
});

test('what the route says of metrics holds, and its tags stand beside the unit of the birth', () => {
  const reading = startReading({
    topic: 'spBv1.0/{group}/+/{edge}/#',
    device_id: '{edge}',
    tags: { group: '{group}' },
    metrics: { 'a/*': { name: '{1}', scale: 0.1 }, state: { words: { run: 1 } }, code: { read: 'text' } },
  });
  const properties = { keys: ['engUnit'], values: [{ type: 12, stringValue: 'bar' }] };
  const read = reading.take(BIRTH, {
    seq: 0,
    metrics: [
      { name: 'a/b', datatype: 3, intValue: 5, properties },
      { name: 'state', datatype: 12, stringValue: 'RUN' },
      { name: 'code', datatype: 3, intValue: 7 },
    ],
  });
  assert.deepEqual(valuesIn(read), [
    ['b', 0.5],
    ['state', 1],
    ['code', '7'],
  ]);
  const tags = { group: 'Plant' };
  assert.deepEqual(read.described, [
    [0, { tags }],
    [1, { unit: 'bar', tags }],
    [2, { tags }],
    [3, { tags }],
  ]);
});

test('include and exclude go by the names of metrics, and of the parts of what is flattened', () => {
  const metrics: MetricFields[] = [
    { name: 'File', datatype: 18, bytesValue: Buffer.from('x') },
    { name: 'Node Control/X', datatype: 11, booleanValue: true },
    { name: 'Bits', datatype: 26, bytesValue: Buffer.from([7, 8]) },
    {
      name: 'M',
      datatype: 19,
      templateValue: {
        metrics: [
          { name: 'a', datatype: 9, floatValue: 1 },
          { name: 'b', datatype: 9, floatValue: 2 },
        ],
      },
    },
  ];
  const read = startReading({
    flatten: 'arrays',
    exclude: ['File', 'Node Control/*', 'online'],
    include: ['*/1', 'M/b', 'File'],
  }).take(BIRTH, { seq: 0, metrics });
  assert.deepEqual(
    read.rows.map(([, metric, , value]) => [metric, value]),
    [
      ['Bits/1', 8],
      ['M/b', 2],
    ],
  );
  assert.deepEqual(read.rejects, []);
});

test("what host applications say is nobody's value, and other topics are none of it", () => {
  const reading = startReading();
  for (const topic of ['spBv1.0/STATE/scada', 'spBv1.0/Plant/NCMD/Press', 'spBv1.0/Plant/DCMD/Press/d'])
    assert.deepEqual(reading.take(topic, Buffer.from('{"online":true}')).rejects, []);
  for (const topic of [
    'spBv1.0/Plant/NDATA',
    'spBv1.0/Plant/NDATA/Press/d',
    'spBv1.0/Plant/DDATA/Press',
    'spBv1.0/Plant/x/Press',
  ])
    assert.equal(reading.take(topic, { seq: 1 }).rejects[0]?.code, 'payload_shape');
});

test('compressed payloads are read, and not beyond the limit', () => {
  const inner = encodePayload({
    seq: 0,
    timestamp: T0,
    metrics: [{ name: 'a', datatype: 10, doubleValue: 1 }],
  });
  const packed = (algorithm: string, body: Uint8Array) => ({
    uuid: 'SPBV1.0_COMPRESSED',
    metrics: [{ name: 'algorithm', datatype: 12, stringValue: algorithm }],
    body,
  });
  for (const payload of [packed('GZIP', gzipSync(inner)), packed('DEFLATE', deflateSync(inner))])
    assert.deepEqual(valuesIn(startReading().take(BIRTH, payload)), [['a', 1]]);
  const codeOf = (payload: Parameters<ReturnType<typeof startReading>['take']>[1]) =>
    startReading().take(BIRTH, payload).rejects[0]?.code;
  assert.equal(codeOf(packed('GZIP', gzipSync(Buffer.alloc(LIMITS.messageBytes + 1)))), 'payload_too_large');
  assert.equal(codeOf(packed('GZIP', inner)), 'payload_not_sparkplug');
  assert.equal(codeOf(packed('LZ4', inner)), 'payload_not_sparkplug');
});

test('the device is named by the topic, unless the route says it otherwise', () => {
  const metrics = [{ name: 'a', datatype: 10, doubleValue: 1 }];
  const read = startReading({ topic: 'spBv1.0/{group}/+/{edge}/#', device_id: '{edge}' }).take(BIRTH, {
    seq: 0,
    metrics,
  });
  assert.deepEqual(
    read.rows.map(([device]) => device),
    ['Press', 'Press'],
  );
});

test('births, deaths and rebirths say whether a node is there', () => {
  const reading = startReading();
  const birth = { timestamp: T0, seq: 0, metrics: [bdSeq(3)] };
  assert.deepEqual(onlineIn(reading.take(BIRTH, birth)), [['Plant/Press', 1]]);
  assert.deepEqual(onlineIn(reading.take('spBv1.0/Plant/DBIRTH/Press/d1', { timestamp: T0, seq: 1 })), [
    ['Plant/Press/d1', 1],
  ]);
  reading.take('spBv1.0/Plant/DBIRTH/Press/d2', { timestamp: T0, seq: 2 });
  assert.deepEqual(onlineIn(reading.take('spBv1.0/Plant/DDEATH/Press/d2', { timestamp: T0, seq: 3 })), [
    ['Plant/Press/d2', 0],
  ]);
  const stale = reading.take('spBv1.0/Plant/NDEATH/Press', { metrics: [bdSeq(2)] }, 5);
  assert.deepEqual([stale.rows, stale.drops, stale.events], [[], ['stale_death'], []]);
  const death = reading.take('spBv1.0/Plant/NDEATH/Press', { timestamp: T0 - 1_000, metrics: [bdSeq(3)] }, 6);
  assert.deepEqual(onlineIn(death), [
    ['Plant/Press', 0],
    ['Plant/Press/d1', 0],
  ]);
  // Its payload is as old as its connection.
  assert.ok(death.rows.every(([, , time]) => Number.isNaN(time)));
});

test('no byte sequence makes the decoder throw or give more than the limits allow', () => {
  const limits = { ...LIMITS, pointsPerMessage: 50 };
  const genuine = encodePayload({
    seq: 1,
    timestamp: T0,
    metrics: [
      { name: 'a', alias: 1, datatype: 3, intValue: 7 },
      { name: 't', datatype: 19, templateValue: { metrics: [{ name: 'm', datatype: 10, doubleValue: 1 }] } },
      {
        name: 'd',
        datatype: 16,
        datasetValue: { columns: ['x'], types: [3], rows: [{ elements: [{ intValue: 1 }] }] },
      },
      {
        name: 'p',
        datatype: 12,
        stringValue: 's',
        properties: { keys: ['engUnit'], values: [{ type: 12, stringValue: 'm' }] },
      },
      { name: 'b', datatype: 32, bytesValue: Buffer.from([1, 0, 0, 0, 0x80]) },
    ],
  });
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.array(fc.tuple(fc.nat(genuine.length - 1), fc.nat(255)), { maxLength: 6 }).map((changes) => {
      const changed = Buffer.from(genuine);
      for (const [at, byte] of changes) changed[at] = byte;
      return changed;
    }),
    fc.nat(genuine.length).map((length) => genuine.subarray(0, length)),
  );
  const reading = startReading({ flatten: 'arrays' }, undefined, limits);
  fc.assert(
    fc.property(
      bytes,
      fc.constantFrom('NBIRTH/E', 'NDATA/E', 'NDEATH/E', 'DBIRTH/E/d', 'DDATA/E/d', 'DDEATH/E/d'),
      (payload, where) => {
        const { rows } = reading.take(`spBv1.0/G/${where}`, payload);
        assert.ok(rows.length <= limits.pointsPerMessage + 2);
      },
    ),
    { numRuns: 2_000 },
  );
});

test('nesting, and lengths and counts that lie, end as dead letters', () => {
  let nested: MetricFields = { name: 'm', datatype: 10, doubleValue: 1 };
  for (let depth = 0; depth < 40; depth++)
    nested = { name: 'm', datatype: 19, templateValue: { metrics: [nested] } };
  const codeOf = (payload: Uint8Array) =>
    startReading({ flatten: 'arrays' }).take(BIRTH, payload).rejects[0]?.code;
  assert.equal(codeOf(encodePayload({ metrics: [nested] })), 'payload_not_sparkplug');
  // A length of 4 GiB; a metric that is longer than its payload; a text that is longer than its metric; deep groups.
  for (const hex of [
    '12ffffffff0f',
    '12050a017812',
    '12030a05616263',
    '3b'.repeat(500),
    '00',
    'ffffffffffffffffff',
  ])
    assert.equal(codeOf(Buffer.from(hex, 'hex')), 'payload_not_sparkplug', hex);
  const bits = Buffer.alloc(200_000);
  bits.writeUInt32LE((bits.length - 4) * 8);
  assert.equal(
    codeOf(encodePayload({ metrics: [{ name: 'b', datatype: 32, bytesValue: bits }] })),
    'too_many_points',
  );
  // 200,001 empty metrics.
  const many = Buffer.alloc(400_002, Buffer.from([0x12, 0]));
  assert.equal(codeOf(many), 'too_many_names');
  assert.equal(startReading({}).take(DATA, many).rejects[0]?.code, 'too_many_points');
});

test('data has a fifth as many metrics as points, and a thousand', () => {
  const most = LIMITS.pointsPerMessage / 5 + 1000;
  const take = (count: number) =>
    startReading({}).take(DATA, {
      metrics: Array.from({ length: count }, () => ({ name: 'm', datatype: 10, doubleValue: 1 })),
    });
  assert.equal(take(most).rows.length, most);
  const { rows, rejects } = take(most + 1);
  assert.deepEqual([rows, rejects.map(({ code }) => code)], [[], ['too_many_points']]);
});

test('data may say its names again and again, but bring no more different ones than a message may', () => {
  const few = { ...LIMITS, namesPerMessage: 20 };
  const take = (names: readonly string[], of: (name: string) => MetricFields) =>
    startReading({ flatten: 'arrays' }, undefined, few).take(DATA, { metrics: names.map(of) });
  const named = (count: number) => Array.from({ length: 60 }, (_, index) => `m${index % count}`);
  const number = (name: string): MetricFields => ({ name, datatype: 10, doubleValue: 1 });
  const within = (name: string): MetricFields => ({
    name: 'udt',
    datatype: 19,
    templateValue: { metrics: [number(name)] },
  });
  for (const make of [number, within]) {
    // The template has a name too.
    const most = make === number ? 20 : 19;
    assert.equal(take(named(most), make).rows.length, 60);
    const { rows, rejects } = take(named(most + 1), make);
    assert.deepEqual([rows, rejects.map(({ code }) => code)], [[], ['too_many_names']]);
  }
  // What an array or a data set holds has a name each.
  const array = (name: string, count: number): MetricFields => ({
    name,
    datatype: 31,
    bytesValue: Buffer.alloc(8 * count),
  });
  const table = (name: string, count: number): MetricFields => ({
    name,
    datatype: 16,
    datasetValue: {
      numOfColumns: 2,
      columns: ['a', 'b'],
      types: [10, 10],
      rows: Array.from({ length: count / 2 }, () => ({
        elements: [{ doubleValue: 1 }, { doubleValue: 2 }],
      })),
    },
  });
  for (const make of [array, table]) {
    assert.equal(take(['x', 'y'], (name) => make(name, 10)).rows.length, 20);
    const { rows, rejects } = take(['x', 'y'], (name) => make(name, 12));
    assert.deepEqual([rows.length, rejects.map(({ code }) => code)], [12, ['too_many_names']]);
  }
});
