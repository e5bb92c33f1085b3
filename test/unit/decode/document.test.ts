import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { codesOf, decode, DEFAULT_ROUTES, makeRoute, metricsOf } from './decoding.ts';

const NONE = Number.NaN;
const SECOND = 1_000_000;

test('An object of one metric: value and timestamp', () => {
  const rows = (payload: string) => decode(DEFAULT_ROUTES, 'devices/d/m', payload).rows;
  assert.deepEqual(rows('{"value":21.5,"timestamp":1704067200}'), [
    ['d', 'm', 1_704_067_200 * SECOND, 21.5, 'gauge'],
  ]);
  assert.deepEqual(rows('{"value":true,"timestamp":null,"unit":"C"}'), [['d', 'm', NONE, 1, 'state']]);
  assert.deepEqual(rows('{"value":"idle"}'), [['d', 'm', NONE, 'idle', 'text']]);
  assert.deepEqual(rows('{"value":null,"timestamp":1}'), []);
  assert.deepEqual(rows('[{"value":1,"timestamp":1},{"value":2,"timestamp":2}]'), [
    ['d', 'm', SECOND, 1, 'gauge'],
    ['d', 'm', 2 * SECOND, 2, 'gauge'],
  ]);
  assert.deepEqual(rows('{"timestamp":[1,2],"value":[10,20]}'), [
    ['d', 'm', SECOND, 10, 'gauge'],
    ['d', 'm', 2 * SECOND, 20, 'gauge'],
  ]);
});

test('An object of metrics with an optional timestamp', () => {
  assert.deepEqual(metricsOf('{"temperature":27.34,"on":true,"mode":"eco","gone":null,"timestamp":5}'), [
    ['temperature', 5 * SECOND, 27.34],
    ['on', 5 * SECOND, 1],
    ['mode', 5 * SECOND, 'eco'],
  ]);
  assert.deepEqual(metricsOf('{"value":1}'), [['value', NONE, 1]]);
  assert.deepEqual(metricsOf('{}'), []);
  assert.deepEqual(codesOf('{}'), []);
});

test('A part that cannot be a point does not take the others along', () => {
  const payload = '{"a":1,"b":{"c":2},"d":[3],"e":1e999,"f":5,"":6}';
  assert.deepEqual(metricsOf(payload), [
    ['a', NONE, 1],
    ['f', NONE, 5],
  ]);
  const { rejects } = decode(DEFAULT_ROUTES, 'devices/d', payload);
  assert.deepEqual(rejects, [
    { code: 'value_unsupported', detail: '$.b: the value is an object' },
    { code: 'value_unsupported', detail: '$.d: the value is an array of 1' },
    { code: 'number_out_of_range', detail: '$.e: the number does not fit a double' },
    { code: 'name_invalid', detail: '$[""]: metric_name ""' },
  ]);
});

test('A time that cannot be read rejects each of its points, and is never taken for now', () => {
  assert.deepEqual(metricsOf('{"timestamp":"?","a":1,"b":2,"c":null}'), []);
  assert.deepEqual(codesOf('{"timestamp":"?","a":1,"b":2,"c":null}'), [
    'timestamp_invalid',
    'timestamp_invalid',
  ]);
  assert.deepEqual(codesOf('{"timestamp":"?"}'), ['timestamp_invalid']);
  assert.deepEqual(codesOf('{"timestamp":1e300,"a":1}'), ['timestamp_out_of_range']);
});

test('An array of points that name their metrics', () => {
  const payload = `[{"metric_name":"t","value":1,"timestamp":1}, {"metric_name":"u","value":"off"},
    {"value":3}, {"metric_name":null,"value":4}, {"metric_name":{},"value":5}, {"metric_name":"v"}, 6, [7]]`;
  assert.deepEqual(metricsOf(payload), [
    ['t', SECOND, 1],
    ['u', NONE, 0],
  ]);
  assert.deepEqual(codesOf(payload), [
    'metric_name_missing',
    'metric_name_missing',
    'name_invalid',
    'value_missing',
    'payload_shape',
    'payload_shape',
  ]);
  assert.deepEqual(metricsOf('{"metric_name":"t","value":1,"timestamp":1}'), [['t', SECOND, 1]]);
});

