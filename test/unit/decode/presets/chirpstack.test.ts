import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chirpstack } from '../../../../src/decode/presets/chirpstack.ts';
import { become, pointsOf } from './preset-points.ts';

const PRESET = { preset: 'chirpstack' };
const [UP, STATUS] = chirpstack.examples.map(({ topic, payload }) => [topic, String(payload)] as const);
assert.ok(UP !== undefined && STATUS !== undefined);

// https://www.chirpstack.io/docs/chirpstack/integrations/events.html
test('an uplink without a codec: the radio of the first gateway', () => {
  const time = '2022-07-18T09:34:15.775023Z';
  assert.deepEqual(pointsOf(PRESET, ...UP), [
    ['0101010101010101', 'rssi', -36, time],
    ['0101010101010101', 'snr', 10.5, time],
  ]);
  const [point] = become(PRESET, ...UP).full;
  assert.deepEqual(
    [point?.device_name, point?.tags, point?.unit],
    ['Test device', { application: 'Test application' }, 'dBm'],
  );
});

test('an uplink with a codec: the values of its object, nested ones joined by a dot', () => {
  const [topic, payload] = UP;
  const object = { temperature: 21.5, counters: [3, 4], door: { open: true } };
  const points = pointsOf(PRESET, topic, JSON.stringify({ ...JSON.parse(payload), object }));
  const values = Object.fromEntries(points.map(([, metric, value]) => [metric, value]));
  assert.deepEqual(values, {
    temperature: 21.5,
    'counters.0': 3,
    'counters.1': 4,
    'door.open': 1,
    rssi: -36,
    snr: 10.5,
  });
});

test('the status of a device', () => {
  const time = '2022-07-18T09:35:06.927172Z';
  assert.deepEqual(pointsOf(PRESET, ...STATUS), [
    ['0101010101010101', 'margin', 10, time],
    ['0101010101010101', 'batteryLevel', 88.3, time],
  ]);
});
