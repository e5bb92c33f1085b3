import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { BoundedMap } from '../../src/bounded-map.ts';

test('keeps the entries whose keys came last, whatever was set in between', () => {
  const key = fc.integer({ min: 0, max: 9 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 8 }), fc.array(key, { maxLength: 100 }), (most, keys) => {
      const map = new BoundedMap<number, number>(most);
      const model: [key: number, value: number][] = [];
      for (const [value, one] of keys.entries()) {
        map.set(one, value);
        const known = model.find(([before]) => before === one);
        if (known !== undefined) known[1] = value;
        else if (model.push([one, value]) > most) model.shift();
        const kept = new Map(model);
        for (let other = 0; other < 10; other++) assert.equal(map.get(other), kept.get(other));
      }
    }),
  );
});
