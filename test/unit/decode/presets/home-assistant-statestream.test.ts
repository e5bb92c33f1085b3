import assert from 'node:assert/strict';
import { test } from 'node:test';
import { become, explainer, pointsOf } from './preset-points.ts';

const PRESET = { preset: 'home_assistant_statestream' };
const LIGHT = 'homeassistant/light/master_bedroom_dimmer';

// https://www.home-assistant.io/integrations/mqtt_statestream/#operation
test('states, quoted as JSON has them', () => {
  assert.deepEqual(pointsOf(PRESET, `${LIGHT}/state`, '"on"'), [['light.master_bedroom_dimmer', 'state', 1]]);
  assert.deepEqual(pointsOf(PRESET, 'homeassistant/sensor/kitchen/state', '"21.5"'), [
    ['sensor.kitchen', 'state', 21.5],
  ]);
  assert.deepEqual(pointsOf(PRESET, 'homeassistant/sensor/mode/state', '"eco"'), [
    ['sensor.mode', 'state', 'eco'],
  ]);
  assert.deepEqual(pointsOf(PRESET, 'homeassistant/sensor/kitchen/state', '"unavailable"'), []);
});

test('attributes that are numbers', () => {
  assert.deepEqual(pointsOf(PRESET, `${LIGHT}/brightness`, '128'), [
    ['light.master_bedroom_dimmer', 'brightness', 128],
  ]);
  for (const [attribute, payload] of [
    ['last_updated', '"2017-10-01T23:20:30.920969+00:00"'],
    ['friendly_name', '"Master bedroom"'],
    ['supported_color_modes', '["brightness"]'],
  ] as const) {
    assert.deepEqual(pointsOf(PRESET, `${LIGHT}/${attribute}`, payload), [], attribute);
  }
});

test('discovery, which has the same prefix, is left alone', () => {
  const { points, rejections } = become(PRESET, 'homeassistant/sensor/kitchen/config', '{"unique_id":"x"}');
  assert.deepEqual([points, rejections], [[], []]);
});

test('states of which "off" is one among several are texts', () => {
  for (const [entity, state] of [
    ['climate/bedroom', 'off'],
    ['climate/bedroom', 'heat'],
    ['cover/garage', 'open'],
    ['media_player/tv', 'on'],
  ] as const)
    assert.deepEqual(pointsOf(PRESET, `homeassistant/${entity}/state`, state), [
      [entity.replace('/', '.'), 'state', state],
    ]);
});

test('the unit of a state goes with its next value', () => {
  const explain = explainer(PRESET);
  const entity = 'homeassistant/sensor/kitchen';
  assert.deepEqual(explain(`${entity}/unit_of_measurement`, '"°C"').points, []);
  assert.equal(explain(`${entity}/state`, '21.5').points[0]?.unit, '°C');
});
