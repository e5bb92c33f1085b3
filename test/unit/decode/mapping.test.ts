import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { codesOf, decode, LIMITS, makeRoute, metricsOf, valuesOf } from './decoding.ts';

const NONE = Number.NaN;
const SECOND = 1_000_000;

test('ignore: topics are left to later routes, or to nobody', () => {
  const routes = [
    makeRoute({
      topic: 'zigbee2mqtt/{device_id#}',
      ignore: ['zigbee2mqtt/bridge/#', 'zigbee2mqtt/#/availability', 'zigbee2mqtt/#/set/#'],
      flatten: true,
    }),
    makeRoute({ name: 'availability', topic: 'zigbee2mqtt/{device_id}/availability', metric_name: 'online' }),
  ];
  assert.deepEqual(decode(routes, 'zigbee2mqtt/kitchen/sensor', '{"temperature":27.34}').rows, [
    ['kitchen/sensor', 'temperature', NONE, 27.34, 'gauge'],
  ]);
  assert.deepEqual(decode(routes, 'zigbee2mqtt/lamp/availability', 'online').rows, [
    ['lamp', 'online', NONE, 1, 'state'],
  ]);
  for (const topic of ['zigbee2mqtt/bridge/state', 'zigbee2mqtt/lamp/set', 'zigbee2mqtt/a/b/set/state']) {
    const { route, rows, rejects } = decode(routes, topic, '{"state":"ON"}');
    assert.deepEqual([route, rows, rejects], ['zigbee2mqtt/{device_id#}', [], []], topic);
  }
});

test('when and unless: of the messages of a topic each goes to the route that wants it', () => {
  const status = makeRoute({
    name: 'status',
    topic: '+/events/rpc',
    when: { '$.method': ['NotifyStatus', 'NotifyFullStatus'] },
    device_id: '$.src',
    value: '$.params',
    timestamp: '$.params.ts',
    flatten: true,
    exclude: ['*.id'],
  });
  const event = makeRoute({
    name: 'event',
    topic: '+/events/rpc',
    when: { '$.method': 'NotifyEvent' },
    unless: { '$.params.events[0].event': 'ota_*' },
    device_id: '$.src',
    each: '$.params.events',
    metric_name: '@.component',
    value: '@.event',
    timestamp: '@.ts',
  });
  const message = (method: string, params: string) =>
    decode([status, event], 'shelly/events/rpc', `{"src":"s-1","method":"${method}","params":${params}}`);
  assert.deepEqual(message('NotifyStatus', '{"ts":1631186545.04,"switch:0":{"id":0,"output":true}}').rows, [
    ['s-1', 'switch:0.output', 1_631_186_545_040_000, 1, 'state'],
  ]);
  const events = (name: string) =>
    message('NotifyEvent', `{"events":[{"component":"input:0","event":"${name}","ts":5}]}`);
  assert.deepEqual(events('single_push').rows, [['s-1', 'input:0', 5 * SECOND, 'single_push', 'text']]);
  assert.equal(events('single_push').route, 'event');
  const ignored = { route: 'event', rows: [], changesOnly: [], described: [], rejects: [], drops: [] };
  assert.deepEqual(events('ota_begin'), ignored);
  assert.deepEqual(message('Other', '{}'), ignored);
});

test('when: any value that is there, numbers and booleans as texts, and items by themselves', () => {
  const holds = (payload: string, allowed: string | string[]) =>
    metricsOf(payload, { when: { '$.a': allowed }, include: ['b'] }).length === 1;
  assert.equal(holds('{"a":{},"b":1}', '*'), true);
  assert.equal(holds('{"a":0,"b":1}', '*'), true);
  assert.equal(holds('{"a":null,"b":1}', '*'), false);
  assert.equal(holds('{"b":1}', '*'), false);
  assert.equal(holds('{"a":true,"b":1}', 'true'), true);
  assert.equal(holds('{"a":1.5,"b":1}', ['1', '1.5']), true);
  assert.equal(holds('{"a":[1],"b":1}', '1'), false);
  const items = metricsOf('[{"type":"m","metric_name":"x","value":1},{"metric_name":"y","value":2}]', {
    when: { '@.type': 'm' },
  });
  assert.deepEqual(items, [['x', NONE, 1]]);
});

