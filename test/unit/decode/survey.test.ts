import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Survey, type SurveyReport } from '../../../src/decode/survey.ts';
import { LIMITS } from './decoding.ts';

const RECEIVED = Date.UTC(2026, 10, 28) * 1_000;

function survey(messages: Iterable<readonly [topic: string, payload: string | Buffer]>): SurveyReport {
  const found = new Survey(LIMITS);
  for (const [topic, payload] of messages)
    found.add({ topic, payload: Buffer.from(payload), receivedAt: RECEIVED });
  return found.report();
}

const presetsOf = ({ found }: SurveyReport) =>
  found.map(({ preset, keys, messages, topics }) => [preset?.name ?? null, keys, messages, topics]);

test('recognises presets and the default routes, and counts what they left alone', () => {
  const report = survey([
    ['zigbee2mqtt/kitchen/sensor', '{"temperature": 27.34, "humidity": 44.72}'],
    ['zigbee2mqtt/kitchen/sensor', '{"temperature": 27.4, "humidity": 44.72}'],
    ['zigbee2mqtt/bridge/state', '{"state":"online"}'],
    ['tele/lamp/SENSOR', '{"Time":"2022-01-11T21:57:38","ENERGY":{"Power":5}}'],
    ['devices/a/temperature', '21.5'],
    ['N/c0619ab9c5f4/pvinverter/20/Ac/Power', ''],
  ]);
  assert.deepEqual(presetsOf(report), [
    ['zigbee2mqtt', {}, 2, 1],
    ['tasmota', {}, 1, 1],
    [null, {}, 1, 1],
  ]);
  assert.deepEqual([report.messages, report.ignored, report.unknown], [6, 2, []]);
  const [zigbee] = report.found;
  assert.deepEqual(
    zigbee?.points.map(({ topic, metric_name: metric, value }) => [topic, metric, value]),
    [
      ['zigbee2mqtt/kitchen/sensor', 'temperature', 27.34],
      ['zigbee2mqtt/kitchen/sensor', 'humidity', 44.72],
    ],
  );
});

test('data of Sparkplug B is known by its topic, also before the birth that names its metrics', () => {
  // timestamp, a metric of the alias 1, seq 5
  const data = Buffer.from('08eaf2f5a8a02b1204100150051805', 'hex');
  assert.deepEqual(presetsOf(survey([['spBv1.0/Plant/NDATA/Press', data]])), [['sparkplug_b', {}, 1, 1]]);
});

test('a base that is not the usual one, also where devices have slashes in their names', () => {
  const report = survey([
    ['home/z2m/kitchen/sensor', '{"temperature": 21, "linkquality": 90}'],
    ['home/z2m/lamp', '{"state": "ON", "linkquality": 90}'],
    ['attic/tele/lamp/SENSOR', '{"Time":"2022-01-11T21:57:38","ENERGY":{"Power":5}}'],
  ]);
  assert.deepEqual(presetsOf(report), [
    ['zigbee2mqtt', { base: 'home/z2m' }, 2, 2],
    ['tasmota', { base: 'attic' }, 1, 1],
  ]);
});

test('a preset without a base, under any topic', () => {
  const report = survey([
    ['fleet/3512', '{"ident":"352625333222111","position.speed":3,"timestamp":1650636570}'],
  ]);
  assert.deepEqual(presetsOf(report), [['teltonika_flespi', { topic: 'fleet/+' }, 1, 1]]);
});

test('what no preset knows is told of whatever its size, with a route up to 64 KiB', () => {
  const metrics = (count: number) =>
    JSON.stringify(Object.fromEntries([...Array(count).keys()].map((key) => [`metric${key}`, key])));
  const { unknown } = survey([
    ['plant/pump', metrics(1_000)],
    ['tower/mast', metrics(10_000)],
    ['camera/front', Buffer.alloc(100_000, 0xff)],
  ]);
  assert.deepEqual(
    unknown.map(({ sample, bytes, route }) => [
      sample.topic,
      bytes,
      sample.payload.length,
      route?.topic ?? null,
    ]),
    [
      ['plant/pump', metrics(1_000).length, metrics(1_000).length, 'plant/{device_id}'],
      ['tower/mast', metrics(10_000).length, 8_192, null],
      ['camera/front', 100_000, 8_192, null],
    ],
  );
});

test('what no preset knows comes with a route that takes all of it', () => {
  const { unknown } = survey([
    ['plant/line1/pump', '{"w":7,"ts":1767323045}'],
    ['plant/line2/pump', '{"w":8,"ts":1767323045}'],
    ['plant/line2/fan', '{"w":9,"ts":1767323045}'],
    ['camera/front', Buffer.from('ffd8ffe0', 'hex')],
  ]);
  assert.deepEqual(
    unknown.map(({ messages, topics, sample, route }) => [messages, topics, sample.topic, route]),
    [
      [
        3,
        3,
        'plant/line1/pump',
        {
          topic: 'plant/{level2}/{device}',
          device_id: '{level2}/{device}',
          flatten: false,
          timestamp: '$.ts',
        },
      ],
      [1, 1, 'camera/front', null],
    ],
  );
});

test('strangers who invent topics, kinds and bases without end find bounds', () => {
  function* strangers(): Generator<readonly [string, string]> {
    for (let index = 0; index < 2_000; index++) {
      yield [`${index}/x`, '1'];
      yield [`z/${index}/lamp`, '{"linkquality":1}'];
    }
  }
  const report = survey(strangers());
  assert.equal(report.messages, 4_000);
  assert.ok(report.found.length + report.unknown.length <= 200);
  assert.ok(report.beyond > 3_000);
});

test('proposes no route for announcements: those of Tidegate itself, and discovery', () => {
  const report = survey([
    ['tidegate/tidegate/status', '{"state":"online"}'],
    ['tidegate/site-2/events/device_silent', '{"device_id":"a","last_seen":"2026-11-28T00:00:00Z"}'],
    ['homeassistant/sensor/0x1/temperature/config', '{"state_topic":"zigbee2mqtt/x","unique_id":"0x1_t"}'],
    ['homeassistant/switch/lamp/config', '{"state_topic":"stat/lamp/POWER"}'],
    ['tasmota/discovery/DC4F22/config', '{"dn":"Tasmota","mac":"DC4F22","rl":[1,0]}'],
  ]);
  assert.deepEqual([report.messages, report.ignored, report.found, report.unknown], [5, 5, [], []]);
});

test('a topic that a preset might take from anybody is not left alone because it does not want the message', () => {
  const report = survey([
    ['press/status', '{"state":"running","speed":3}'],
    ['press/online', '{"since":1767323045}'],
    ['owntracks/jane/nokia', '{"_type":"lwt","tst":1380738247}'],
    ['owntracks/jane/nokia/cmd', '{"_type":"cmd","action":"reportLocation"}'],
  ]);
  assert.equal(report.ignored, 2, 'what OwnTracks leaves alone');
  assert.deepEqual(
    report.unknown.map(({ sample, topics }) => [sample.topic, topics]),
    [['press/status', 2]],
  );
});
