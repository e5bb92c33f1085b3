import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { TextMap } from '../../src/text-map.ts';

const text = fc.oneof(
  fc.integer({ min: 0, max: 9 }).map(String),
  fc.integer({ min: 0, max: 3_000 }).map((index) => `${index}${' alike'.repeat(12)}`),
  fc.string({ unit: 'grapheme', maxLength: 3 }),
);
const change = fc.tuple(text, fc.option(fc.nat()));

test('property: holds what a Map holds, be they few or thousands', () => {
  const held = fc.integer({ min: 0, max: 1_500 });
  fc.assert(
    fc.property(held, fc.array(change, { maxLength: 100 }), (before, changes) => {
      const map = new TextMap<number>();
      const expected = new Map<string, number>();
      for (let index = 0; index < before; index++) {
        map.set(`name ${index}`, index);
        expected.set(`name ${index}`, index);
      }
      for (const [key, value] of changes) {
        if (value === null) {
          map.delete(key);
          expected.delete(key);
        } else {
          map.set(key, value);
          expected.set(key, value);
        }
        assert.equal(map.get(key), expected.get(key));
        assert.equal(map.size, expected.size);
      }
      for (const [key, value] of expected) assert.equal(map.get(key), value);
      assert.deepEqual(new Map(map), expected);
    }),
    { numRuns: 50 },
  );
});
