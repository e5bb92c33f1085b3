import assert from 'node:assert/strict';
import { test } from 'node:test';
import { become, pointsOf } from './preset-points.ts';

const PRESET = { preset: 'teltonika_flespi' };
const PAYLOAD = '{"ident":"352625333222111","position.latitude":49.069782,"timestamp":1650636570.426424}';

// https://flespi.com/kb/messages-basic-information-units
test('parameters whose names have dots, under the identity of the tracker', () => {
  assert.deepEqual(pointsOf(PRESET, 'flespi/message/gw/devices/3512', PAYLOAD), [
    ['352625333222111', 'position.latitude', 49.069782, '2022-04-22T14:09:30.426424Z'],
  ]);
});

test('those of the platform are left out, but for the name of the device', () => {
  const message = {
    ...JSON.parse(PAYLOAD),
    'channel.id': 1,
    'device.id': 3512,
    'device.name': 'Truck 7',
    'protocol.id': 14,
    peer: '10.0.0.1:4711',
    'server.timestamp': 1_650_636_571.5,
  };
  const { full, rejections } = become(PRESET, 'flespi/message/gw/devices/3512', JSON.stringify(message));
  assert.deepEqual(rejections, []);
  assert.deepEqual(
    full.map(({ metric_name, device_name }) => [metric_name, device_name]),
    [['position.latitude', 'Truck 7']],
  );
});

test('a topic of your own', () => {
  for (const topic of ['fleet/+', 'fleet/#', 'fleet/{id}']) {
    const { points } = become({ ...PRESET, topic }, 'fleet/7', PAYLOAD);
    assert.equal(points[0]?.[0], '352625333222111', topic);
  }
});

test('a tracker without an identity of its own is known by the number that flespi gave it', () => {
  const payload = '{"device.id":3512,"position.speed":3,"timestamp":1650636570}';
  assert.equal(pointsOf(PRESET, 'flespi/message/gw/devices/3512', payload)[0]?.[0], '3512');
});
