import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { SeriesRegistry } from '../../../src/pipeline/series-registry.ts';
import type { Series, SeriesKind } from '../../../src/pipeline/types.ts';
import { SeriesIds } from '../../../src/postgres/series-ids.ts';

/** A series' object, another one each time. */
function seriesOf(device: string, metric: string, kind: SeriesKind = 'gauge') {
  return new SeriesRegistry(10).intern(device, metric, kind);
}

/** What is known of a series with these names; null: nothing. */
function found(
  ids: SeriesIds,
  series: Series,
): { id: number | undefined; kind: SeriesKind | undefined } | null {
  return ids.recall(series) ? { id: series.id, kind: series.storedKind } : null;
}

test('answers as a map by names would, whatever was kept and forgotten in between', () => {
  const name = fc.constantFrom('', 'a', 'ab', 'b', 'é', '1', 'a1');
  const step = fc.record({
    does: fc.constantFrom('keep', 'keep', 'forget', 'clear'),
    device: name,
    metric: name,
    kind: fc.constantFrom<SeriesKind>('gauge', 'counter', 'state', 'text'),
    id: fc.integer({ min: 1, max: 2 ** 30 - 2 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const ids = new SeriesIds();
      const model = new Map<string, { id: number; kind: SeriesKind }>();
      for (const { does, device, metric, kind, id } of steps) {
        const series = seriesOf(device, metric, kind);
        const key = JSON.stringify([device, metric, series.text]);
        if (does === 'keep') {
          ids.keep(series, id, kind);
          model.set(key, { id, kind });
        } else if (does === 'forget') {
          ids.forget(series);
          model.delete(key);
        } else if (model.size > 20) {
          ids.clear();
          model.clear();
        }
        assert.deepEqual(found(ids, series), model.get(key) ?? null);
      }
      for (const [key, kept] of model) {
        const [device, metric, text] = JSON.parse(key) as [string, string, boolean];
        assert.deepEqual(found(ids, seriesOf(device, metric, text ? 'text' : 'gauge')), kept);
      }
    }),
  );
});

test('knows many of them again', () => {
  const ids = new SeriesIds();
  for (let id = 1; id <= 20_000; id++) ids.keep(seriesOf(`device-${id}`, 'x'), id, 'counter');
  assert.equal(ids.size, 20_000);
  for (let id = 1; id <= 20_000; id++) {
    assert.deepEqual(found(ids, seriesOf(`device-${id}`, 'x')), { id, kind: 'counter' });
  }
  assert.equal(found(ids, seriesOf('device-0', 'x')), null);
});

test('stays within its bound', () => {
  const ids = new SeriesIds(100);
  for (let id = 1; id <= 1_000; id++) {
    ids.keep(seriesOf(`device-${id}`, 'x'), id, 'gauge');
    assert.ok(ids.size <= 100);
    assert.deepEqual(found(ids, seriesOf(`device-${id}`, 'x')), { id, kind: 'gauge' });
  }
});

test('leaves ids that are too large for it to the database', () => {
  const ids = new SeriesIds();
  ids.keep(seriesOf('pump', 'x'), 2 ** 30 - 2, 'state');
  assert.deepEqual(found(ids, seriesOf('pump', 'x')), { id: 2 ** 30 - 2, kind: 'state' });
  ids.keep(seriesOf('pump', 'x'), 2 ** 30 - 1, 'state');
  assert.equal(found(ids, seriesOf('pump', 'x')), null);
});
