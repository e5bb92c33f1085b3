import assert from 'node:assert/strict';
import { test } from 'node:test';
import { become, pointsOf } from './preset-points.ts';

const PRESET = { preset: 'esphome' };

// https://esphome.io/components/mqtt.html
test('one value a topic', () => {
  assert.deepEqual(pointsOf(PRESET, 'livingroom/sensor/temperature/state', '21.4'), [
    ['livingroom', 'temperature', 21.4],
  ]);
  assert.deepEqual(pointsOf(PRESET, 'livingroom/binary_sensor/motion/state', 'ON'), [
    ['livingroom', 'motion', 1],
  ]);
  assert.deepEqual(pointsOf(PRESET, 'livingroom/switch/relay/state', 'OFF'), [['livingroom', 'relay', 0]]);
  assert.deepEqual(pointsOf(PRESET, 'livingroom/text_sensor/mode/state', 'eco'), [
    ['livingroom', 'mode', 'eco'],
  ]);
});

test('a sensor without a reading sends nan, which is no value', () => {
  assert.deepEqual(pointsOf(PRESET, 'livingroom/sensor/humidity/state', 'nan'), []);
});

test('a light sends JSON', () => {
  assert.deepEqual(pointsOf(PRESET, 'gosund_sw2/light/dimmer/state', '{"state":"ON","brightness":255}'), [
    ['gosund_sw2', 'dimmer.state', 1],
    ['gosund_sw2', 'dimmer.brightness', 255],
  ]);
});

test("Home Assistant's topics, which look alike, are left alone", () => {
  const { points, rejections } = become(PRESET, 'homeassistant/sensor/kitchen/state', '"21"');
  assert.deepEqual([points, rejections], [[], []]);
});

// https://esphome.io/components/mqtt.html: birth_message and will_message
test('whether a node is there', () => {
  assert.deepEqual(pointsOf(PRESET, 'livingroom/status', 'online'), [['livingroom', 'online', 1]]);
  assert.deepEqual(pointsOf(PRESET, 'livingroom/status', 'offline'), [['livingroom', 'online', 0]]);
  for (const [topic, payload] of [
    ['homeassistant/status', 'online'],
    ['plant/status', '{"state":"running"}'],
    ['plant/status', '3'],
  ] as const) {
    const { points, rejections } = become(PRESET, topic, payload);
    assert.deepEqual([points, rejections], [[], []], payload);
  }
});

test('a text is a text, whatever it reads like, and a choice of "None" a choice', () => {
  for (const [component, text] of [
    ['text_sensor', '1.10'],
    ['select', 'None'],
    ['select', 'off'],
    ['cover', 'open'],
    ['cover', 'opening'],
  ] as const)
    assert.deepEqual(pointsOf(PRESET, `livingroom/${component}/x/state`, text), [['livingroom', 'x', text]]);
  assert.deepEqual(pointsOf(PRESET, 'livingroom/text_sensor/x/state', ''), []);
});

// https://esphome.io/components/climate/: a topic a quantity
test('components of several values', () => {
  for (const [topic, payload, metric, value] of [
    ['climate/heating/current_temperature', '20.5', 'heating.current_temperature', 20.5],
    ['climate/heating/mode', 'off', 'heating.mode', 'off'],
    ['climate/heating/preset', 'NONE', 'heating.preset', 'NONE'],
    ['cover/garage/position', '55', 'garage.position', 55],
    ['fan/attic/speed_level', '2', 'attic.speed_level', 2],
  ] as const)
    assert.deepEqual(pointsOf(PRESET, `livingroom/${topic}/state`, payload), [['livingroom', metric, value]]);
  assert.deepEqual(pointsOf(PRESET, 'livingroom/climate/heating/current_temperature/state', 'nan'), []);
});