test('Columns', () => {
  const payload = `{"timestamp":[1,"1970-01-01T00:00:02Z","?",null],
    "metrics":{"t":[10,20,30,40],"u":[1,2],"v":[null,"x",null,{}],"w":7,"x":null}}`;
  assert.deepEqual(metricsOf(payload), [
    ['t', SECOND, 10],
    ['t', 2 * SECOND, 20],
    ['t', NONE, 40],
    ['v', 2 * SECOND, 'x'],
  ]);
  assert.deepEqual(decode(DEFAULT_ROUTES, 'devices/d', payload).rejects, [
    { code: 'timestamp_invalid', detail: '$.metrics.t[2]: the timestamp is "?"' },
    { code: 'columns_unequal', detail: '$.metrics.u: 2 values for 4 timestamps' },
    { code: 'value_unsupported', detail: '$.metrics.v[3]: the value is an object' },
    { code: 'value_unsupported', detail: '$.metrics.w: 7 where the timestamp is an array' },
  ]);
  assert.deepEqual(codesOf('{"timestamp":[1,2]}'), ['payload_shape']);
  assert.deepEqual(codesOf('{"timestamp":[1,2],"metrics":{"t":[1,2],"\\u0000":[1,2]}}'), [
    'name_invalid',
    'name_invalid',
  ]);
});

test('Columns of anything are to a writer of columns what they are point by point', () => {
  const cell = fc.oneof(
    { weight: 20, arbitrary: fc.integer({ min: 0, max: 2e9 }) },
    fc.double({ noNaN: true }),
    fc.constantFrom(null, 'x', '7', true, {}, -1, 1e300),
  );
  const pair = fc.integer({ min: 0, max: 6 }).chain((length) => {
    const list = fc.array(cell, { minLength: length, maxLength: length });
    return fc.record({ timestamp: list, metrics: fc.record({ t: list, u: list }) });
  });
  const routes = [makeRoute({ topic: 'devices/{device_id}', unset_before: '2000-01-01' })];
  // `decode` compares them.
  fc.assert(fc.property(pair, (document) => void decode(routes, 'devices/d', JSON.stringify(document))));
});

test('A payload that names no metric', () => {
  assert.deepEqual(codesOf('21.5'), ['metric_name_missing']);
  assert.deepEqual(codesOf('"on"'), ['metric_name_missing']);
  assert.deepEqual(codesOf('[21.5]'), ['payload_shape']);
  assert.deepEqual(codesOf('null', { format: 'json' }), []);
});

test('include and exclude go by the name of the metric and reject nothing', () => {
  const payload = '{"temperature":1,"temp_raw":2,"linkquality":3,"nested":{"a":1}}';
  const selection = { include: ['temp*', 'nested'], exclude: ['*_raw', 'nested'] };
  assert.deepEqual(metricsOf(payload, selection), [['temperature', NONE, 1]]);
  assert.deepEqual(codesOf(payload, selection), []);
  const columns = '{"timestamp":[1],"metrics":{"nested":[1,2],"temperature":[1]}}';
  assert.deepEqual(metricsOf(columns, selection), [['temperature', SECOND, 1]]);
  assert.deepEqual(codesOf(columns, selection), []);
  const route = makeRoute({ topic: '{device_id}/{metric_name}', exclude: ['debug'] });
  assert.deepEqual(decode([route], 'd/debug', '{"value":1,"timestamp":"?"}').rejects, []);
});

test('Tasmota: flattened, local time', () => {
  const payload = `{"Time":"2022-01-11T21:57:38","ENERGY":{"TotalStartTime":"2021-12-29T15:42:32",
    "Total":3.705,"Power":5},"Switches":["ON"]}`;
  const overrides = {
    timestamp: '$.Time',
    time_zone: 'Europe/Berlin',
    flatten: true,
    exclude: ['*StartTime'],
  };
  const time = Date.UTC(2022, 0, 11, 20, 57, 38) * 1000;
  assert.deepEqual(metricsOf(payload, overrides), [
    ['ENERGY.Total', time, 3.705],
    ['ENERGY.Power', time, 5],
  ]);
  assert.deepEqual(codesOf(payload, overrides), ['value_unsupported']);
});

test('Shelly: the device and the time from the payload', () => {
  const payload = `{"src":"shellypro4pm-f008d1d8b8b8","dst":"user_1","method":"NotifyStatus","params":
    {"ts":1631186545.04,"switch:0":{"id":0,"output":true,"source":"button"}}}`;
  const route = makeRoute({
    topic: '+/events/rpc',
    device_id: '$.src',
    value: '$.params',
    timestamp: '$.params.ts',
    flatten: true,
    exclude: ['*.id'],
  });
  assert.deepEqual(decode([route], 'shelly/events/rpc', payload).rows, [
    ['shellypro4pm-f008d1d8b8b8', 'switch:0.output', 1_631_186_545_040_000, 1, 'state'],
    ['shellypro4pm-f008d1d8b8b8', 'switch:0.source', 1_631_186_545_040_000, 'button', 'text'],
  ]);
});

