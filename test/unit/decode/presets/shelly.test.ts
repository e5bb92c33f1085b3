import assert from 'node:assert/strict';
import { test } from 'node:test';
import { become, pointsOf, unitsOf } from './preset-points.ts';

const PRESET = { preset: 'shelly' };

// https://shelly-api-docs.shelly.cloud/gen2/General/RPCProtocol
test('generation 2: a status change, under the time of the device', () => {
  const payload =
    '{"src":"shellypro4pm-f008d1d8b8b8","dst":"user_1","method":"NotifyStatus","params":{"ts":1631186545.04,"switch:0":{"id":0,"output":true,"source":"button"}}}';
  assert.deepEqual(pointsOf(PRESET, 'shellypro4pm-f008d1d8b8b8/events/rpc', payload), [
    ['shellypro4pm-f008d1d8b8b8', 'switch:0.output', 1, '2021-09-09T11:22:25.040000Z'],
    ['shellypro4pm-f008d1d8b8b8', 'switch:0.source', 'button', '2021-09-09T11:22:25.040000Z'],
  ]);
});

test('generation 2: a full status, of which null says nothing', () => {
  const payload =
    '{"src":"shellyplusht-b8d61a8b17cc","dst":"shellyplusht-b8d61a8b17cc/events","method":"NotifyFullStatus","params":{"ts":1680962879.62,"ble":{},"cloud":{"connected":false},"devicepower:0":{"id":0,"battery":{"V":0.43,"percent":0},"external":{"present":true}},"ht_ui":{},"humidity:0":{"id":0,"rh":42.2},"sys":{"mac":"B8D61A8B17CC","restart_required":false,"time":null,"unixtime":null,"uptime":3,"available_updates":{}},"temperature:0":{"id":0,"tC":19.8,"tF":67.6}}}';
  const message = ['attic/events/rpc', payload] as const;
  const points = pointsOf(PRESET, ...message);
  assert.deepEqual(Object.fromEntries(points.map(([, metric, value]) => [metric, value])), {
    'cloud.connected': 0,
    'devicepower:0.battery.V': 0.43,
    'devicepower:0.battery.percent': 0,
    'devicepower:0.external.present': 1,
    'humidity:0.rh': 42.2,
    'sys.restart_required': 0,
    'sys.uptime': 3,
    'temperature:0.tC': 19.8,
    'temperature:0.tF': 67.6,
  });
  assert.deepEqual(new Set(points.map(([device]) => device)), new Set(['shellyplusht-b8d61a8b17cc']));
  assert.equal(unitsOf(PRESET, ...message)['temperature:0.tC'], '°C');
});

// https://shelly-api-docs.shelly.cloud/gen2/General/Notifications
test('generation 2: each event', () => {
  const payload =
    '{"src":"shellyplusi4-a8032ab12345","dst":"user_1","method":"NotifyEvent","params":{"ts":1631266595.44,"events":[{"component":"input:0","id":0,"event":"single_push","ts":1631266595.44}]}}';
  const { full, points } = become(PRESET, 'shellyplusi4-a8032ab12345/events/rpc', payload);
  assert.deepEqual(points, [
    ['shellyplusi4-a8032ab12345', 'input:0.event', 'single_push', '2021-09-10T09:36:35.440000Z'],
  ]);
  assert.equal(full[0]?.changes_only, undefined);
});

test('what others publish to such a topic is left alone', () => {
  const { points, rejections } = become(PRESET, 'press/events/rpc', '{"method":"NotifyStatus","params":{}}');
  assert.deepEqual([points, rejections], [[], []]);
});

