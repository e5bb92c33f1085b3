import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { ByteTable } from '../../../../src/decode/formats/byte-table.ts';

test('property: finds by bytes what was added by them, whatever their hashes', () => {
  const keys = fc.uniqueArray(fc.uint8Array({ minLength: 1, maxLength: 6 }), {
    maxLength: 200,
    selector: (key) => Buffer.from(key).toString('latin1'),
  });
  fc.assert(
    fc.property(keys, fc.constantFrom(1, 3, 2 ** 31), (all, hashes) => {
      const table = new ByteTable<number>();
      const bytes = Buffer.concat(all);
      let start = 0;
      const places = all.map((key, index) => {
        const place = { start, end: (start += key.length), hash: ((index * 0x9e37_79b9) % hashes) | 0 };
        return place;
      });
      for (const [index, { start: from, end, hash }] of places.entries()) {
        assert.equal(table.get(bytes, from, end, hash), undefined);
        table.add(bytes.toString('latin1', from, end), hash, index);
      }
      for (const [index, { start: from, end, hash }] of places.entries()) {
        assert.equal(table.get(bytes, from, end, hash), index);
      }
    }),
  );
});