test('each over an object: the key of an item, and what is around it', () => {
  const nested = `{"site":"s","gateways":{"g1":{"id":7,"sensors":[{"n":"t","v":1},{"n":"h","v":2}]},
    "g2":{"id":8,"sensors":[{"n":"t","v":"?"}]},"g3":{}}}`;
  const route = makeRoute({
    topic: 'gw',
    each: '$.gateways.*.sensors[*]',
    device_id: '{@^^.site}-{@^.id}-{key^}',
    metric_name: '{@.n}{key}',
    value: '@.v',
    on_text: 'drop',
  });
  const { rows, rejects, drops } = decode([route], 'gw', nested);
  assert.deepEqual(rows, [
    ['s-7-g1', 't0', NONE, 1, 'gauge'],
    ['s-7-g1', 'h1', NONE, 2, 'gauge'],
  ]);
  assert.deepEqual([rejects, drops], [[], ['text_dropped']]);
  assert.deepEqual(
    metricsOf('{"temperature":{"value":21.5,"unit":"C"},"humidity":{"value":40}}', {
      each: '$',
      metric_name: '{key}',
      value: '@.value',
    }),
    [
      ['temperature', NONE, 21.5],
      ['humidity', NONE, 40],
    ],
  );
  const broken = makeRoute({
    topic: 'gw',
    device_id: 'd',
    each: '$.g.*.s[*]',
    value: '@.v',
    metric_name: '@.n',
  });
  assert.deepEqual(decode([broken], 'gw', '{"g":{"a":{"s":[{"n":"x","v":{}}]}}}').rejects, [
    { code: 'value_unsupported', detail: '$.g.a.s[0].v: the value is an object' },
  ]);
  assert.deepEqual(decode([broken], 'gw', '{"s":1}').rejects, [
    { code: 'payload_shape', detail: '$: $.g.*.s[*] leads to no array or object' },
  ]);
});

test('arrays with a time per item, also as pairs', () => {
  const pairs = { topic: '{device_id}/{metric_name}', each: '$', timestamp: '@[0]', value: '@[1]' };
  assert.deepEqual(decode([makeRoute(pairs)], 'd/m', '[[1700000000,21.5],[1700000060,21.75]]').rows, [
    ['d', 'm', 1_700_000_000 * SECOND, 21.5, 'gauge'],
    ['d', 'm', 1_700_000_060 * SECOND, 21.75, 'gauge'],
  ]);
  const local = {
    each: '$.rows',
    timestamp: '{@.date}T{@.time}',
    time_zone: 'Europe/Berlin',
    include: ['v'],
  };
  assert.deepEqual(metricsOf('{"rows":[{"date":"2024-07-01","time":"12:00:00","v":1}]}', local), [
    ['v', Date.UTC(2024, 6, 1, 10) * 1000, 1],
  ]);
  const millis = { each: '$', timestamp: '@.t', time_unit: 'ms' as const, include: ['v'] };
  assert.deepEqual(metricsOf('[{"t":5,"v":1},{"t":"6","v":2}]', millis), [
    ['v', 5000, 1],
    ['v', 6000, 2],
  ]);
});

test('time_unit and time_zone hold for columns and for values of their own too', () => {
  const columns = '{"timestamp":[5,"2024-07-01 12:00"],"metrics":{"a":[1,2]}}';
  const noon = Date.UTC(2024, 6, 1, 10) * 1000;
  assert.deepEqual(metricsOf(columns, { time_unit: 'ms', time_zone: 'Europe/Berlin' }), [
    ['a', 5000, 1],
    ['a', noon, 2],
  ]);
  const values = { values: { a: '$.metrics.a' }, time_unit: 'ms', time_zone: 'Europe/Berlin' } as const;
  assert.deepEqual(metricsOf(columns, values), [
    ['a', 5000, 1],
    ['a', noon, 2],
  ]);
});

