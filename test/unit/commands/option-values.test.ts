import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InvalidArgumentError } from 'commander';
import { rate, tagged, wholeNumber } from '../../../src/commands/option-values.ts';

test('whole numbers within their limits', () => {
  const read = wholeNumber(1, 20);
  assert.equal(read('1'), 1);
  assert.equal(read('20'), 20);
  for (const text of ['0', '21', '-1', '1.5', '1e1', '', 'ten', ' 1']) {
    assert.throws(() => read(text), { message: 'Allowed: a whole number from 1 to 20.' }, text);
  }
});

test('rates', () => {
  assert.deepEqual(['0', '0.001', '2.5', '100000'].map(rate), [0, 0.001, 2.5, 100_000]);
  for (const text of ['-1', '0.0001', 'NaN', 'Infinity', ''])
    assert.throws(() => rate(text), InvalidArgumentError, text);
});

test('tags, several of them', () => {
  assert.deepEqual(tagged('url:a:b', tagged('site:')), { site: '', url: 'a:b' });
  for (const text of ['site', ':x', '']) assert.throws(() => tagged(text), InvalidArgumentError, text);
});
