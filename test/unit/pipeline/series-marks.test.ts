import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeriesMarks } from '../../../src/pipeline/series-marks.ts';
import { SeriesRegistry } from '../../../src/pipeline/series-registry.ts';

test('Has the series that were added since it was cleared, of however many there are', () => {
  const registry = new SeriesRegistry(10_000);
  const all = Array.from({ length: 5_000 }, (_, index) => registry.intern(`d${index}`, 'x', 'gauge'));
  const marks = new SeriesMarks();
  for (const some of [3, 7]) {
    marks.clear();
    const wanted = all.filter((_, index) => index % some === 0);
    for (const series of wanted) marks.add(series);
    assert.deepEqual(
      all.filter((series) => marks.has(series)),
      wanted,
    );
  }
});
