import assert from 'node:assert/strict';
import { test } from 'node:test';
import { become, pointsOf } from './preset-points.ts';

const PRESET = { preset: 'aws_shadow' };

// https://docs.aws.amazon.com/iot/latest/developerguide/device-shadow-mqtt.html
test('what a thing reports', () => {
  assert.deepEqual(
    pointsOf(PRESET, '$aws/things/thermostat/shadow/update', '{"state":{"reported":{"battery":0.40}}}'),
    [['thermostat', 'battery', 0.4]],
  );
  const nested = '{"state":{"reported":{"color":{"r":1,"g":2},"on":true}},"clientToken":"token"}';
  assert.deepEqual(pointsOf(PRESET, '$aws/things/lamp/shadow/update', nested), [
    ['lamp', 'color.r', 1],
    ['lamp', 'color.g', 2],
    ['lamp', 'on', 1],
  ]);
});

test('what is desired of it is left alone', () => {
  const { points, rejections } = become(
    PRESET,
    '$aws/things/lamp/shadow/update',
    '{"state":{"desired":{"on":true}}}',
  );
  assert.deepEqual([points, rejections], [[], []]);
});

test('what AWS accepted, under its time', () => {
  const accepted = { ...PRESET, topic: '$aws/things/{device_id}/shadow/update/accepted' };
  const payload = '{"state":{"reported":{"battery":0.40}},"version":3,"timestamp":1488565234}';
  assert.deepEqual(pointsOf(accepted, '$aws/things/lamp/shadow/update/accepted', payload), [
    ['lamp', 'battery', 0.4, '2017-03-03T18:20:34.000000Z'],
  ]);
});
