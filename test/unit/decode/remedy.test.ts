import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { type RouteConfig } from '../../../src/config/route.ts';
import { createDecoder } from '../../../src/decode/decoder.ts';
import { Recogniser } from '../../../src/decode/recognition.ts';
import { findRemedy } from '../../../src/decode/remedy.ts';
import { LIMITS, makeRoute } from './decoding.ts';

const RECEIVED = Date.UTC(2026, 0, 31) * 1_000;

/** What is suggested for a message that a route rejects. */
function remedy(
  route: Partial<RouteConfig> & { topic: string },
  topic: string,
  payload: string | Buffer,
  limits = LIMITS,
) {
  const routes = [makeRoute(route)];
  const bytes = Buffer.from(payload);
  const late = (timestamp: number) =>
    timestamp > RECEIVED ? ({ code: 'timestamp_in_future', detail: '' } as const) : null;
  const explanation = createDecoder(routes, limits).explain(topic, bytes, RECEIVED, late);
  assert.notEqual(explanation.dead_letter, null, 'it would be stored');
  const message = { topic, payload: bytes, receivedAt: RECEIVED };
  return findRemedy(routes, limits, message, explanation, () => new Recogniser(LIMITS));
}

const keysOf = (...message: Parameters<typeof remedy>): unknown => {
  const found = remedy(...message);
  return found?.kind === 'change' ? found.keys : found;
};

test('keys of the route that took it, proposed from what the payload holds', () => {
  const object = { topic: 'a/{device_id}' };
  assert.deepEqual(keysOf(object, 'a/d', '{"ENERGY":{"Power":5}}'), { flatten: true });
  assert.deepEqual(keysOf(object, 'a/d', '{"t":1,"list":[1,2]}'), { flatten: 'arrays' });
  assert.deepEqual(keysOf(object, 'a/d', '{"t":1,"big":1e999}'), { exclude: ['big'] });
  assert.deepEqual(keysOf(object, 'a/d', '{"readings":[{"t":1,"h":2}]}'), { each: '$.readings' });
  assert.deepEqual(keysOf(object, 'a/d', '21.5'), { metric_name: 'value' });
  const named = { topic: 'a/{device_id}/{metric_name}' };
  assert.deepEqual(keysOf(named, 'a/d/m', '{"val":3}'), { value: '$.val' });
  assert.deepEqual(keysOf({ topic: 'a/+', device_id: '$.id' }, 'a/d', '{"serial":"x7","t":1}'), {
    device_id: '$.serial',
  });
  assert.deepEqual(keysOf({ topic: 'a/{device_id}/+' }, 'a/d/m', '1'), {
    topic: 'a/{device_id}/{metric_name}',
  });
  assert.deepEqual(keysOf({ ...named, format: 'json' }, 'a/d/m', 'idle'), { format: 'auto' });
});

test('nothing that would store the message and spoil the others of the route', () => {
  for (const format of ['auto', 'json'] as const) {
    const route = { topic: 'a/{device_id}/{metric_name}', format };
    assert.equal(keysOf(route, 'a/d/m', '{"value": nan}'), null);
    assert.equal(keysOf(route, 'a/d/m', '{"value": 1} {"value": 2}'), null);
  }
  // All sensors, said of each of them.
  const each = { topic: 'a/{hall}', each: '$.sensors', device_id: '{key}', value: '@' };
  assert.equal(keysOf(each, 'a/h', '{"sensors":{"s1":{"t":1},"s2":{"t":2},"s3":7}}'), null);
});

test('times: another unit, or another key', () => {
  const route = { topic: 'a/{device_id}', time_unit: 's' } as const;
  assert.deepEqual(keysOf(route, 'a/d', '{"timestamp":1767323045000,"t":1}'), { time_unit: 'ms' });
  assert.deepEqual(
    keysOf({ ...route, timestamp: '$.up' }, 'a/d', '{"up":"3 days","time":1767323045,"t":1}'),
    {
      timestamp: '$.time',
    },
  );
});