test('The Things Stack: the metrics are an object within the payload', () => {
  const payload = `{"end_device_ids":{"device_id":"dev1"},"received_at":"2020-02-12T15:15:46.014773143Z",
    "uplink_message":{"f_cnt":1,"decoded_payload":{"temperature":1.0}}}`;
  const route = makeRoute({
    topic: 'v3/+/devices/+/up',
    device_id: '$.end_device_ids.device_id',
    value: '$.uplink_message.decoded_payload',
    timestamp: '$.received_at',
  });
  const topic = 'v3/app1@ttn/devices/dev1/up';
  assert.deepEqual(decode([route], topic, payload).rows, [
    ['dev1', 'temperature', 1_581_520_546_014_773, 1, 'gauge'],
  ]);
  const missing = decode([route], topic, payload.replace('decoded_payload', 'frm_payload'));
  assert.deepEqual(missing.rejects, [
    { code: 'value_missing', detail: '$.uplink_message.decoded_payload: nothing is there' },
  ]);
});

test('flespi: keys with dots; what the route reads is no metric', () => {
  const payload = '{"ident":"352625333222111","position.latitude":49.069782,"timestamp":1650636570.426424}';
  const route = makeRoute({ topic: 'flespi/#', device_id: '$.ident' });
  assert.deepEqual(decode([route], 'flespi/message', payload).rows, [
    ['352625333222111', 'position.latitude', 1_650_636_570_426_424, 49.069782, 'gauge'],
  ]);
});

test('Gateways: the items of an array, each with its metric and time', () => {
  const payload = `{"gateway":"g7","list":[{"sensor_id":"Temperature","at":"2019-08-06T13:02:59.975Z","v":7},
    {"sensor_id":"Humidity","at":"2019-08-06T13:03:00Z","v":"40"},{"at":1,"v":1},{"sensor_id":"None"}]}`;
  const route = makeRoute({
    topic: 'gw/#',
    device_id: '$.gateway',
    each: '$.list',
    metric_name: '@.sensor_id',
    value: '@.v',
    timestamp: '@.at',
  });
  const { rows, rejects } = decode([route], 'gw', payload);
  assert.deepEqual(rows, [
    ['g7', 'Temperature', Date.UTC(2019, 7, 6, 13, 2, 59, 975) * 1000, 7, 'gauge'],
    ['g7', 'Humidity', Date.UTC(2019, 7, 6, 13, 3) * 1000, 40, 'gauge'],
  ]);
  assert.deepEqual(rejects, [
    { code: 'metric_name_missing', detail: '$.list[2].v: no metric_name' },
    { code: 'value_missing', detail: '$.list[3].v: no value' },
  ]);
});

test('Without a metric_name each item is an object of metrics, of its own device and time or those of the payload', () => {
  const payload = `{"timestamp":9,"sensorDatas":[{"flag":"REG001","switcher":1},
    {"flag":17,"level":2,"timestamp":3},{"level":4},{"flag":{},"level":5}]}`;
  const route = makeRoute({ topic: 'gw/#', device_id: '@.flag', each: '$.sensorDatas' });
  const { rows, rejects } = decode([route], 'gw', payload);
  assert.deepEqual(rows, [
    ['REG001', 'switcher', 9 * SECOND, 1, 'gauge'],
    ['17', 'level', 3 * SECOND, 2, 'gauge'],
  ]);
  assert.deepEqual(rejects, [
    { code: 'device_id_missing', detail: '$.sensorDatas[2].level: no device_id at @.flag' },
    { code: 'name_invalid', detail: '$.sensorDatas[3].level: the device_id at @.flag is an object' },
  ]);
});

test('each takes an array or an object and nothing else; its items may be scalars', () => {
  const overrides = { topic: '{device_id}/{metric_name}', each: '$.v' };
  const one = (payload: string) => decode([makeRoute(overrides)], 'd/m', payload);
  assert.deepEqual(
    one('{"v":[1,true]}').rows.map(([, , , value]) => value),
    [1, 1],
  );
  assert.deepEqual(one('{"w":[1]}').rejects, [
    { code: 'payload_shape', detail: '$: $.v is missing, not an array or object' },
  ]);
  assert.deepEqual(
    one('{"v":{"a":1,"b":2}}').rows.map(([, , , value]) => value),
    [1, 2],
  );
});

test('An item of an array may bring its device where the route says so', () => {
  const payload = '[{"device_id":"a","metric_name":"t","value":1},{"metric_name":"t","value":2}]';
  const route = makeRoute({ topic: 'bulk', device_id: '@.device_id' });
  const { rows, rejects } = decode([route], 'bulk', payload);
  assert.deepEqual(rows, [['a', 't', NONE, 1, 'gauge']]);
  assert.deepEqual(
    rejects.map(({ code }) => code),
    ['device_id_missing'],
  );
});

test('Names and times may be constants or topic levels', () => {
  const route = makeRoute({
    topic: 'log/{area}/{at}',
    device_id: 'plant-{area}',
    metric_name: 'count',
    value: '$["n"][0]',
    timestamp: '{at}',
    time_unit: 'ms',
  });
  assert.deepEqual(decode([route], 'log/west/5', '{"n":[3]}').rows, [
    ['plant-west', 'count', 5000, 3, 'gauge'],
  ]);
});
