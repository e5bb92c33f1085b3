import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { BatchSeries } from '../../../src/pipeline/batch-series.ts';
import { SeriesRegistry } from '../../../src/pipeline/series-registry.ts';
import type { Series, SeriesKind, SeriesMeta } from '../../../src/pipeline/types.ts';

const point = fc.record({
  batch: fc.constantFrom(0, 1),
  device: fc.integer({ min: 0, max: 5 }),
  metric: fc.integer({ min: 0, max: 5 }),
  kind: fc.constantFrom<SeriesKind>('gauge', 'state', 'text'),
  seals: fc.boolean(),
});

test('property: two batches of one registry have each of their series once, by its name, while series are forgotten', () => {
  fc.assert(
    fc.property(fc.array(point, { maxLength: 200 }), fc.integer({ min: 2, max: 80 }), (points, bound) => {
      const registry = new SeriesRegistry(bound);
      const open = [0, 1].map(() => new BatchSeries(registry));
      const expected: string[][] = [[], []];
      const check = (which: number): void => {
        const series = open[which]?.take() ?? [];
        assert.deepEqual(series.map(nameOf), expected[which]);
        // One that was forgotten meanwhile and came again is there as another object.
        assert.equal(new Set(series).size, series.length);
        expected[which] = [];
      };
      for (const { batch, device, metric, kind, seals } of points) {
        const one = open[batch] as BatchSeries;
        const index = one.place(`device ${device}`, `metric ${metric}`, kind);
        const name = `device ${device} metric ${metric} ${kind === 'text'}`;
        const names = expected[batch] as string[];
        if (index === names.length) names.push(name);
        assert.equal(names[index], name);
        assert.equal(nameOf(one.at(index)), name);
        assert.equal(one.at(index).kind, kind);
        if (seals && device === 0) check(batch);
      }
      check(0);
      check(1);
    }),
  );
});

test('property: no two series in memory have one place, and places are given out again', () => {
  fc.assert(
    fc.property(fc.array(point, { maxLength: 400 }), fc.integer({ min: 2, max: 40 }), (points, bound) => {
      const registry = new SeriesRegistry(bound);
      for (const [index, { device, metric, kind }] of points.entries()) {
        const one = registry.intern(`device ${device}`, `metric ${metric} ${index % 7}`, kind);
        const other = registry.intern('always', 'there', 'gauge');
        assert.notEqual(one.place, other.place);
        assert.ok(Math.max(one.place, other.place) < 2 * bound, `${one.place}, ${other.place} of ${bound}`);
      }
    }),
  );
});

test('a kind is that of the latest point, also where another batch was between', () => {
  const registry = new SeriesRegistry(2);
  const [one, other] = [new BatchSeries(registry), new BatchSeries(registry)];
  const index = one.place('pump', 'on', 'gauge');
  other.place('pump', 'on', 'state');
  one.place('pump', 'on', 'gauge');
  assert.equal(one.at(index).kind, 'gauge');
});

function nameOf({ deviceId, metricName, text }: Series): string {
  return `${deviceId} ${metricName} ${text}`;
}

test('each series has the route of the message that first brought it, though others come in the same batch', () => {
  const registry = new SeriesRegistry(100);
  const batch = new BatchSeries(registry);
  const bring = (route: string | null, ...metrics: string[]): void => {
    for (const metric of metrics) batch.place('d', metric, 'gauge');
    batch.setRoute(route);
  };
  bring('first', 'a', 'b');
  bring(null, 'c');
  bring('second', 'b', 'd');
  assert.deepEqual(routes(batch.take()), { a: 'first', b: 'first', c: null, d: 'second' });
  bring('third', 'c', 'a', 'e');
  assert.deepEqual(routes(batch.take()), { c: 'third', a: 'first', e: 'third' });
});

test('what is said of many series is told of each with what was known of it', () => {
  const batch = new BatchSeries(new SeriesRegistry(100));
  const say = (metric: string, meta: SeriesMeta): SeriesMeta => {
    const index = batch.place('d', metric, 'gauge');
    batch.describe(meta, 1);
    return batch.at(index).meta;
  };
  const [tags, unit] = [{ tags: { host: 'a' } }, { unit: 'K' }];
  assert.deepEqual([say('x', tags), say('y', tags)], [tags, tags]);
  assert.deepEqual(say('x', unit), { ...tags, ...unit });
  assert.deepEqual(say('z', unit), unit);
  assert.deepEqual(say('y', unit), { ...tags, ...unit });
});

function routes(series: readonly Series[]): Record<string, string | null> {
  return Object.fromEntries(series.map(({ metricName, route }) => [metricName, route]));
}