test('values: metrics one by one, alone or beside others', () => {
  const payload = `{"end_device_ids":{"dev_eui":"A1","device_id":"dev1"},"received_at":"2020-02-12T15:15:46.014773143Z",
    "uplink_message":{"f_cnt":1,"rx_metadata":[{"rssi":-35,"snr":5}],"decoded_payload":{"temperature":1.0,"gps":[1,2]}}}`;
  const ttn = makeRoute({
    topic: 'v3/+/devices/{id}/up',
    device_id: ['$.end_device_ids.dev_eui', '{id}'],
    timestamp: '$.received_at',
    value: '$.uplink_message.decoded_payload',
    flatten: 'arrays',
    values: {
      rssi: '$.uplink_message.rx_metadata[0].rssi',
      f_cnt: '$.uplink_message.f_cnt',
      airtime: '$.uplink_message.consumed_airtime',
    },
  });
  const time = Date.UTC(2020, 1, 12, 15, 15, 46) * 1000 + 14_773;
  assert.deepEqual(decode([ttn], 'v3/app@ttn/devices/dev1/up', payload).rows, [
    ['A1', 'temperature', time, 1, 'gauge'],
    ['A1', 'gps.0', time, 1, 'gauge'],
    ['A1', 'gps.1', time, 2, 'gauge'],
    ['A1', 'rssi', time, -35, 'gauge'],
    ['A1', 'f_cnt', time, 1, 'gauge'],
  ]);
  const phases = '{"phases":{"l1":{"power":5},"l2":{"power":7,"u":1}},"x":1}';
  const powers: [string, number, number][] = [
    ['l1.power', NONE, 5],
    ['l2.power', NONE, 7],
  ];
  assert.deepEqual(metricsOf(phases, { values: { '{key}.power': '$.phases.*.power' } }), powers);
  assert.deepEqual(metricsOf(phases, { value: '$.phases.*.power' }), powers);
  assert.deepEqual(metricsOf(phases, { value: '$.phases[*].none' }), []);
  assert.deepEqual(codesOf('{"a":1}', { values: { x: '$.x', y: '$.y' } }), ['value_missing']);
  assert.deepEqual(
    decode([ttn], 'v3/a/devices/d/up', '{"uplink_message":{"f_cnt":"?","rx_metadata":[{"rssi":{}}]}}')
      .rejects,
    [{ code: 'value_missing', detail: '$.uplink_message.decoded_payload: nothing is there' }],
  );
  const nothing = makeRoute({ topic: 'n/{device_id}', values: { x: '$.x', y: '$.y' } });
  assert.deepEqual(decode([nothing], 'n/d', '{"a":1}').rejects, [
    { code: 'value_missing', detail: '$: nothing is where the values of the route are' },
  ]);
  assert.deepEqual(codesOf('{"a":[1]}', { values: { x: '$.a' } }), ['value_unsupported']);
});

test('flatten: arrays too, another separator, and what is left', () => {
  const payload = '{"ENERGY":{"Power":[1,2],"Total":3},"list":[{"a":[]}]}';
  assert.deepEqual(metricsOf(payload, { flatten: 'arrays', separator: '_' }), [
    ['ENERGY_Power_0', NONE, 1],
    ['ENERGY_Power_1', NONE, 2],
    ['ENERGY_Total', NONE, 3],
  ]);
  assert.deepEqual(codesOf(payload, { flatten: true }), ['value_unsupported', 'value_unsupported']);
  assert.deepEqual(metricsOf(payload, { flatten: true, on_nested: 'skip' }), [['ENERGY.Total', NONE, 3]]);
  assert.deepEqual(codesOf(payload, { flatten: true, on_nested: 'skip' }), []);
});

