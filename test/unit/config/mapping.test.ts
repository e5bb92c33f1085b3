import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfig } from '../../../src/config/load.ts';
import { showPath } from '../../../src/config/mistakes.ts';
import { type RouteConfig, routeDefaults } from '../../../src/config/route.ts';
import { routeMistakes } from '../../../src/config/routes.ts';
import { yamlFile } from './yaml-file.ts';

const ENV = { TIDEGATE_DATABASE_URL: 'postgres://localhost/db' };

function told(...routes: Partial<RouteConfig>[]): string[] {
  const full = routes.map((route) => ({ name: 'r', topic: 'a/{device_id}', ...routeDefaults(), ...route }));
  return routeMistakes(full).map(({ paths, text }) => `${paths.map(showPath).join(' and ')} ${text}`);
}

test('a mapping as it stands in a file', (t) => {
  const yaml = `routes:
  - topic: zigbee2mqtt/{name#}
    ignore: [zigbee2mqtt/bridge/#, "zigbee2mqtt/#/availability"]
    when: {$.type: [a, b], "@.x": "*"}
    device_id: [$.device.ieeeAddr, "{name}"]
    flatten: arrays
    separator: _
    values: {"{key}.power": "$.phases.*.power", rssi: "$.radio[0].rssi"}
    metrics:
      "*.temp": {scale: 0.1, nulls: [-127, 65535]}
      mode: {words: {idle: 0, running: 1}, kind: state}
      other:`;
  const [route] = loadConfig({ file: yamlFile(t, yaml), env: ENV }).routes;
  assert.deepEqual(route, {
    ...routeDefaults(),
    name: 'zigbee2mqtt/{name#}',
    topic: 'zigbee2mqtt/{name#}',
    ignore: ['zigbee2mqtt/bridge/#', 'zigbee2mqtt/#/availability'],
    when: { '$.type': ['a', 'b'], '@.x': '*' },
    device_id: ['$.device.ieeeAddr', '{name}'],
    flatten: 'arrays',
    separator: '_',
    values: { '{key}.power': '$.phases.*.power', rssi: '$.radio[0].rssi' },
    metrics: {
      '*.temp': { scale: 0.1, nulls: [-127, 65_535] },
      mode: { words: { idle: 0, running: 1 }, kind: 'state' },
      other: {},
    },
  });
});

test('a mistake in a map names its entry and its key', (t) => {
  const yaml = `routes:
  - topic: a/{device_id}
    flatten: yes please
    metrics:
      "*.temp": {scale: hot, ofset: 1}
      power: W`;
  const file = yamlFile(t, yaml);
  assert.throws(
    () => loadConfig({ file, env: ENV }),
    (error: Error) => {
      const lines = error.message.split('\n').map((line) => line.replace(`${file}:`, ''));
      assert.deepEqual(lines, [
        '3:5: routes[0].flatten is "yes please"; allowed: true, false or arrays',
        '5:30: routes[0].metrics["*.temp"].ofset is not a known key; the nearest one is offset',
        '5:18: routes[0].metrics["*.temp"].scale is "hot"; allowed: a number',
        '6:7: routes[0].metrics.power is "W"; allowed: an object of name, unit, scale, offset, kind, read, words, nulls',
      ]);
      return true;
    },
  );
});

test('expressions that cannot be read are told by their key', () => {
  assert.deepEqual(
    told({
      ignore: ['ok/#/#', 'a+/b'],
      device_id: ['$.a', '{nope}'],
      when: { '{$.a': '1' },
      unless: { '$.a[*]': '1' },
      values: { '{key}': '$.a', '{key^}': '$.*.*', b: '$.a.' },
      metrics: { 'a.*': { name: '{2}' } },
      value: '$.a.*',
    }),
    [
      'routes[0].ignore[1] is "a+/b", which has "a+": + and # each take a whole level',
      'routes[0].device_id is ["$.a","{nope}"], which has {nope}, but there is only {device_id}',
      'routes[0].values["{key}"] is "$.a", which has {key}, but there is only {device_id}',
      'routes[0].values.b is "$.a.", which is no path: no .key, ["any key"], [0] or [*] at "."',
      'routes[0].when["{$.a"] is "{$.a", which has a brace without its partner',
      'routes[0].unless["$.a[*]"] is "$.a[*]", which has a wildcard, where one value is expected',
      'routes[0].metrics["a.*"].name is "{2}", which has {2}, but there is only {device_id}, {metric_name}, {1}',
    ],
  );
});

test('wildcards that would multiply, or name what has a name', () => {
  assert.deepEqual(
    told({ each: '$.list', value: '$.other.*', values: { '{key}': '@^.all.*', x: '@.own.*' } }),
    [
      'routes[0].value is "$.other.*", which has a wildcard outside of the item: beside each it must begin with @',
      'routes[0].values["{key}"] is "@^.all.*", which has a wildcard outside of the item: beside each it must begin with @',
    ],
  );
  assert.deepEqual(told({ metric_name: 'm', value: '$.a.*' }), [
    'routes[0].value is "$.a.*", which has a wildcard, which names its metrics: not together with metric_name',
  ]);
});

test('routes of one topic are fine where those before leave something', () => {
  const when = { '$.type': 'a' };
  assert.deepEqual(told({ name: 'a', when }, { name: 'b', ignore: ['a/x'] }, { name: 'c' }), []);
  assert.deepEqual(told({ name: 'a' }, { name: 'b', when }), [
    'routes[1].topic and routes[0].topic take the same topics; only the first would get messages',
  ]);
});

test('a transform that is no JMESPath, or asks for a function that is none', () => {
  assert.deepEqual(told({ transform: 'rows[*].{a: [0]}' }), []);
  assert.deepEqual(told({ transform: 'rows[' }), [
    'routes[0].transform is "rows[", which is no JMESPath: Syntax error: expected Star, got: EOF',
  ]);
  assert.deepEqual(told({ transform: 'a[?lenght(b) > `1`]' }), [
    'routes[0].transform is "a[?lenght(b) > `1`]", which is no JMESPath: there is no function lenght()',
  ]);
});
