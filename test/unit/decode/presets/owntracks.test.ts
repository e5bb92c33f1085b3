import assert from 'node:assert/strict';
import { test } from 'node:test';
import { become, pointsOf } from './preset-points.ts';

const PRESET = { preset: 'owntracks' };

// https://owntracks.org/booklet/guide/quicksetup/
test('a location, under the time of its fix', () => {
  const payload =
    '{"_type":"location","SSID":"mywifi","alt":154,"batt":53,"conn":"w","created_at":1706856299,"lat":48.856826,"lon":2.292713,"tid":"j1","tst":1706856298,"vel":0}';
  const time = '2024-02-02T06:44:58.000000Z';
  assert.deepEqual(pointsOf(PRESET, 'owntracks/jane/nokia', payload), [
    ['jane/nokia', 'alt', 154, time],
    ['jane/nokia', 'batt', 53, time],
    ['jane/nokia', 'conn', 'w', time],
    ['jane/nokia', 'lat', 48.856826, time],
    ['jane/nokia', 'lon', 2.292713, time],
    ['jane/nokia', 'vel', 0, time],
  ]);
  assert.equal(become(PRESET, 'owntracks/jane/nokia', payload).full[0]?.device_name, 'j1');
});

// https://owntracks.org/booklet/tech/json/
test('what is no location is left alone', () => {
  for (const payload of ['{"_type":"lwt","tst":1380738247}', '{"_type":"encrypted","data":"x"}']) {
    const { points, rejections } = become(PRESET, 'owntracks/jane/nokia', payload);
    assert.deepEqual([points, rejections], [[], []]);
  }
});
