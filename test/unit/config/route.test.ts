import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type RouteConfig, routeDefaults } from '../../../src/config/route.ts';

test('a route says nothing but its topic', () => {
  const route: RouteConfig = { name: 'a', topic: 'a', device_id: undefined, ...routeDefaults() };
  const { null_words, booleans, ...rest } = route;
  assert.deepEqual(rest, {
    name: 'a',
    topic: 'a',
    device_id: undefined,
    qos: 1,
    format: 'auto',
    ignore: [],
    flatten: false,
    separator: '.',
    on_nested: 'dead_letter',
    include: [],
    exclude: [],
    time_zone: 'UTC',
    time_unit: 'auto',
    on_text: 'store_changes',
    on_backlog: 'store',
    on_empty: 'dead_letter',
  });
  const words = [...null_words, ...booleans.true, ...booleans.false];
  assert.equal(new Set(words).size, words.length, 'no word means two things');
  assert.deepEqual(
    words,
    words.map((word) => word.toLowerCase()),
  );
});

test('no two routes share their defaults', () => {
  routeDefaults().include.push('x');
  assert.deepEqual(routeDefaults().include, []);
});