// https://shelly-api-docs.shelly.cloud/gen1/#shelly1-1pm-mqtt
test('generation 1: a value a topic, energy of watt-minutes in Wh', () => {
  const at = (path: string, payload: string) =>
    pointsOf(PRESET, `shellies/shelly1pm-68D3BB/${path}`, payload);
  assert.deepEqual(at('relay/0', 'on'), [['shelly1pm-68D3BB', 'relay/0', 1]]);
  assert.deepEqual(at('relay/0', 'overpower'), [['shelly1pm-68D3BB', 'relay/0', 'overpower']]);
  assert.deepEqual(at('relay/0/power', '30.6'), [['shelly1pm-68D3BB', 'relay/0/power', 30.6]]);
  assert.deepEqual(at('relay/0/energy', '900'), [['shelly1pm-68D3BB', 'relay/0/energy', 15]]);
  assert.deepEqual(at('online', 'true'), [['shelly1pm-68D3BB', 'online', 1]]);
  assert.deepEqual(at('temperature', '53.27'), [['shelly1pm-68D3BB', 'temperature', 53.27]]);
  for (const path of ['relay/0/command', 'announce', 'info', 'input_event/0']) {
    assert.deepEqual(at(path, '{"event":"S","event_cnt":73}'), [], path);
  }
  assert.deepEqual(pointsOf(PRESET, 'shellies/announce', '{"id":"shelly1pm-68D3BB"}'), []);
});

test('generation 1: the status of a light', () => {
  const payload = '{"ison":true,"mode":"white","brightness":70,"temp":3000}';
  assert.deepEqual(pointsOf(PRESET, 'shellies/shellybulbduo-1/light/0/status', payload), [
    ['shellybulbduo-1', 'light/0/ison', 1],
    ['shellybulbduo-1', 'light/0/mode', 'white'],
    ['shellybulbduo-1', 'light/0/brightness', 70],
    ['shellybulbduo-1', 'light/0/temp', 3000],
  ]);
});

// https://shelly-api-docs.shelly.cloud/gen2/ComponentsAndServices/Mqtt
test('generation 2: whether a device is there, and of nobody else', () => {
  const at = (topic: string, payload: string) => pointsOf(PRESET, topic, payload);
  assert.deepEqual(at('shellyplus1-a8032abe54dc/online', 'true'), [
    ['shellyplus1-a8032abe54dc', 'online', 1],
  ]);
  assert.deepEqual(at('shellyplus1-a8032abe54dc/online', 'false'), [
    ['shellyplus1-a8032abe54dc', 'online', 0],
  ]);
  assert.deepEqual(at('press/online', 'true'), []);
  assert.deepEqual(at('shellyplus1-a8032abe54dc/online', 'maybe'), []);
});

// https://shelly-api-docs.shelly.cloud/gen2/ComponentsAndServices/EM, /EMData
test('generation 2: an energy meter, by phase and in total', () => {
  const of = (params: string) =>
    become(
      PRESET,
      'shellypro3em-08f9e0e5c1a4/events/rpc',
      `{"src":"shellypro3em-08f9e0e5c1a4","method":"NotifyStatus","params":{"ts":1700000000.25,${params}}}`,
    ).full.map(({ metric_name: metric, unit, kind }) => [metric, unit, kind]);
  assert.deepEqual(
    of(
      '"em:0":{"id":0,"a_act_power":120.4,"a_aprt_power":140.2,"a_current":0.61,"a_freq":50,"a_voltage":229.9,"total_act_power":130.1}',
    ),
    [
      ['em:0.a_act_power', 'W', 'gauge'],
      ['em:0.a_aprt_power', 'VA', 'gauge'],
      ['em:0.a_current', 'A', 'gauge'],
      ['em:0.a_freq', 'Hz', 'gauge'],
      ['em:0.a_voltage', 'V', 'gauge'],
      ['em:0.total_act_power', 'W', 'gauge'],
    ],
  );
  assert.deepEqual(
    of('"emdata:0":{"id":0,"a_total_act_energy":1234.5,"total_act":2345.6,"total_act_ret":12}'),
    [
      ['emdata:0.a_total_act_energy', 'Wh', 'counter'],
      ['emdata:0.total_act', 'Wh', 'counter'],
      ['emdata:0.total_act_ret', 'Wh', 'counter'],
    ],
  );
});

