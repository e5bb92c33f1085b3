import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expressionMistake } from '../../../src/config/expression.ts';
import { follow, parseExpression, parsePath, resolveText } from '../../../src/decode/expression.ts';

const PAYLOAD = JSON.parse(
  '{"a":{"b":[10,{"c":20}]},"position.latitude":49.07,"switch:0":{"output":true},"__proto__":{"x":1},"q\\"":7}',
);
const ITEM = { a: 1 };

test('A path leads to a part of the payload or of the item', () => {
  const cases: [path: string, value: unknown][] = [
    ['$', PAYLOAD],
    ['@', ITEM],
    ['@.a', 1],
    ['$.a.b[0]', 10],
    ['$.a.b[1].c', 20],
    ['$["a"]["b"][1]["c"]', 20],
    ['$["position.latitude"]', 49.07],
    ['$.switch:0.output', true],
    ['$["q\\""]', 7],
    ['$.__proto__.x', 1],
    ['$.a.b[2]', undefined],
    ['$.a.b.length', undefined],
    ['$.a[0]', undefined],
    ['$.none.at.all', undefined],
    ['$.a.constructor', undefined],
    ['@.a.b', undefined],
  ];
  for (const [path, value] of cases) {
    assert.deepEqual(follow(parsePath(path), PAYLOAD, ITEM), value, path);
  }
});

test('A text is filled with levels of the topic', () => {
  const resolve = (text: string) => {
    const expression = parseExpression(text, ['area', 'device_id']);
    return expression.kind === 'text' ? resolveText(expression, ['hall', 'pump']) : null;
  };
  assert.equal(resolve('constant'), 'constant');
  assert.equal(resolve('{device_id}'), 'pump');
  assert.equal(resolve('plant-{area}/{device_id}!'), 'plant-hall/pump!');
  assert.equal(resolve(''), '');
  assert.equal(resolve('$.a'), null);
});

test('What is no expression is refused, here as in the configuration', () => {
  const wrong = [
    '$a',
    '$.',
    '$..a',
    '$.a[',
    '$.a[-1]',
    '$.a[x]',
    "$['a']",
    '$["a]',
    '@x',
    '{none}',
    '{a',
    'a}',
    '$["\\q"]',
    '$.a"["\\u12"]',
  ];
  for (const text of wrong) {
    assert.throws(() => parseExpression(text, ['a']), Error, text);
    assert.notEqual(expressionMistake(text, ['a']), null, text);
  }
  assert.throws(() => parsePath('a.b'), /not a path/);
});
