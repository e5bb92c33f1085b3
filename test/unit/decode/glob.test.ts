import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { compileGlobs } from '../../../src/decode/glob.ts';

const takes = (include: string[], exclude: string[], name: string) => compileGlobs(include, exclude)?.(name);

test('Without globs there is nothing to ask', () => {
  assert.equal(compileGlobs([], []), null);
});

test('A name is taken by an include, or where there is none, and by no exclude', () => {
  assert.equal(takes(['temp*', 'humidity'], [], 'temperature'), true);
  assert.equal(takes(['temp*', 'humidity'], [], 'humidity'), true);
  assert.equal(takes(['temp*', 'humidity'], [], 'pressure'), false);
  assert.equal(takes([], ['*_raw'], 'a_raw'), false);
  assert.equal(takes([], ['*_raw'], 'a_raw_b'), true);
  assert.equal(takes(['a*'], ['*z'], 'az'), false);
  assert.equal(takes(['ENERGY.*'], [], 'ENERGYX'), false);
  assert.equal(takes(['*'], [], 'any\nthing'), true);
  assert.equal(takes(['ab*ba'], [], 'aba'), false);
  assert.equal(takes(['*a*b*'], [], 'xxbxaxb'), true);
  assert.equal(takes(['*ab*ab'], [], 'ab'), false);
});

test('Globs agree with regular expressions', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 6 });
  const name = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 8 });
  fc.assert(
    fc.property(text, name, (glob, candidate) => {
      const expected = new RegExp(`^${glob.replaceAll('*', '.*')}$`).test(candidate);
      assert.equal(takes([glob], [], candidate), expected);
    }),
  );
});
