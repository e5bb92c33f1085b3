import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { changedMeta, mergedMeta } from '../../../src/pipeline/series-meta.ts';

const meta = fc.record(
  {
    unit: fc.constantFrom('Cel', 'K'),
    tags: fc.dictionary(fc.constantFrom('a', 'b', '__proto__'), fc.constantFrom('1', '2'), {
      noNullPrototype: true,
    }),
    deviceName: fc.constantFrom('x', 'y'),
  },
  { requiredKeys: [] },
);

test('property: what is said overrides key by key, what is not stays', () => {
  fc.assert(
    fc.property(meta, meta, (known, said) => {
      const merged = mergedMeta(known, said);
      assert.equal(merged.unit, said.unit ?? known.unit);
      assert.equal(merged.deviceName, said.deviceName ?? known.deviceName);
      assert.deepEqual(merged.tags ?? {}, said.tags ?? known.tags ?? {});
      assert.equal(mergedMeta(merged, { ...said }), merged, 'the same again is the same object');
    }),
  );
});

test('property: of what is known, what is not in another is what makes the one of the other', () => {
  fc.assert(
    fc.property(meta, meta, (before, said) => {
      const known = mergedMeta(before, said);
      const again = mergedMeta(before, changedMeta(before, known));
      assert.deepEqual({ ...again, tags: again.tags ?? {} }, { ...known, tags: known.tags ?? {} });
      assert.deepEqual(changedMeta(known, known), {});
    }),
  );
});
