import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { compileWords, readNumeral, readWord } from '../../../src/decode/scalar.ts';

test('A numeral is a decimal number, nothing else that JavaScript takes for one', () => {
  const cases: [text: string, number: number][] = [
    ['21.5', 21.5],
    ['-3e2', -300],
    ['+5', 5],
    ['.5', 0.5],
    ['5.', 5],
    ['007', 7],
    ['1E-3', 0.001],
    ['-0', -0],
    ['1e999', Number.POSITIVE_INFINITY],
    ['-1e999', Number.NEGATIVE_INFINITY],
    ['5e-324', 5e-324],
    ['9007199254740993', 9_007_199_254_740_992],
  ];
  for (const [text, number] of cases) {
    assert.equal(readNumeral(text), number, text);
  }
  const others = [
    '',
    '-',
    '.',
    '0x10',
    '0b1',
    '0o7',
    '0X1F',
    '1_000',
    '1,5',
    '21.5 C',
    '12:30',
    '1n',
    'Infinity',
    '+Infinity',
  ];
  for (const text of [...others, '-Infinity', 'NaN', 'e5', '1e', '--1', '2024-01-01', '٣']) {
    assert.ok(Number.isNaN(readNumeral(text)), text);
  }
});

test('Every double is read as it was written', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (number) => {
      assert.equal(readNumeral(Object.is(number, -0) ? '-0' : String(number)), number);
      assert.equal(readNumeral(number.toExponential()), Number(number.toExponential()));
    }),
  );
});

test('Words go by lower case; those of the route come before nan and inf', () => {
  const words = compileWords({
    null_words: ['N/A', 'inf'],
    booleans: { true: ['ON', 'offen'], false: ['zu'] },
  });
  assert.deepEqual(readWord(words, 'on'), { value: 1, kind: 'state' });
  assert.deepEqual(readWord(words, 'OFFEN'), { value: 1, kind: 'state' });
  assert.deepEqual(readWord(words, 'Zu'), { value: 0, kind: 'state' });
  assert.deepEqual(readWord(words, '-nan'), { value: Number.NaN, kind: 'gauge' });
  assert.deepEqual(readWord(words, '-Infinity'), { value: Number.NEGATIVE_INFINITY, kind: 'gauge' });
  assert.equal(readWord(words, 'n/a'), null);
  assert.equal(readWord(words, 'inf'), null);
  assert.equal(readWord(words, 'off'), undefined);
  assert.equal(words.numerals, false);
  assert.equal(compileWords({ null_words: ['-127'], booleans: { true: [], false: [] } }).numerals, true);
});
