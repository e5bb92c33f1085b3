import assert from 'node:assert/strict';
import { test } from 'node:test';
import { become, pointsOf } from './preset-points.ts';

const PRESET = { preset: 'victron' };

// https://github.com/victronenergy/dbus-flashmq#notifications
test('the path of the D-Bus is the metric, service and instance are the device', () => {
  assert.deepEqual(pointsOf(PRESET, 'N/c0619ab9c5f4/pvinverter/20/Ac/Power', '{"value": 936}'), [
    ['c0619ab9c5f4/pvinverter/20', 'Ac/Power', 936],
  ]);
  assert.deepEqual(
    pointsOf(PRESET, 'N/c0619ab9c5f4/solarcharger/279/Dc/0/Voltage', '{"value":20.43000030517578}'),
    [['c0619ab9c5f4/solarcharger/279', 'Dc/0/Voltage', 20.43000030517578]],
  );
});

test('no value: null, a list, and the empty message of a device that went away', () => {
  for (const payload of ['{"value": null}', '{"value": []}', '']) {
    assert.deepEqual(pointsOf(PRESET, 'N/c0619ab9c5f4/pvinverter/20/Ac/L2/Power', payload), [], payload);
  }
});

test('settings are left alone', () => {
  const topic = 'N/c0619ab9c5f4/settings/0/Settings/Vrmlogger/Logmode';
  const { points, rejections } = become(PRESET, topic, '{"max":2,"min":0,"value":1}');
  assert.deepEqual([points, rejections], [[], []]);
});
