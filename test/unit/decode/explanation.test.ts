import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDecoder } from '../../../src/decode/decoder.ts';
import { explain as explainBy, type PassedRoute } from '../../../src/decode/explanation.ts';
import type { PointWriter } from '../../../src/pipeline/types.ts';
import { DEFAULT_ROUTES, LIMITS, makeRoute } from './decoding.ts';

const NOON = Date.UTC(2024, 0, 1, 12) * 1000 + 123_456;
const ROUTES = [
  ...DEFAULT_ROUTES,
  makeRoute({ name: 'quiet', topic: 'quiet/{device_id}/{metric_name}', on_text: 'drop' }),
  makeRoute({ name: 'all', topic: '#', device_id: 'any', metric_name: 'any' }),
];
const explain = (topic: string, payload: string) =>
  createDecoder(ROUTES, LIMITS).explain(topic, Buffer.from(payload), NOON);

const told = (passed: readonly PassedRoute[]) => passed.map(({ route, reason }) => ({ route, reason }));

test('Points are explained with their time, or that of the arrival in milliseconds', () => {
  const { route, points, dead_letter } = explain(
    'devices/d/m',
    '{"value":21.5,"timestamp":"2024-01-01T00:00:00.1234567Z"}',
  );
  assert.equal(route, 'devices/{device_id}/{metric_name}');
  assert.equal(dead_letter, null);
  assert.deepEqual(points, [
    {
      device_id: 'd',
      metric_name: 'm',
      value: 21.5,
      timestamp: '2024-01-01T00:00:00.123456Z',
      kind: 'gauge',
    },
  ]);
  assert.deepEqual(explain('devices/d/m', 'idle').points, [
    {
      device_id: 'd',
      metric_name: 'm',
      value: 'idle',
      timestamp: '2024-01-01T12:00:00.123000Z',
      arrival: true,
      kind: 'text',
      changes_only: true,
    },
  ]);
});

test('It can be written as JSON', () => {
  for (const [payload, value] of [
    ['nan', 'NaN'],
    ['inf', 'Infinity'],
    ['-inf', '-Infinity'],
  ] as const) {
    const { points } = JSON.parse(JSON.stringify(explain('devices/d/m', payload)));
    assert.deepEqual([points[0].value, points[0].kind], [value, 'gauge']);
  }
});

test('The dead letter has the first reason; the others follow', () => {
  const { points, dead_letter, rejections } = explain('devices/d', '{"a":1,"b":{},"c":1e999}');
  assert.equal(points.length, 1);
  assert.deepEqual(dead_letter, { code: 'value_unsupported', detail: '$.b: the value is an object' });
  assert.deepEqual(
    rejections.map(({ code }) => code),
    ['value_unsupported', 'number_out_of_range'],
  );
});

test('Drops are told, and why the other routes do not take the topic', () => {
  const { route, points, drops, passed } = explain('quiet/d/m', 'idle');
  assert.equal(route, 'quiet');
  assert.deepEqual(points, []);
  assert.deepEqual(drops, ['text_dropped']);
  assert.deepEqual(told(passed), [
    { route: 'devices/{device_id}/{metric_name}', reason: 'level 1 is "quiet", not "devices"' },
    { route: 'devices/{device_id}', reason: 'level 1 is "quiet", not "devices"' },
    { route: 'all', reason: 'would match, but quiet comes first' },
  ]);
});

test('A topic without a route says so', () => {
  const { route, dead_letter, passed } = explain('$SYS/uptime', '1');
  assert.equal(route, null);
  assert.equal(dead_letter?.code, 'no_route');
  assert.equal(passed.length, 4);
});

test('What the message says of a series is told with its point, and goes with a point that is refused', () => {
  const decode = (_topic: string, _payload: Uint8Array, out: PointWriter): null => {
    out.number('d', 'm', NOON, 21.5, 'gauge');
    out.describe({ unit: 'Cel', tags: { site: 'berlin' } });
    out.text('d', 't', NOON, 'on', false);
    out.describe({ deviceName: 'Kitchen' });
    out.number('d', 'plain', NOON, 1, 'gauge');
    out.reject('value_missing', '$');
    out.describe({ unit: 'none' });
    out.number('d', 'refused', 0, 2, 'gauge');
    out.describe({ unit: 'none' });
    return null;
  };
  const refusal = (time: number) =>
    time === 0 ? ({ code: 'timestamp_too_old', detail: '' } as const) : null;
  const { points } = explainBy({ decode }, [], 'topic', Buffer.of(), NOON, refusal);
  assert.deepEqual(
    points.map(({ metric_name, unit, tags, device_name }) => [metric_name, unit, tags, device_name]),
    [
      ['m', 'Cel', { site: 'berlin' }, undefined],
      ['t', undefined, undefined, 'Kitchen'],
      ['plain', undefined, undefined, undefined],
    ],
  );
});

test('Routes that leave a topic or a message out say why, and a message that none takes is ignored', () => {
  const routes = [
    makeRoute({ name: 'a', topic: 'z/{device_id#}', ignore: ['z/bridge/#'], when: { '$.type': 'a' } }),
    makeRoute({ name: 'b', topic: 'z/{device_id}', when: { '$.type': ['b', 'c*'] } }),
  ];
  const decoder = createDecoder(routes, LIMITS);
  const { route, passed, dead_letter } = decoder.explain('z/d', Buffer.from('{"type":"x"}'), NOON);
  assert.deepEqual([route, dead_letter], [null, null]);
  assert.deepEqual(told(passed), [
    { route: 'a', reason: '$.type is "x", not a' },
    { route: 'b', reason: '$.type is "x", not b or c*' },
  ]);
  assert.deepEqual(told(decoder.explain('z/bridge/x', Buffer.from('1'), NOON).passed), [
    { route: 'a', reason: 'ignores z/bridge/#' },
    { route: 'b', reason: 'the topic has 3 levels, not 2' },
  ]);
});

test('What a route makes of names and values is told', () => {
  const route = makeRoute({
    topic: '{device_id}',
    metrics: { 't*': { scale: 0.1 }, u: { name: 'v' }, w: { unit: 'W' } },
  });
  const { points } = createDecoder([route], LIMITS).explain(
    'd',
    Buffer.from('{"t1":5,"u":1,"w":2,"x":3}'),
    NOON,
  );
  assert.deepEqual(
    points.map(({ sent }) => sent),
    ['t1 5', 'u 1', undefined, undefined],
  );
});
