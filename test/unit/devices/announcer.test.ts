import assert from 'node:assert/strict';
import { test } from 'node:test';
import { statusPayload } from '../../../src/devices/announcements.ts';
import { Announcer } from '../../../src/devices/announcer.ts';
import { Topics } from '../../../src/devices/topics.ts';
import type { DeviceRecord } from '../../../src/devices/types.ts';
import { NEW_YEAR, SECOND } from '../pipeline/messages.ts';

const WHO = { clientId: 'c', version: '1.2.3' };
const EVENT = { deviceId: 'boiler/1', lastArrival: NEW_YEAR, expectedInterval: 59.98765 };
const NOTHING = { silent: [], back: [], learned: [] };

function announcerOf(prefix: string | null, records: readonly Partial<DeviceRecord>[] = []) {
  const topics = new Topics(
    {
      status: 'tidegate/{client_id}/status',
      events: 'tidegate/{client_id}/events/{event}',
      homeAssistant:
        prefix === null ? null : { prefix, deviceTopic: 'tidegate/{client_id}/devices/{device}' },
    },
    'c',
  );
  const said: { subject: string; topic: string; payload: string; retain: boolean }[] = [];
  const speaker = { waiting: 0, say: (announcement: (typeof said)[number]) => void said.push(announcement) };
  const all = records.map((record) => ({ ...RECORD, ...record }));
  const announcer = new Announcer(
    topics,
    WHO,
    speaker,
    {
      find: (deviceId) => all.find((record) => record.deviceId === deviceId) ?? null,
      known: () => all.map(({ deviceId }) => deviceId),
    },
    () => NEW_YEAR + 200 * SECOND,
  );
  return { announcer, said, speaker, topics };
}

const RECORD: DeviceRecord = {
  deviceId: 'boiler/1',
  state: 'ok',
  lastArrival: NEW_YEAR,
  messages: 10,
  intervals: [60],
  skews: [],
  expectedInterval: 60,
  clockSkew: null,
};

test('silence and its end are events', () => {
  const { announcer, said } = announcerOf(null);
  announcer.tell({ ...NOTHING, silent: [EVENT] });
  announcer.tell({ ...NOTHING, back: [EVENT], learned: ['other'] });
  assert.deepEqual(
    said.map(({ payload, ...rest }) => ({ ...rest, ...(JSON.parse(payload) as object) })),
    [
      {
        subject: 'event',
        topic: 'tidegate/c/events/device_silent',
        retain: false,
        event: 'device_silent',
        device_id: 'boiler/1',
        last_seen: '2026-01-01T00:00:00.000Z',
        expected_interval: 59.988,
        at: '2026-01-01T00:03:20.000Z',
      },
      {
        subject: 'event',
        topic: 'tidegate/c/events/device_back',
        retain: false,
        event: 'device_back',
        device_id: 'boiler/1',
        last_seen: '2026-01-01T00:00:00.000Z',
        expected_interval: 59.988,
        silent_for: 200,
        at: '2026-01-01T00:03:20.000Z',
      },
    ],
  );
  announcer.tellAll();
  assert.equal(said.length, 2, 'Home Assistant is not told where it has no prefix');
});

test('Home Assistant gets a configuration and a state of the daemon and of each device, retained', () => {
  const { announcer, said, topics } = announcerOf('homeassistant', [
    {},
    { deviceId: 'pump', state: 'silent' },
    { deviceId: 'new', state: 'learning' },
  ]);
  announcer.tellAll();
  announcer.tell(NOTHING);
  assert.ok(said.every(({ retain, subject }) => retain && subject === 'discovery'));
  assert.deepEqual(
    said.map(({ topic }) => topic),
    [
      topics.discovery(null),
      topics.discovery('boiler/1'),
      topics.device('boiler/1'),
      topics.discovery('pump'),
      topics.device('pump'),
    ],
  );
  const [daemon, , state, pump, silent] = said.map(
    ({ payload }) => JSON.parse(payload) as Record<string, never>,
  );
  const id = topics.objectId('pump');
  assert.deepEqual(pump, {
    device: { identifiers: [id], name: 'pump', via_device: 'tidegate_c' },
    origin: { name: 'Tidegate', sw_version: '1.2.3' },
    components: {
      [`${id}_connection`]: {
        platform: 'binary_sensor',
        unique_id: `${id}_connection`,
        name: 'Publishes',
        device_class: 'connectivity',
        entity_category: 'diagnostic',
        state_topic: 'tidegate/c/devices/pump',
        value_template: "{{ 'ON' if value_json.state != 'silent' else 'OFF' }}",
        json_attributes_topic: 'tidegate/c/devices/pump',
        availability_topic: 'tidegate/c/status',
        availability_template: "{{ 'online' if value_json.state == 'online' else 'offline' }}",
      },
    },
    qos: 1,
  });
  assert.equal(daemon?.['components']?.['tidegate_c_connection']?.['state_topic'], 'tidegate/c/status');
  assert.deepEqual(state, { state: 'ok', device_id: 'boiler/1', expected_interval: 60 });
  assert.deepEqual(silent, {
    state: 'silent',
    device_id: 'pump',
    expected_interval: 60,
    last_seen: '2026-01-01T00:00:00.000Z',
  });
});

test('any number of devices waits with us, not with what publishes', () => {
  const records = Array.from({ length: 1_000 }, (_, device) => ({ deviceId: `d${device}` }));
  const { announcer, said, speaker } = announcerOf('homeassistant', records);
  speaker.waiting = 400;
  announcer.tellAll();
  announcer.tell(NOTHING);
  assert.equal(said.length, 1, 'the daemon itself');
  const say = speaker.say;
  speaker.waiting = 0;
  speaker.say = (announcement) => {
    speaker.waiting++;
    say(announcement);
  };
  announcer.tell(NOTHING);
  assert.equal(said.length, 401);
  speaker.waiting = 0;
  for (let round = 0; round < 5; round++, speaker.waiting = 0) announcer.tell(NOTHING);
  assert.equal(said.length, 2_001);
});

test('a device that is gone is taken out of Home Assistant', () => {
  const { announcer, said, topics } = announcerOf('homeassistant', []);
  announcer.tell({ ...NOTHING, learned: ['gone'] });
  announcer.forget(['gone']);
  assert.deepEqual(said, [
    { subject: 'discovery', topic: topics.discovery('gone'), payload: '', retain: true },
    { subject: 'discovery', topic: topics.device('gone'), payload: '', retain: true },
  ]);
});

test('a status without a time is one that the broker says', () => {
  assert.equal(
    statusPayload(WHO, 'offline', 'lost', null),
    '{"state":"offline","reason":"lost","client_id":"c","version":"1.2.3"}',
  );
  assert.equal(
    statusPayload(WHO, 'online', null, NEW_YEAR),
    '{"state":"online","client_id":"c","version":"1.2.3","since":"2026-01-01T00:00:00.000Z"}',
  );
});