test('a route for a topic that none takes, tried on the message', () => {
  const nowhere = { topic: 'other/{device_id}' };
  const routeFor = (topic: string, payload: string): unknown => {
    const found = remedy(nowhere, topic, payload);
    return found?.kind === 'route' ? found.keys : found;
  };
  assert.deepEqual(routeFor('home/kitchen/temperature', '21.5'), { topic: 'home/{device_id}/{metric_name}' });
  assert.deepEqual(routeFor('home/kitchen/temperature/state', '21.5'), {
    topic: 'home/{device_id}/{metric_name}/state',
  });
  assert.deepEqual(routeFor('plant/pump/telemetry', '{"w":7,"ts":1767323045}'), {
    topic: 'plant/{device_id}/telemetry',
    flatten: false,
    timestamp: '$.ts',
  });
  assert.deepEqual(
    routeFor('gateway', '[{"sensor_id":"T","timestamp":"2019-08-06T13:02:59.975Z","value":7}]'),
    {
      topic: 'gateway',
      device_id: 'gateway',
      each: '$',
      metric_name: '@.sensor_id',
      value: '@.value',
      timestamp: '@.timestamp',
    },
  );
  assert.equal(remedy(nowhere, 'a/b', Buffer.from('fffe', 'hex')), null);
});

test('the preset that knows the message, where it publishes', () => {
  const keys = (topic: string, payload: string): unknown => {
    const found = remedy({ topic: 'other/{device_id}' }, topic, payload);
    return found?.kind === 'route' ? found.keys : found;
  };
  assert.deepEqual(keys('zigbee2mqtt/lamp', '{"state":"ON"}'), { preset: 'zigbee2mqtt' });
  assert.deepEqual(keys('home/lamp', '{"state":"ON","linkquality":90}'), {
    preset: 'zigbee2mqtt',
    base: 'home',
  });
});

test('limits of the configuration', () => {
  const deep = `${'['.repeat(40)}${']'.repeat(40)}`;
  assert.deepEqual(remedy({ topic: 'a/{device_id}' }, 'a/d', deep), {
    kind: 'setting',
    name: 'ingest.limits.nesting',
    value: '40',
  });
  const long = JSON.stringify({ text: 'x'.repeat(70_000) });
  assert.deepEqual(remedy({ topic: 'a/{device_id}', include: ['text'] }, 'a/d', long), {
    kind: 'setting',
    name: 'ingest.limits.text_length',
    value: '70000',
  });
});

test('limits of points and of names: the next larger ones that would do', () => {
  const few = { ...LIMITS, pointsPerMessage: 20, namesPerMessage: 100 };
  const keys = Array.from({ length: 70 }, (_, index) => [`k${index}`, 1]);
  assert.deepEqual(remedy({ topic: 'a/{device_id}' }, 'a/d', JSON.stringify(Object.fromEntries(keys)), few), {
    kind: 'setting',
    name: 'ingest.limits.points_per_message',
    value: '80',
  });
  const names = { ...LIMITS, pointsPerMessage: 100, namesPerMessage: 20 };
  assert.deepEqual(
    remedy({ topic: 'a/{device_id}' }, 'a/d', JSON.stringify(Object.fromEntries(keys)), names),
    {
      kind: 'setting',
      name: 'ingest.limits.names_per_message',
      value: '80',
    },
  );
});

test('no limit that the configuration would refuse, nor one that would not do', () => {
  assert.equal(remedy({ topic: 'a/{device_id}' }, 'a/d', '['.repeat(1_001)), null);
  const packed = gzipSync(Buffer.alloc(LIMITS.messageBytes + 1));
  assert.equal(remedy({ topic: 'a/{device_id}' }, 'a/d', packed), null);
});

test('nothing is proposed that would not help', () => {
  assert.equal(remedy({ topic: 'a/{device_id}' }, 'a/d', ''), null);
  assert.equal(remedy({ topic: 'a/{device_id}' }, 'a/d', '{'), null);
});