test('metrics: names', () => {
  const shelly = makeRoute({
    topic: 'shellies/{device_id}/light/{n}/status',
    metrics: { ison: { name: 'on' }, '*': { name: 'light.{n}.{metric_name}' } },
  });
  assert.deepEqual(
    decode([shelly], 'shellies/s/light/0/status', '{"ison":true,"brightness":5}').rows.map(
      ([, name]) => name,
    ),
    ['on', 'light.0.brightness'],
  );
  const names = (metrics: Parameters<typeof makeRoute>[0]['metrics'], payload: string) =>
    metricsOf(payload, { metrics, flatten: true }).map(([name]) => name);
  assert.deepEqual(
    names(
      { 'switch:*.ap*': { name: 'switch.{1}.p{2}' } },
      '{"switch:0":{"apower":1},"switch:12":{"ap":2,"v":3}}',
    ),
    ['switch.0.power', 'switch.12.p', 'switch:12.v'],
  );
  const telegraf = makeRoute({
    topic: 'telegraf/#',
    each: '$.metrics',
    device_id: '@.tags.host',
    value: '@.fields',
    timestamp: '@.timestamp',
    metrics: { '*': { name: ['{@.name}.{@.tags.cpu}.{metric_name}', '{@.name}.{metric_name}'] } },
  });
  const batch = `{"metrics":[{"fields":{"usage_idle":98.9},"name":"cpu","tags":{"host":"h","cpu":"cpu0"},"timestamp":1458229140},
    {"fields":{"used":7},"name":"mem","tags":{"host":"h"},"timestamp":1458229140}]}`;
  assert.deepEqual(decode([telegraf], 'telegraf/h', batch).rows, [
    ['h', 'cpu.cpu0.usage_idle', 1_458_229_140 * SECOND, 98.9, 'gauge'],
    ['h', 'mem.used', 1_458_229_140 * SECOND, 7, 'gauge'],
  ]);
  assert.deepEqual(codesOf('{"a":1}', { metrics: { a: { name: '$.none' } } }), ['metric_name_missing']);
});

test('metrics: scale, offset, kind and what means no value', () => {
  const metrics = {
    'relay.*': { scale: 1 / 60, kind: 'counter' as const },
    temp: { scale: 0.1, offset: -40, nulls: [65_535] },
    door: { scale: -1, offset: 1 },
  };
  const route = makeRoute({ topic: '{device_id}', metrics });
  const payload = '{"relay.0":120,"temp":653,"door":true,"plain":0.1}';
  assert.deepEqual(
    decode([route], 'd', payload).rows.map(([, name, , value, kind]) => [name, value, kind]),
    [
      ['relay.0', 2, 'counter'],
      ['temp', 25.299999999999997, 'gauge'],
      ['door', 0, 'state'],
      ['plain', 0.1, 'gauge'],
    ],
  );
  assert.deepEqual(decode([route], 'd', '{"temp":65535}').rows, []);
  assert.deepEqual(decode([route], 'd', '{"temp":"65535"}').rows, []);
  assert.deepEqual(decode([route], 'd', '{"timestamp":[1,2],"metrics":{"temp":[400,65535]}}').rows, [
    ['d', 'temp', SECOND, 0, 'gauge'],
  ]);
  assert.deepEqual(codesOf('{"a":1e300}', { metrics: { a: { scale: 1e300 } } }), ['number_out_of_range']);
});

test('A scale of 1/10, 1/100 or 1/1000 gives the double nearest to the decimal', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: -(2 ** 40), max: 2 ** 40 }),
      fc.constantFrom(10, 100, 1000),
      (raw, divisor) => {
        const [, , value] = metricsOf(`{"a":${raw}}`, { metrics: { a: { scale: 1 / divisor } } })[0] ?? [];
        assert.equal(value, raw / divisor);
      },
    ),
  );
});

test('scale and offset are undone by their inverse', () => {
  const number = fc.integer({ min: -1000, max: 1000 });
  fc.assert(
    fc.property(number, fc.constantFrom(2, 4, 0.5, -8), number, (raw, scale, offset) => {
      const adapt = (value: number, by: { scale: number; offset: number }) =>
        Number(metricsOf(`{"a":${value}}`, { metrics: { a: by } })[0]?.[2]);
      const there = adapt(raw, { scale, offset });
      assert.equal(adapt(there, { scale: 1 / scale, offset: -offset / scale }), raw);
    }),
  );
});

