import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDecoder } from '../../../src/decode/decoder.ts';
import { mergedNotes } from '../../../src/decode/series-notes.ts';
import type { RouteConfig } from '../../../src/config/route.ts';
import type { PointWriter, SeriesMeta } from '../../../src/pipeline/types.ts';
import { decode, LIMITS, makeRoute } from './decoding.ts';

/** [metric, what is said of its series] of each point, in order. */
function said(overrides: Partial<RouteConfig> & { topic: string }, topic: string, payload: string) {
  const { rows, described } = decode([makeRoute(overrides)], topic, payload);
  const metas = new Map(described);
  return rows.map(([, metric], index) => [metric, metas.get(index)]);
}

test('tags of constants, topic levels and the payload; what is not there is left out', () => {
  const route = {
    topic: 'plant/{line}/{device_id}',
    tags: { site: 'berlin', line: '{line}', gateway: '$.gw', serial: ['$.sn', '$.id'] },
    include: ['t', 'mode'],
  };
  const tags = { site: 'berlin', line: '7', gateway: 'g1', serial: '12' };
  assert.deepEqual(said(route, 'plant/7/d', '{"t":1,"mode":"eco","gw":"g1","id":12}'), [
    ['t', { tags }],
    ['mode', { tags }],
  ]);
  assert.deepEqual(said(route, 'plant/7/d', '{"t":1,"gw":{},"sn":"a\\u0000"}'), [
    ['t', { tags: { site: 'berlin', line: '7' } }],
  ]);
});

test('Telegraf: all tags of an item, whatever they are', () => {
  const route = {
    topic: 'telegraf',
    each: '$.metrics',
    device_id: '@.tags.host',
    value: '@.fields',
    tags: { '{key}': '@.tags.*' },
  };
  const payload = `{"metrics":[{"fields":{"a":1},"tags":{"host":"h","cpu":"cpu0"}},{"fields":{"b":2},"tags":{"host":"h"}}]}`;
  assert.deepEqual(said(route, 'telegraf', payload), [
    ['a', { tags: { host: 'h', cpu: 'cpu0' } }],
    ['b', { tags: { host: 'h' } }],
  ]);
});

test('units as they are or as sent, and the name of the device', () => {
  const route = {
    topic: 'tele/{name}/SENSOR',
    device_id: ['$.mac', '{name}'],
    device_name: '{name}',
    flatten: true,
    exclude: ['TempUnit', 'mac'],
    metrics: { '*.Temperature': { unit: '$.TempUnit' }, 'ENERGY.Power': { unit: 'W' } },
  };
  const payload =
    '{"mac":"A1","DS18B20":{"Temperature":20.8},"ENERGY":{"Power":5,"Factor":1},"TempUnit":"C"}';
  assert.deepEqual(said(route, 'tele/lamp/SENSOR', payload), [
    ['DS18B20.Temperature', { unit: 'C', deviceName: 'lamp' }],
    ['ENERGY.Power', { unit: 'W', deviceName: 'lamp' }],
    ['ENERGY.Factor', { deviceName: 'lamp' }],
  ]);
  const units = { topic: '{device_id}', metrics: { a: { unit: 'W' } } };
  assert.deepEqual(said(units, 'd', '{"a":1,"b":2}'), [
    ['a', { unit: 'W' }],
    ['b', undefined],
  ]);
  assert.deepEqual(said(units, 'd', '{"timestamp":[1,2],"metrics":{"a":[1,2]}}'), [
    ['a', { unit: 'W' }],
    ['a', { unit: 'W' }],
  ]);
});

test('The same is said with the same object as long as nothing changes', () => {
  const route = makeRoute({ topic: '{device_id}', tags: { gw: '$.gw' }, include: ['a'] });
  const decoder = createDecoder([route], LIMITS);
  const metas: SeriesMeta[] = [];
  const ignore = () => {};
  const out: PointWriter = {
    number: ignore,
    text: ignore,
    reject: ignore,
    drop: ignore,
    describe: (meta) => void metas.push(meta),
  };
  for (const gateway of ['x', 'x', 'y', 'x']) {
    decoder.decode('d', Buffer.from(`{"a":1,"gw":"${gateway}"}`), out);
  }
  const [first, second, third, fourth] = metas;
  assert.equal(first, second);
  assert.notEqual(first, third);
  assert.equal(first, fourth);
});

test('what the payload and the route say is one: of both the word of the route, tags together, the same object again', () => {
  const payload: SeriesMeta = { unit: 'W', tags: { line: '7', site: 'old' }, deviceName: 'as sent' };
  const route: SeriesMeta = { unit: 'kW', tags: { site: 'berlin' } };
  assert.equal(mergedNotes(payload, null), payload);
  const both = mergedNotes(payload, route);
  assert.deepEqual(both, { unit: 'kW', tags: { line: '7', site: 'berlin' }, deviceName: 'as sent' });
  assert.equal(mergedNotes(payload, route), both, 'PointWriter.describe compares by identity');
  assert.notEqual(mergedNotes({ ...payload }, route), both);
  assert.deepEqual(mergedNotes({ unit: 'W' }, { deviceName: 'Pump' }), { unit: 'W', deviceName: 'Pump' });
  assert.ok(!('tags' in mergedNotes({ unit: 'W' }, { deviceName: 'Pump' })), 'no tags are none');
});
