import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ttn } from '../../../../src/decode/presets/ttn.ts';
import { become, pointsOf, unitsOf } from './preset-points.ts';

const PRESET = { preset: 'ttn' };

// https://www.thethingsindustries.com/docs/integrations/data-formats/, shortened
test('an uplink: decoded values, the frame counter and the first gateway, under the DevEUI', () => {
  const [{ topic, payload } = { topic: '', payload: '' }] = ttn.examples;
  const time = '2020-02-12T15:15:45.789585Z';
  assert.deepEqual(
    new Set(pointsOf(PRESET, topic, payload)),
    new Set([
      ['0004A30B001C0530', 'temperature', 1, time],
      ['0004A30B001C0530', 'luminosity', 0.64, time],
      ['0004A30B001C0530', 'f_cnt', 1, time],
      ['0004A30B001C0530', 'rssi', -35, time],
      ['0004A30B001C0530', 'snr', 5, time],
    ]),
  );
  const [point] = become(PRESET, topic, payload).full;
  assert.deepEqual([point?.device_name, point?.tags], ['dev1', { application: 'app1@ttn' }]);
  assert.equal(unitsOf(PRESET, topic, payload)['rssi'], 'dBm');
});

test('without an EUI, a network time or a formatter: the id of the topic, the time of the receipt, the radio alone', () => {
  const payload =
    '{"end_device_ids":{"device_id":"dev1"},"received_at":"2020-02-12T15:15:46.014773143Z","uplink_message":{"f_cnt":1}}';
  assert.deepEqual(pointsOf(PRESET, 'v3/app1@ttn/devices/dev1/up', payload), [
    ['dev1', 'f_cnt', 1, '2020-02-12T15:15:46.014773Z'],
  ]);
});
