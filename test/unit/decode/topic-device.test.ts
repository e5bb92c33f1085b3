import assert from 'node:assert/strict';
import { test } from 'node:test';
import { topicDevices } from '../../../src/decode/topic-device.ts';
import { makeRoute } from './decoding.ts';

test('the device of a message is told where the route takes it from the topic, and only there', () => {
  const deviceOf = topicDevices([
    makeRoute({ name: 'named', topic: 'devices/{device_id}/{metric_name}' }),
    makeRoute({
      name: 'composed',
      topic: 'site/{area}/+/{rest#}',
      device_id: '{area}-{rest}',
      metric_name: 'x',
    }),
    makeRoute({ name: 'inside', topic: 'gateway/+', device_id: '$.id' }),
  ]);
  assert.equal(deviceOf('named', 'devices/boiler/temperature'), 'boiler');
  assert.equal(deviceOf('named', 'devices/boiler'), null);
  assert.equal(deviceOf('composed', 'site/a/b/c/d'), 'a-c/d');
  assert.equal(deviceOf('inside', 'gateway/boiler'), null);
  assert.equal(deviceOf('gone', 'devices/boiler/temperature'), null);
});
