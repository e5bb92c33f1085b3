import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { bitsOf, packBits, unpackBits } from '../../../src/segments/bits.ts';

const codes = fc
  .integer({ min: 1, max: 52 })
  .chain((width) => fc.tuple(fc.constant(width), fc.array(fc.integer({ min: 0, max: 2 ** width - 1 }))));

suite('bits', () => {
  test('property: codes of every width come back', () => {
    fc.assert(
      fc.property(codes, ([width, list]) => {
        const packed = packBits(Float64Array.from(list), width);
        assert.equal(packed.length, Math.ceil((list.length * width) / 8));
        assert.deepEqual([...unpackBits(packed, list.length, width)], list);
      }),
    );
  });

  test('the most significant bit comes first', () => {
    assert.deepEqual([...packBits(Float64Array.of(1, 2, 3, 4, 5), 3)], [0b00101001, 0b11001010]);
    assert.deepEqual([...packBits(Float64Array.of(2 ** 51 + 1), 52)], [0x80, 0, 0, 0, 0, 0, 0x10]);
  });

  test('the width of a number', () => {
    const numbers = [0, 1, 2, 255, 256, 2 ** 32 - 1, 2 ** 32, 2 ** 52, 2 ** 53 - 1];
    assert.deepEqual(numbers.map(bitsOf), [0, 1, 2, 8, 9, 32, 33, 53, 53]);
  });
});