test('metrics: how texts are read', () => {
  const of = (payload: string, rule: object) => valuesOf(payload, { metrics: { m: rule } });
  assert.deepEqual(of('"1.10"', { read: 'text' }), [['1.10', 'text']]);
  assert.deepEqual(of('{"value":true}', { read: 'text' }), [['true', 'text']]);
  assert.deepEqual(of('unavailable', { read: 'text' }), []);
  assert.deepEqual(of('21.5 °C', { read: 'number' }), [[21.5, 'gauge']]);
  assert.deepEqual(of('"-3kWh"', { read: 'number', scale: 1000 }), [[-3000, 'gauge']]);
  for (const text of ['21,5 °C', '1.2.3', '2024-01-01', '12:30', '0x10', 'kWh 3']) {
    assert.deepEqual(of(text, { read: 'number' }), [], text);
  }
  const words = { idle: 0, running: 1, Fault: 2 };
  assert.deepEqual(of('Running', { words }), [[1, 'state']]);
  assert.deepEqual(of('fault', { words }), [[2, 'state']]);
  assert.deepEqual(of('on', { words }), [[1, 'state']]);
  assert.deepEqual(of('nan', { offset: 1 }), [[NONE, 'gauge']]);
});

test('metrics: of all patterns that match, the first that has a key says it', () => {
  const metrics = { 'a.x': { offset: 1 }, 'a.*': { scale: 2, offset: 9 }, '*': { scale: 3 } };
  assert.deepEqual(metricsOf('{"a.x":10,"a.y":10,"b":10,"c":"t"}', { metrics }), [
    ['a.x', NONE, 21],
    ['a.y', NONE, 29],
    ['b', NONE, 30],
    ['c', NONE, 't'],
  ]);
});

test('What grows with the square of a message is refused as a whole', () => {
  const items = Array.from({ length: 400 }, (_, index) => index);
  const payload = JSON.stringify({
    list: items,
    all: Object.fromEntries(items.map((item) => [`k${item}`, item])),
  });
  const limits = { ...LIMITS, pointsPerMessage: 1000 };
  for (const overrides of [{}, { include: ['none'] }]) {
    const route = makeRoute({ topic: 'x', device_id: 'd', each: '$.list', value: '$.all', ...overrides });
    assert.deepEqual(decode([route], 'x', payload, limits).rejects, [
      { code: 'too_many_points', detail: '$: more than 1000 points' },
    ]);
  }
});

test('transform: JMESPath makes another document of the payload', () => {
  const route = makeRoute({
    topic: 'grafana/{device_id}',
    transform: 'rows[*].{timestamp: [0], metrics: {temperature: [1], humidity: [2]}}',
    each: '$',
    value: '@.metrics',
    timestamp: '@.timestamp',
  });
  const message = (payload: string) => decode([route], 'grafana/d', payload);
  assert.deepEqual(message('{"columns":["time","t","h"],"rows":[[5,21.5,40],[6,21.6,null]]}').rows, [
    ['d', 'temperature', 5 * SECOND, 21.5, 'gauge'],
    ['d', 'humidity', 5 * SECOND, 40, 'gauge'],
    ['d', 'temperature', 6 * SECOND, 21.6, 'gauge'],
  ]);
  assert.deepEqual(message('{"none":1}').rejects, [
    { code: 'value_missing', detail: '$: the transform leads to nothing' },
  ]);
  assert.deepEqual(message('{"rows":[]}').rejects, []);
  const { rejects } = decode([{ ...route, transform: "join('-', a)" }], 'grafana/d', '{"a":5}');
  assert.deepEqual(
    rejects.map(({ code }) => code),
    ['transform_failed'],
  );
  const kept = { ...route, when: { '$.rows': '*' } };
  assert.deepEqual(decode([kept], 'grafana/d', '{"none":1}').rejects, [], 'when is of what was sent');
  const levels = makeRoute({
    topic: 'grid',
    transform: "{device: split(subject, '/')[2], data: data}",
    device_id: '$.device',
    value: '$.data',
  });
  assert.deepEqual(
    decode([levels], 'grid', '{"subject":"campus/buildings/building17","data":{"Temp":70}}').rows,
    [['building17', 'Temp', NONE, 70, 'gauge']],
  );
});

