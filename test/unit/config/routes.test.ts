import assert from 'node:assert/strict';
import { test } from 'node:test';
import { showPath } from '../../../src/config/mistakes.ts';
import { type RouteConfig, routeDefaults } from '../../../src/config/route.ts';
import { routeMistakes } from '../../../src/config/routes.ts';

function told(...routes: (Partial<RouteConfig> & { topic: string })[]): string[] {
  const full = routes.map((route) => ({ name: route.topic, ...routeDefaults(), ...route }));
  return routeMistakes(full).map(({ paths, text }) => `${paths.map(showPath).join(' and ')} ${text}`);
}

test('the default routes and routes with constants are fine', () => {
  assert.deepEqual(
    told({ topic: 'devices/{device_id}/{metric_name}' }, { topic: 'devices/{device_id}' }),
    [],
  );
  assert.deepEqual(told({ topic: 'a/#', device_id: 'gate', metric_name: '$.name', format: 'value' }), []);
});

test('what a route needs and its topic does not name', () => {
  assert.deepEqual(told({ topic: 'a/{id}' }), [
    'routes[0].device_id is missing: the topic has no level {device_id}',
  ]);
  assert.deepEqual(told({ topic: 'a/{device_id}', format: 'value' }), [
    'routes[0].metric_name is missing: format value needs it, and the topic has no level {metric_name}',
  ]);
});

test('expressions that cannot be read', () => {
  assert.deepEqual(told({ topic: '{device_id}', metric_name: '{nope}', value: '$[x]', each: 'items' }), [
    'routes[0].each is "items", which is no path: it begins with $ (the payload), @ (the item) or @^ (what is around it)',
    'routes[0].metric_name is "{nope}", which has {nope}, but there is only {device_id}, {key}, {key^}',
    'routes[0].value is "$[x]", which is no path: no .key, ["any key"], [0] or [*] at "[x]"',
  ]);
});

test('a topic that is no filter is told alone', () => {
  assert.deepEqual(told({ topic: 'a/#/b', value: '{x}' }), [
    'routes[0].topic is "a/#/b", which goes on after #, which must be the last level',
  ]);
});

test('a word that means true and false', () => {
  const booleans = { true: ['on', 'run'], false: ['ON', 'idle'] };
  assert.deepEqual(told({ topic: '{device_id}', booleans }), [
    'routes[0].booleans has on as true and as false',
  ]);
});

test('two routes with one topic or one name', () => {
  const topics = told(
    { topic: 'a/{device_id}' },
    { topic: 'b/{device_id}' },
    { topic: 'a/+', device_id: 'x' },
  );
  assert.deepEqual(topics, [
    'routes[2].topic and routes[0].topic take the same topics; only the first would get messages',
  ]);
  const names = told({ topic: 'a/{device_id}', name: 'x' }, { topic: 'b/{device_id}', name: 'x' });
  assert.deepEqual(names, ['routes[1].name and routes[0].name are both named "x"']);
});

test('keys that say nothing to the format', () => {
  const lines = { topic: '{device_id}', format: 'line_protocol' } as const;
  assert.deepEqual(told({ ...lines, metric_tags: ['cpu'], time_unit: 'ns' }), []);
  assert.deepEqual(told({ ...lines, each: '$.list', flatten: true }), [
    'routes[0].each is "$.list", which says nothing to format line_protocol',
    'routes[0].flatten is true, which says nothing to format line_protocol',
  ]);
  assert.deepEqual(told({ topic: '{device_id}', metric_tags: [] }), [
    'routes[0].metric_tags is for format line_protocol, and the format is auto',
  ]);
});
