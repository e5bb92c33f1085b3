import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { expressionMistake, pathMistake } from '../../../src/config/expression.ts';
import { parseExpression, parsePath } from '../../../src/decode/expression.ts';

test('paths', () => {
  for (const path of ['$', '@', '$.a', '@.a.b[0]', '$["any key"]', '$["a\\"]"][12].c']) {
    assert.equal(pathMistake(path), null, path);
  }
  for (const path of ['a', '$a', '$.', '$[', '$[x]', "$['a']", '$["a]', '$["\\x"]', '$.a b']) {
    assert.match(pathMistake(path) ?? '', /no path/, path);
  }
});

test('texts name only levels of their topic', () => {
  assert.equal(expressionMistake('plant-{area}/{id}', ['area', 'id']), null);
  assert.match(expressionMistake('plant-{aera}', ['area']) ?? '', /\{aera\}, no level/);
  assert.match(expressionMistake('plant-{area', ['area']) ?? '', /brace/);
});

test('the decoder takes exactly the expressions that the configuration takes', () => {
  const part = fc.constantFrom(
    '$',
    '@',
    '.a',
    '.',
    '[0]',
    '[',
    '["k"]',
    '["\\u12"]',
    '"',
    '{x}',
    '{y}',
    '{',
    '}',
    'b',
    ' ',
  );
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 5 }), (parts) => {
      const text = parts.join('');
      assert.equal(
        expressionMistake(text, ['x']) === null,
        isTaken(() => parseExpression(text, ['x'])),
        text,
      );
      assert.equal(
        pathMistake(text) === null,
        isTaken(() => parsePath(text)),
        text,
      );
    }),
    { numRuns: 2000 },
  );
});

function isTaken(parse: () => unknown): boolean {
  try {
    parse();
    return true;
  } catch {
    return false;
  }
}
