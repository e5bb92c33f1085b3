import assert from 'node:assert/strict';
import { test } from 'node:test';
import { showPath } from '../../../src/config/mistakes.ts';
import { type RouteConfig, routeDefaults } from '../../../src/config/route.ts';
import { routeMistakes, sharedRouteMistakes } from '../../../src/config/routes.ts';

const route = (overrides: Partial<RouteConfig> = {}): RouteConfig => ({
  ...routeDefaults(),
  name: 'plant',
  topic: 'spBv1.0/#',
  format: 'sparkplug_b',
  ...overrides,
});

function told(overrides: Partial<RouteConfig>): string[] {
  return routeMistakes([route(overrides)]).map(
    ({ paths, text }) => `${paths.map(showPath).join(' and ')} ${text}`,
  );
}

test('a Sparkplug route needs no device_id, but topics of Sparkplug', () => {
  assert.deepEqual(told({}), []);
  assert.deepEqual(told({ topic: 'spBv1.0/{group}/+/{edge}/#', device_id: '{edge}' }), []);
  assert.deepEqual(told({ topic: 'plant/#' }), [
    'routes[0].topic is "plant/#"; format sparkplug_b needs one that begins with spBv1.0/',
  ]);
  assert.deepEqual(told({ metric_name: 'x' }), [
    'routes[0].metric_name contradicts format sparkplug_b, whose payloads name their metrics',
  ]);
});

test('a Sparkplug route is refused in a share group, others are not', () => {
  const routes = [route({ format: 'json', topic: 'a/{device_id}' }), route()];
  assert.deepEqual(sharedRouteMistakes(routes, null), []);
  const [mistake, ...others] = sharedRouteMistakes(routes, 'tidegates');
  assert.deepEqual(others, []);
  assert.deepEqual(mistake?.paths.map(showPath), ['routes[1].format', 'mqtt.share_group']);
  assert.match(mistake?.text ?? '', /contradict each other: .*another daemon of the group/);
});
