import assert from 'node:assert/strict';
import { test } from 'node:test';
import { presetRoutes } from '../../../src/config/preset-routes.ts';
import type { RouteConfig } from '../../../src/config/route.ts';
import { createDecoder } from '../../../src/decode/decoder.ts';
import { homie } from '../../../src/decode/presets/homie.ts';
import type { PointWriter, SeriesMeta } from '../../../src/pipeline/types.ts';
import { LIMITS, makeRoute } from './decoding.ts';

/** What is said of each point of these messages, of one decoder; and what is rejected. */
function said(routes: readonly RouteConfig[], messages: readonly (readonly [string, string, boolean?])[]) {
  const decoder = createDecoder(routes, LIMITS);
  const points: [name: string, meta: SeriesMeta | null][] = [];
  const rejects: string[] = [];
  const add = (device: string, metric: string) => void points.push([`${device} ${metric}`, null]);
  const out: PointWriter = {
    number: add,
    text: add,
    describe: (meta) => {
      const point = points.at(-1);
      if (point !== undefined) point[1] = meta;
    },
    reject: (code) => void rejects.push(code),
    drop: () => {},
  };
  for (const [topic, payload, past] of messages)
    (past === true ? (decoder.past ?? decoder) : decoder).decode(topic, Buffer.from(payload), out);
  return { points, rejects };
}

const HOMIE = presetRoutes(homie);

// https://homieiot.github.io/specification/spec-core-v4_0_0/#properties
test('Homie 4: a retained $unit goes with the values that follow, of its property alone', () => {
  const { points, rejects } = said(HOMIE, [
    ['homie/super-car/engine/temperature', '20'],
    ['homie/super-car/engine/temperature/$name', 'Engine temperature'],
    ['homie/super-car/engine/temperature/$unit', '°C'],
    ['homie/super-car/engine/temperature', '21.5'],
    ['homie/super-car/engine/temperature', '22.5'],
    ['homie/super-car/engine/speed', '3'],
    ['homie/other-car/engine/temperature', '3'],
    ['homie/super-car/engine/temperature/$unit', ''],
    ['homie/super-car/engine/temperature', '23'],
  ]);
  assert.deepEqual(points, [
    ['super-car engine/temperature', null],
    ['super-car engine/temperature', { unit: '°C' }],
    ['super-car engine/temperature', { unit: '°C' }],
    ['super-car engine/speed', null],
    ['other-car engine/temperature', null],
    ['super-car engine/temperature', { unit: '°C' }],
  ]);
  assert.equal(points[1]?.[1], points[2]?.[1], 'the same object costs nothing');
  assert.deepEqual(rejects, ['no_route'], '$name has no route');
});

// https://homieiot.github.io/specification/spec-core-develop/#device-description-document
test('Homie 5: the units of the description', () => {
  const description = JSON.stringify({
    homie: '5.0',
    name: 'Supercar',
    version: 7,
    nodes: {
      wheels: {
        name: 'Car wheels',
        properties: { diameter: { datatype: 'float', unit: 'mm' }, spare: { datatype: 'boolean' } },
      },
      lights: { properties: { power: { datatype: 'enum', unit: '' } } },
    },
  });
  const { points, rejects } = said(HOMIE, [
    ['homie/5/super-car/$description', description],
    ['homie/5/super-car/wheels/diameter', '43.5'],
    ['homie/5/super-car/wheels/spare', 'true'],
    ['homie/5/super-car/lights/power', 'dim'],
    ['homie/5/super-car/$description', ''],
  ]);
  assert.deepEqual(points, [
    ['super-car wheels/diameter', { deviceName: 'Supercar', unit: 'mm' }],
    ['super-car wheels/spare', null],
    ['super-car lights/power', null],
  ]);
  assert.deepEqual(rejects, []);
});

test('the newest counts, what is read again later does not, and the word of the route of the values goes first', () => {
  const units = makeRoute({ topic: 'm/{device_id}/{metric_name}/unit', value_is: 'unit' });
  const values = makeRoute({ topic: 'm/{device_id}/{metric_name}', tags: { site: 'north' } });
  const { points } = said(
    [units, values],
    [
      ['m/d/p/unit', 'W'],
      ['m/d/p', '1'],
      ['m/d/p/unit', 'kW'],
      ['m/d/p/unit', 'W', true],
      ['m/d/p', '1'],
    ],
  );
  assert.deepEqual(
    points.map(([, meta]) => meta),
    [
      { unit: 'W', tags: { site: 'north' } },
      { unit: 'kW', tags: { site: 'north' } },
    ],
  );
  const fixed = { ...values, metrics: { p: { unit: 'VA' } } };
  assert.deepEqual(
    said(
      [units, fixed],
      [
        ['m/d/p/unit', 'W'],
        ['m/d/p', '1'],
      ],
    ).points[0]?.[1],
    { unit: 'VA', tags: { site: 'north' } },
  );
});

test('what is no unit is a dead letter, and strangers who say units without end find a bound', () => {
  const route = makeRoute({ topic: 'm/{device_id}/{metric_name}/unit', value_is: 'unit' });
  assert.deepEqual(said([route], [['m/d/p/unit', '{"value":7}']]).rejects, ['value_unsupported']);
  assert.deepEqual(said([route], [['m/d/p/unit', 'x'.repeat(300)]]).rejects, ['value_unsupported']);
  const decoder = createDecoder([route], LIMITS);
  const many = Array.from({ length: 60_000 }, (_, index) => [`m/d${index}/p/unit`, 'W'] as const);
  assert.deepEqual(said([route], many).points, []);
  const { units } = decoder.explain('m/d/p/unit', Buffer.from('W'), 0);
  assert.deepEqual(units, [{ device_id: 'd', metric_name: 'p', unit: 'W' }]);
});
