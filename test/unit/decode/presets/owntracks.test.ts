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

// https://owntracks.org/booklet/tech/json/ (_type=transition)
test('a transition: whether the device is in the region, under the time of the crossing', () => {
  const transition = (event: string, rest: string) =>
    `{"_type":"transition","wtst":1376051317,"lat":48.8568,"lon":2.2927,"tst":1706856301,"acc":25,"tid":"j1","event":"${event}","t":"c"${rest}}`;
  const time = '2024-02-02T06:45:01.000000Z';
  const at = 'owntracks/jane/nokia/event';
  const entered = become(PRESET, at, transition('enter', ',"desc":"Home"'));
  assert.equal(entered.route, 'owntracks/event');
  assert.deepEqual(entered.points, [['jane/nokia', 'region.Home', 1, time]]);
  assert.deepEqual([entered.full[0]?.kind, entered.full[0]?.device_name], ['state', 'j1']);
  assert.deepEqual(pointsOf(PRESET, at, transition('leave', ',"desc":"Home"')), [
    ['jane/nokia', 'region.Home', 0, time],
  ]);
  assert.deepEqual(pointsOf(PRESET, at, transition('leave', '')), [['jane/nokia', 'region', 0, time]]);
});

test('commands and definitions are no measurements: they are left alone', () => {
  for (const [kind, payload] of [
    ['cmd', '{"_type":"cmd","action":"reportLocation"}'],
    ['waypoint', '{"_type":"waypoint","desc":"Home","lat":48.8568,"lon":2.2927,"rad":100,"tst":1376051317}'],
    ['waypoints', '{"_type":"waypoints","waypoints":[{"_type":"waypoint","desc":"Home","tst":1376051317}]}'],
    ['info', '{"_type":"card","name":"Jane","tid":"j1"}'],
    ['event', '{"_type":"encrypted","data":"x"}'],
  ] as const) {
    const { points, rejections } = become(PRESET, `owntracks/jane/nokia/${kind}`, payload);
    assert.deepEqual([points, rejections], [[], []], kind);
  }
});

test('a retained location that is taken back is no location', () => {
  const { points, rejections } = become(PRESET, 'owntracks/jane/nokia', '');
  assert.deepEqual([points, rejections], [[], []]);
});
