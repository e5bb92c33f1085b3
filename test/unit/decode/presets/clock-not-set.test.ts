import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pointsOf } from './preset-points.ts';

// Devices that lost power say such times until they have heard of NTP, or of a satellite.
test('a clock that is not set says nothing: the points are stored, under their arrival', () => {
  for (const [preset, topic, payload, expected] of [
    [
      'tasmota',
      'tele/lamp/SENSOR',
      '{"Time":"1970-01-01T00:00:34","ENERGY":{"Power":5}}',
      ['lamp', 'ENERGY.Power', 5],
    ],
    [
      'tasmota',
      'tele/lamp/STATE',
      '{"Time":"1970-01-01T00:00:34","UptimeSec":34}',
      ['lamp', 'UptimeSec', 34],
    ],
    [
      'shelly',
      'shellyplus1-a8032abe54dc/events/rpc',
      '{"src":"shellyplus1-a8032abe54dc","method":"NotifyStatus","params":{"ts":4.62,"switch:0":{"id":0,"output":true}}}',
      ['shellyplus1-a8032abe54dc', 'switch:0.output', 1],
    ],
    [
      'shelly',
      'shellyplus1-a8032abe54dc/events/rpc',
      '{"src":"shellyplus1-a8032abe54dc","method":"NotifyEvent","params":{"ts":4.62,"events":[{"component":"input:0","id":0,"event":"single_push","ts":4.62}]}}',
      ['shellyplus1-a8032abe54dc', 'input:0.event', 'single_push'],
    ],
    [
      'owntracks',
      'owntracks/jane/nokia',
      '{"_type":"location","lat":48.856826,"tst":13}',
      ['jane/nokia', 'lat', 48.856826],
    ],
    [
      'teltonika_flespi',
      'flespi/message/gw/devices/3512',
      '{"ident":"352625333222111","position.speed":3,"timestamp":315964800.5}',
      ['352625333222111', 'position.speed', 3],
    ],
    [
      'zigbee2mqtt',
      'zigbee2mqtt/hall',
      '{"temperature":16,"last_seen":"1970-01-01T00:00:09Z"}',
      ['hall', 'temperature', 16],
    ],
    ['telegraf', 'telegraf/pi/cpu', 'cpu,host=pi usage=1 31000000000', ['pi', 'cpu.usage', 1]],
  ] as const)
    assert.deepEqual(pointsOf({ preset }, topic, payload), [expected], payload);
});

test('another day, or none that is later, may be said', () => {
  const item = { preset: 'tasmota', unset_before: '1900-01-01' };
  assert.deepEqual(pointsOf(item, 'tele/lamp/STATE', '{"Time":"1970-01-01T00:00:34","UptimeSec":34}'), [
    ['lamp', 'UptimeSec', 34, '1970-01-01T00:00:34.000000Z'],
  ]);
});
