import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { NumberRoom } from '../../../src/decode/number-room.ts';

test('property: what was taken stays until the room is cleared, however much that is', () => {
  const room = new NumberRoom();
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 20_000 }), { maxLength: 6 }), (lengths) => {
      room.clear();
      const taken = lengths.map((length, mark) => room.take(length).fill(mark));
      for (const [mark, numbers] of taken.entries()) {
        assert.equal(numbers.length, lengths[mark]);
        assert.ok(numbers.every((number) => number === mark));
      }
    }),
    { numRuns: 50 },
  );
});

test('a room that was cleared is used again', () => {
  const room = new NumberRoom();
  const { buffer } = room.take(1_000);
  assert.notEqual(room.take(40_000).buffer, buffer);
  room.clear();
  assert.equal(room.take(1_000).buffer, buffer);
});
