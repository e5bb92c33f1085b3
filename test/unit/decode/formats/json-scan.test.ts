import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { scanJson } from '../../../../src/decode/formats/json-scan.ts';

const MOST = { nesting: 9, items: 1_000, values: 1_000, keys: 1_000 };

test('Depth is that of the JSON value, strings do not count', () => {
  const depth = (value: unknown): number =>
    typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depth)) : 0;
  fc.assert(
    fc.property(fc.json({ maxDepth: 7 }), fc.integer({ min: 0, max: 6 }), (text, limit) => {
      assert.equal(scanJson(text, { ...MOST, nesting: limit }).tooDeep, depth(JSON.parse(text)) > limit);
    }),
  );
  assert.equal(scanJson('"[[[\\"[[["', { ...MOST, nesting: 0 }).tooDeep, false);
  assert.equal(scanJson('["\\\\",[', { ...MOST, nesting: 1 }).tooDeep, true);
});

test('Values and objects are counted, those in strings are none', () => {
  const count = (value: unknown): [values: number, items: number] =>
    typeof value === 'object' && value !== null
      ? Object.values(value)
          .map(count)
          .reduce(([values, items], [more, inner]) => [values + more, items + inner], [1, 1])
      : [1, 0];
  fc.assert(
    fc.property(fc.json({ maxDepth: 5 }), (text) => {
      const [values, items] = count(JSON.parse(text));
      const traits = scanJson(text, MOST);
      assert.equal(traits.items, items);
      assert.ok(traits.values >= values);
    }),
  );
  assert.equal(scanJson('[",,[{",1]', MOST).values, 3);
});

test('Long integers are those that a double may not hold', () => {
  const long = (text: string) => scanJson(text, MOST).longIntegers;
  assert.equal(long('{"t":1465839830100400200}'), true);
  assert.equal(long('[-9007199254740993]'), true);
  assert.equal(long('{"t":1700000000123456}'), false, 'microseconds');
  assert.equal(long('[0.30000000000000004, 21.123456789012345678]'), false, 'a fraction');
  assert.equal(long('{"id":"12345678901234567890"}'), false, 'a string');
  assert.equal(long('[1234567890,1234567890]'), false, 'two numbers');
});

test('Different keys are counted, whatever is between them and the colon, and no value is one', () => {
  const keys = (text: string, most = MOST.keys) => scanJson(text, { ...MOST, keys: most }).keys;
  assert.equal(keys('[{"a":1,"b":"c"},{"a" \n:2,"\\"a":"b"},["a","d"]]'), 3);
  const many = Array.from({ length: 500 }, (_, index) => `"k${index}":{"k${index}":1}`);
  assert.equal(keys(`{${many.join(',')}}`), 500);
  assert.equal(keys(`{${many.join(',')}}`, 99), 100, 'enough is known');
  const used = fc.uniqueArray(fc.string(), { maxLength: 50 });
  fc.assert(
    fc.property(used, (names) => {
      const object = Object.fromEntries(names.map((name) => [name, names]));
      assert.equal(keys(JSON.stringify([object, object])), names.length);
    }),
  );
});

test('What is beyond the budget ends the look', () => {
  assert.equal(scanJson('[{},{},{},{},{}]', { ...MOST, items: 3 }).items, 4);
  assert.equal(scanJson('[{},{}]', { ...MOST, items: 3 }).items, 3);
  assert.equal(scanJson('[1,2,3,4,5,6,7,8,9]', { ...MOST, values: 5 }).values, 6);
  assert.equal(scanJson('[1,2,3,4]', { ...MOST, values: 5 }).values, 5);
});
