import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { loadConfig } from '../../../src/config/load.ts';
import type { RouteConfig } from '../../../src/config/route.ts';
import { TidegateError } from '../../../src/errors.ts';
import { yamlFile } from './yaml-file.ts';

const DATABASE = 'database: {url: "postgres://localhost/db"}\n';

function routesOf(t: TestContext, yaml: string): readonly RouteConfig[] {
  return loadConfig({ file: yamlFile(t, `${DATABASE}${yaml}`), env: {} }).routes;
}

/** Without the path of the file. */
function mistakes(t: TestContext, yaml: string): string[] {
  try {
    routesOf(t, yaml);
  } catch (error) {
    assert.ok(error instanceof TidegateError && error.code === 'config_invalid', String(error));
    return error.message.split('\n').map((line) => line.replace(/^.*?(?=:\d+:\d+: )/, ''));
  }
  return [];
}

test('an item stands for the routes of its preset, in its place', (t) => {
  const routes = routesOf(
    t,
    `routes:
  - topic: before/{device_id}
  - preset: tasmota
    time_zone: Europe/Berlin
  - topic: after/{device_id}`,
  );
  assert.deepEqual(
    routes.map(({ name, topic, time_zone: zone }) => [name, topic, zone]),
    [
      ['before/{device_id}', 'before/{device_id}', 'UTC'],
      ['tasmota/sensor', 'tele/{device_id}/SENSOR', 'Europe/Berlin'],
      ['tasmota/state', 'tele/{device_id}/STATE', 'Europe/Berlin'],
      ['tasmota/result', 'stat/{device_id}/RESULT', 'Europe/Berlin'],
      ['tasmota/online', 'tele/{device_id}/LWT', 'Europe/Berlin'],
      ['after/{device_id}', 'after/{device_id}', 'UTC'],
    ],
  );
});

test('base moves the topics, and those that are left alone; name replaces that of the preset', (t) => {
  const [first] = routesOf(t, 'routes: [{preset: zigbee2mqtt, base: home/zigbee, name: attic}]');
  assert.equal(first?.topic, 'home/zigbee/{device_id#}');
  assert.ok(first.ignore.includes('home/zigbee/bridge/#'));
  assert.equal(first.name, 'attic/action');
  const twice = routesOf(t, 'routes: [{preset: tasmota}, {preset: tasmota, base: home, name: home}]');
  assert.equal(twice.length, 8);
});

test('what the item says goes before the preset; maps are merged, its entries first', (t) => {
  const [route] = routesOf(
    t,
    `routes:
  - preset: owntracks
    include: [lat, lon]
    metrics: {lat: {unit: degree}, "*": {kind: gauge}}`,
  );
  assert.deepEqual(route?.include, ['lat', 'lon']);
  assert.equal(route?.time_unit, 's', 'of the preset');
  const metrics = Object.entries(route?.metrics ?? {});
  assert.deepEqual(
    metrics.slice(0, 2).map(([glob]) => glob),
    ['lat', '*'],
  );
  assert.equal(metrics[0]?.[1].unit, 'degree');
  assert.ok(
    metrics.some(([glob]) => glob === 'batt'),
    'of the preset',
  );
});

test('mistakes are told at the item, once', (t) => {
  assert.deepEqual(
    mistakes(
      t,
      `routes:
  - topic: a/{device_id}
  - {preset: tasmota, time_zone: Nowhere, exclud: [a]}
  - preset: zigbee
  - {preset: zigbee2mqtt, base: a/#}
  - {preset: ttn, base: a}
  - {preset: tasmota, topic: a/b}
  - {preset: azure_event_grid}`,
    ).map((line) => line.replace(/; allowed: .*/, '')),
    [
      ':5:5: routes[2].preset is "zigbee"',
      ':6:27: routes[3].base is "a/#"',
      ':7:19: routes[4].base says nothing to the preset ttn: its topics are fixed; leave it out',
      ':8:23: routes[5].topic cannot replace those of the 4 routes of tasmota; set base',
      ':4:43: routes[1].exclud is not a known key; the nearest one is exclude',
      ':4:23: routes[1].time_zone is "Nowhere"',
      ':9:5: routes[6].topic is missing; needed: an MQTT filter such as devices/{device_id}/{metric_name}, site/+/# or site/{device_id}/{rest#}',
    ],
  );
  assert.deepEqual(mistakes(t, 'routes: [{topic: "a/{device_id}", base: a}, {presett: tasmota}]'), [
    ':2:35: routes[0].base says something beside preset only, which is not there',
    ':2:46: routes[1].presett is not a known key; the nearest one is preset',
    ':2:45: routes[1].topic is missing; needed: an MQTT filter such as devices/{device_id}/{metric_name}, site/+/# or site/{device_id}/{rest#}',
  ]);
  assert.deepEqual(
    mistakes(t, 'routes: [{preset: tasmota}, {preset: tasmota, name: again}]')[0],
    ':2:29: routes[1].topic and routes[0].topic take the same topics; only the first would get messages',
  );
});
