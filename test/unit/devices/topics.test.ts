import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Topics } from '../../../src/devices/topics.ts';

const TEMPLATES = {
  status: 'tidegate/{client_id}/status',
  events: 'tidegate/{client_id}/events/{event}',
  homeAssistant: { prefix: 'homeassistant', deviceTopic: 'tidegate/{client_id}/devices/{device}' },
};

test('topics are those of the templates', () => {
  const topics = new Topics(TEMPLATES, 'plant-1');
  assert.equal(topics.status, 'tidegate/plant-1/status');
  assert.equal(topics.event('device_back'), 'tidegate/plant-1/events/device_back');
  assert.equal(topics.discovery(null), 'homeassistant/device/tidegate_plant-1/config');
  assert.equal(topics.discovery('boiler'), 'homeassistant/device/tidegate_plant-1_boiler/config');
  assert.equal(topics.device('boiler'), 'tidegate/plant-1/devices/boiler');
  const off = new Topics({ status: null, events: null, homeAssistant: null }, 'plant-1');
  assert.deepEqual(
    [off.status, off.event('device_back'), off.discovery(null), off.device('boiler')],
    [null, null, null, null],
  );
  assert.equal(off.isOwn('tidegate/plant-1/status'), false);
});

test('our own topics are known, and no others', () => {
  const topics = new Topics(TEMPLATES, 'plant-1');
  for (const topic of [
    topics.status,
    topics.event('device_silent'),
    topics.event('device_back'),
    topics.discovery(null),
    topics.discovery('a/b'),
    topics.device('a/b'),
  ]) {
    assert.ok(topic !== null && topics.isOwn(topic), `${topic}`);
  }
  for (const topic of [
    'tidegate/plant-1',
    'tidegate/plant-2/status',
    'homeassistant/device/other/config',
    'devices/x/y',
  ])
    assert.equal(topics.isOwn(topic), false, topic);
});

test('property: whatever the names, topics can be published to, and Home Assistant takes the ids', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (clientId, deviceId) => {
      const topics = new Topics(TEMPLATES, clientId);
      assert.match(topics.objectId(deviceId), /^[a-zA-Z0-9_-]+$/);
      for (const topic of [
        topics.status,
        topics.event('device_back'),
        topics.discovery(deviceId),
        topics.device(deviceId),
      ])
        assert.doesNotMatch(topic ?? '', /[+#\0]/);
    }),
  );
});

test('property: two devices never share a topic', () => {
  const topics = new Topics(TEMPLATES, 'c');
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('a', '/', '_', '.', '+') }),
      fc.string({ unit: fc.constantFrom('a', '/', '_', '.', '+') }),
      (one, other) => {
        if (one !== other) assert.notEqual(topics.device(one), topics.device(other));
      },
    ),
  );
});