test('transform: what it multiplies is counted, and what it brings of the language itself is no point', () => {
  const limits = { ...LIMITS, pointsPerMessage: 50 };
  const all = makeRoute({ topic: '{device_id}', transform: 'a[*].{x: @, y: @, z: @}', each: '$' });
  const payload = JSON.stringify({ a: Array.from({ length: 20 }, (_, index) => index) });
  assert.deepEqual(
    decode([all], 'd', payload, limits).rejects.map(({ code }) => code),
    ['too_many_points'],
  );
  assert.deepEqual(codesOf('{"a":1}', { transform: '{a: constructor}' }), ['value_unsupported']);
  assert.deepEqual(metricsOf('{"a":9007199254740993,"b":1}', { transform: '{x: a, y: b}' }), [
    ['x', NONE, 9_007_199_254_740_992],
    ['y', NONE, 1],
  ]);
});

test('Whatever a document holds, a route that uses every key gives points or reasons', () => {
  const route = makeRoute({
    topic: '{device_id}',
    ignore: ['x/#/y*'],
    unless: { '$.skip': '*' },
    when: { '@.a': '*' },
    each: '$.*[*]',
    device_id: ['@.d', '{key^}', '{@^^.id}'],
    device_name: '{@^.n}',
    value: '@.*.*',
    values: { '{key}.{@.a}': '@.a[*].b', x: ['@.x', '@.a'] },
    timestamp: ['@.t', '$.t'],
    flatten: 'arrays',
    on_nested: 'skip',
    tags: { '{key}': '@.a.*' },
    metrics: { '*': { scale: 0.1, nulls: [0], words: { a: 1 }, unit: '@.a', name: '{1}{@.a}' } },
  });
  const key = fc.constantFrom('a', 'b', 'd', 't', 'x', 'skip', '__proto__', 'timestamp');
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 5 },
      fc.oneof(fc.double(), fc.boolean(), fc.constantFrom(null, 'a', '', '2024-01-01T00:00:00Z', 'on')),
      fc.dictionary(key, tie('tree'), { maxKeys: 4 }),
      fc.array(tie('tree'), { maxLength: 4 }),
    ),
  }));
  fc.assert(
    fc.property(tree, (document) => {
      const { rows, rejects } = decode([route], 'd', JSON.stringify(document));
      for (const { code } of rejects) assert.notEqual(code, 'internal');
      for (const [device, metric] of rows) assert.ok(device !== '' && metric !== '');
    }),
  );
});

test('unset_before: times before the day are none, of items, pairs and columns too; unreadable ones stay so', () => {
  const unset = { unset_before: '2000-01-01' };
  const midnight = Date.UTC(2000, 0, 1) / 1000;
  assert.deepEqual(metricsOf(`{"a":1,"timestamp":${midnight - 1}}`, unset), [['a', NONE, 1]]);
  assert.deepEqual(metricsOf(`{"a":1,"timestamp":${midnight}}`, unset), [['a', midnight * SECOND, 1]]);
  assert.deepEqual(metricsOf('{"a":1,"timestamp":12}'), [['a', 12 * SECOND, 1]]);
  assert.deepEqual(metricsOf(`{"timestamp":[7,${midnight}],"metrics":{"a":[1,2]}}`, unset), [
    ['a', NONE, 1],
    ['a', midnight * SECOND, 2],
  ]);
  assert.deepEqual(codesOf('{"a":1,"timestamp":"soon"}', unset), ['timestamp_invalid']);
  assert.deepEqual(codesOf('{"a":1,"timestamp":-1e300}', unset), ['timestamp_out_of_range']);
});