test('generation 2: the states of a cover are texts; times of updates are no metrics', () => {
  const payload =
    '{"src":"shellyplus2pm-1","method":"NotifyStatus","params":{"ts":1700000000.25,"cover:0":{"id":0,"state":"open","last_direction":"close"},"bthomesensor:200":{"id":200,"value":45,"last_updated_ts":1700000000}}}';
  assert.deepEqual(
    pointsOf(PRESET, 'shellyplus2pm-1/events/rpc', payload).map(([, metric, value]) => [metric, value]),
    [
      ['cover:0.state', 'open'],
      ['cover:0.last_direction', 'close'],
      ['bthomesensor:200.value', 45],
    ],
  );
});

// https://shelly-api-docs.shelly.cloud/gen1/#shelly-em-mqtt and others
test('generation 1: energy of both directions, and what is over', () => {
  const at = (path: string, payload: string) => {
    const { full, rejections } = become(PRESET, `shellies/d/${path}`, payload);
    assert.deepEqual(rejections, []);
    return full.map(({ value, unit, kind }) => [value, unit, kind]);
  };
  assert.deepEqual(at('emeter/0/returned_energy', '900'), [[15, 'Wh', 'counter']]);
  assert.deepEqual(at('emeter/0/total', '123456.7'), [[123_456.7, 'Wh', 'counter']]);
  assert.deepEqual(at('emeter/0/total_returned', '1.5'), [[1.5, 'Wh', 'counter']]);
  assert.deepEqual(at('sensor/state', 'open'), [[1, undefined, 'state']]);
  assert.deepEqual(at('sensor/state', 'close'), [[0, undefined, 'state']]);
  assert.deepEqual(at('sensor/gas', 'heavy'), [[2, undefined, 'state']]);
  assert.deepEqual(at('sensor/gas', 'none'), [[0, undefined, 'state']]);
  assert.deepEqual(at('roller/0', 'open'), [['open', undefined, 'text']]);
});

test('generation 1: the status of a sensor, at its arrival and not when something moved last', () => {
  const payload = '{"motion":true,"timestamp":1700000000,"active":true,"lux":123,"bat":88}';
  assert.deepEqual(pointsOf(PRESET, 'shellies/shellymotionsensor-1/status', payload), [
    ['shellymotionsensor-1', 'motion', 1],
    ['shellymotionsensor-1', 'active', 1],
    ['shellymotionsensor-1', 'lux', 123],
    ['shellymotionsensor-1', 'bat', 88],
  ]);
});

// "MQTT prefix" of the device's settings
test('generation 2 below the prefix of generation 1, or another base', () => {
  const frame = (method: string, params: string) =>
    `{"src":"shellyplus1-a8032abe54dc","method":"${method}","params":{"ts":1631186545.04,${params}}}`;
  for (const base of ['shellies', 'home/power']) {
    const at = (topic: string, payload: string) =>
      pointsOf({ ...PRESET, base }, `${base}/kitchen/${topic}`, payload);
    const status = frame('NotifyStatus', '"switch:0":{"id":0,"output":true}');
    assert.deepEqual(
      at('events/rpc', status).map(([device, metric, value]) => [device, metric, value]),
      [['shellyplus1-a8032abe54dc', 'switch:0.output', 1]],
    );
    const event = frame(
      'NotifyEvent',
      '"events":[{"component":"input:0","event":"single_push","ts":1631186545.04}]',
    );
    assert.equal(at('events/rpc', event)[0]?.[1], 'input:0.event');
    assert.deepEqual(at('status/switch:0', '{"id":0,"output":true}'), []);
    assert.deepEqual(at('rpc', '{"id":1,"method":"Switch.Set"}'), []);
  }
});
