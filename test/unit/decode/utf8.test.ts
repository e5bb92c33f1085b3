import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { DEFAULT_ROUTES, decode } from './decoding.ts';

test('The first byte that is not UTF-8 is named, wherever it is', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 5_000 }),
      fc.constantFrom('x', 'é', '€', '🌡'),
      fc.constantFrom('ff', 'c3', 'e282', 'eda080'),
      (length, character, wrong) => {
        const before = Buffer.from(character.repeat(length));
        const payload = Buffer.concat([before, Buffer.from(wrong, 'hex'), Buffer.from('after')]);
        const { rejects } = decode(DEFAULT_ROUTES, 'devices/a/b', payload);
        const detail = `$: invalid UTF-8 at byte ${before.length}`;
        assert.deepEqual(rejects, [{ code: 'payload_not_utf8', detail }]);
      },
    ),
  );
});
