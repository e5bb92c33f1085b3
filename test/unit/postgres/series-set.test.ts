import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { SeriesSet } from '../../../src/postgres/series-set.ts';

test('property: it has what was added and nothing else, ids beyond 32 bits too', () => {
  const id = fc.oneof(fc.nat(20_000), fc.maxSafeNat());
  fc.assert(
    fc.property(fc.array(id), fc.array(id), (added, asked) => {
      const set = new SeriesSet();
      for (const one of added) set.add(one);
      for (const one of [...added, ...asked, ...added.map((other) => other + 1)]) {
        assert.equal(set.has(one), added.includes(one));
      }
    }),
  );
});
