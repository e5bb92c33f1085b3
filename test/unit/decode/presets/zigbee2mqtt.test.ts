import assert from 'node:assert/strict';
import { test } from 'node:test';
import { become, pointsOf, unitsOf } from './preset-points.ts';

const PRESET = { preset: 'zigbee2mqtt' };

// https://www.zigbee2mqtt.io/guide/usage/mqtt_topics_and_messages.html
test('the examples of its documentation', () => {
  const climate = ['zigbee2mqtt/kitchen/sensor', '{"temperature": 27.34, "humidity": 44.72}'] as const;
  assert.deepEqual(pointsOf(PRESET, ...climate), [
    ['kitchen/sensor', 'temperature', 27.34],
    ['kitchen/sensor', 'humidity', 44.72],
  ]);
  assert.deepEqual(unitsOf(PRESET, ...climate), { temperature: '°C', humidity: '%' });
  assert.deepEqual(pointsOf(PRESET, 'zigbee2mqtt/motion', '{"occupancy": true}'), [
    ['motion', 'occupancy', 1],
  ]);
  assert.deepEqual(
    pointsOf(PRESET, 'zigbee2mqtt/bulb', '{"state": "ON", "brightness": 215, "color_temp": 325}'),
    [
      ['bulb', 'state', 1],
      ['bulb', 'brightness', 215],
      ['bulb', 'color_temp', 325],
    ],
  );
});

test('every press of a button is stored, other texts when they change', () => {
  const [press] = become(PRESET, 'zigbee2mqtt/switch', '{"action": "single"}').full;
  assert.deepEqual([press?.value, press?.changes_only], ['single', undefined]);
  const [mode] = become(PRESET, 'zigbee2mqtt/valve', '{"system_mode": "heat"}').full;
  assert.deepEqual([mode?.value, mode?.changes_only], ['heat', true]);
});

test('its time, where Zigbee2MQTT sends it: ISO 8601, local with its offset, or milliseconds', () => {
  const at = (lastSeen: unknown) =>
    pointsOf(PRESET, 'zigbee2mqtt/a', JSON.stringify({ linkquality: 34, last_seen: lastSeen }));
  const point = ['a', 'linkquality', 34];
  assert.deepEqual(at('2020-02-26T20:44:09+01:00'), [[...point, '2020-02-26T19:44:09.000000Z']]);
  assert.deepEqual(at('2020-02-26T19:44:09.000Z'), [[...point, '2020-02-26T19:44:09.000000Z']]);
  assert.deepEqual(at(1_582_746_249_000), [[...point, '2020-02-26T19:44:09.000000Z']]);
  assert.deepEqual(at(null), [point]);
});

test('the IEEE address is the device where it is sent, its friendly name the display name', () => {
  const payload = JSON.stringify({
    temperature: 21,
    device: { friendlyName: 'kitchen', ieeeAddr: '0x00158d00036c1821', model: 'WSDCGQ11LM' },
  });
  const { full } = become(PRESET, 'zigbee2mqtt/kitchen', payload);
  assert.deepEqual(
    full.map(({ device_id, metric_name, device_name }) => [device_id, metric_name, device_name]),
    [['0x00158d00036c1821', 'temperature', 'kitchen']],
  );
});

test('nested colours are flattened; the bridge, availability and commands are left alone', () => {
  assert.deepEqual(pointsOf(PRESET, 'zigbee2mqtt/bulb', '{"color":{"x":0.46,"y":0.41},"modes":["a"]}'), [
    ['bulb', 'color.x', 0.46],
    ['bulb', 'color.y', 0.41],
  ]);
  for (const topic of [
    'bridge/state',
    'bridge/devices',
    'kitchen/sensor/availability',
    'bulb/set',
    'bulb/set/state',
    'bulb/get',
  ]) {
    const { points, rejections } = become(PRESET, `zigbee2mqtt/${topic}`, '{"state":"online"}');
    assert.deepEqual([points, rejections], [[], []], topic);
  }
  assert.deepEqual(pointsOf(PRESET, 'zigbee2mqtt/removed', ''), []);
});

// https://www.zigbee2mqtt.io/guide/usage/integrations/home_assistant.html (device triggers)
test('a press that is published once more for Home Assistant is left alone', () => {
  for (const topic of ['remote/action', 'hall/remote/action', 'remote/click']) {
    const { points, rejections } = become(PRESET, `zigbee2mqtt/${topic}`, 'single');
    assert.deepEqual([points, rejections], [[], []], topic);
  }
  assert.deepEqual(pointsOf(PRESET, 'zigbee2mqtt/action', '{"battery":3}'), [['action', 'battery', 3]]);
});

// https://www.zigbee2mqtt.io/devices/TS0601_thermostat.html
test('one of several modes is a text, also "off" and "none"; a cover that closes is 0', () => {
  const payload =
    '{"system_mode":"off","preset":"none","power_on_behavior":"on","fan_mode":"auto","away_mode":"OFF","state":"CLOSE"}';
  assert.deepEqual(pointsOf(PRESET, 'zigbee2mqtt/trv', payload), [
    ['trv', 'system_mode', 'off'],
    ['trv', 'preset', 'none'],
    ['trv', 'power_on_behavior', 'on'],
    ['trv', 'fan_mode', 'auto'],
    ['trv', 'away_mode', 0],
    ['trv', 'state', 0],
  ]);
});
