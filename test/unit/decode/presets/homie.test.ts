import assert from 'node:assert/strict';
import { test } from 'node:test';
import { become, pointsOf } from './preset-points.ts';

const PRESET = { preset: 'homie' };

// https://homieiot.github.io/specification/#property-attributes
test('version 5: the values of properties', () => {
  assert.deepEqual(pointsOf(PRESET, 'homie/5/super-car/engine/temperature', '21.5'), [
    ['super-car', 'engine/temperature', 21.5],
  ]);
  assert.deepEqual(pointsOf(PRESET, 'homie/5/super-car/light/power', 'true'), [
    ['super-car', 'light/power', 1],
  ]);
  assert.deepEqual(pointsOf(PRESET, 'homie/5/super-car/light/colour', 'rgb,100,100,100'), [
    ['super-car', 'light/colour', 'rgb,100,100,100'],
  ]);
  assert.deepEqual(pointsOf(PRESET, 'homie/5/super-car/engine/uptime', 'PT12H5M46S'), [
    ['super-car', 'engine/uptime', 'PT12H5M46S'],
  ]);
});

test('booleans are exactly true and false: other words are texts, also those that mean nothing elsewhere', () => {
  for (const word of ['on', 'open', 'none']) {
    assert.deepEqual(pointsOf(PRESET, 'homie/5/d/n/p', word), [['d', 'n/p', word]]);
  }
  assert.deepEqual(pointsOf(PRESET, 'homie/5/d/n/p', '\u0000'), [], 'the empty string');
});

test('version 4', () => {
  assert.deepEqual(pointsOf(PRESET, 'homie/super-car/engine/temperature', '21.5'), [
    ['super-car', 'engine/temperature', 21.5],
  ]);
});

test('the state of a device; no other attribute, and no command', () => {
  assert.deepEqual(pointsOf(PRESET, 'homie/5/super-car/$state', 'ready'), [['super-car', 'state', 'ready']]);
  assert.deepEqual(pointsOf(PRESET, 'homie/super-car/$state', 'ready'), [['super-car', 'state', 'ready']]);
  for (const topic of [
    '5/super-car/$log/warn',
    '5/super-car/engine/$target',
    'super-car/$stats/uptime',
    'super-car/engine/$name',
    '5/d/engine/$name',
  ]) {
    const { points, rejections } = become(PRESET, `homie/${topic}`, 'x');
    assert.deepEqual(points, [], topic);
    assert.ok(
      rejections.every((reason) => reason.startsWith('no_route')),
      topic,
    );
  }
});
