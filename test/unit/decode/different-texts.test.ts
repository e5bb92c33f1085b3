import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { DifferentTexts } from '../../../src/decode/different-texts.ts';
import { hashOf } from '../../../src/decode/text-hash.ts';

test('property: counts each text once', () => {
  const texts = new DifferentTexts();
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 3, unit: 'binary' })), (added) => {
      texts.clear();
      for (const text of added) texts.add(text);
      assert.equal(texts.size, new Set(added).size);
    }),
  );
});

test('counts on beyond its first room, and from nothing once it is cleared', () => {
  const texts = new DifferentTexts();
  for (let round = 0; round < 2; round++) {
    for (let index = 0; index < 20_000; index++) {
      texts.add(`sensor-${index % 10_000}`);
    }
    // Two of them are taken for one another in one run of a hundred.
    assert.ok(texts.size > 9_990 && texts.size <= 10_000, `${texts.size}`);
    texts.clear();
    assert.equal(texts.size, 0);
  }
});

test('a text is the same by its hash, and zero is a hash as others are', () => {
  const texts = new DifferentTexts();
  texts.add('a');
  texts.addHash(hashOf('a'));
  assert.equal(texts.size, 1);
  texts.addHash(0);
  texts.addHash(0);
  assert.equal(texts.size, 2);
});
