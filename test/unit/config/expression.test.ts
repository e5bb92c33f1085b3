import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  ANY,
  type Expression,
  isOfTopic,
  parseExpression,
  parsePath,
  type Vocabulary,
} from '../../../src/config/expression.ts';

const NONE: Vocabulary = { levels: [], keys: 0, around: 0 };

test('paths', () => {
  const steps = (text: string) => parsePath(text).steps;
  assert.deepEqual(steps('$'), []);
  assert.deepEqual(steps('@.a.b[0]'), ['a', 'b', 0]);
  assert.deepEqual(steps('$["any key"]["a.b"][12]'), ['any key', 'a.b', 12]);
  assert.deepEqual(steps('$["a\\"]"].c'), ['a"]', 'c']);
  assert.deepEqual(steps('$.position\\.latitude.switch:0'), ['position.latitude', 'switch:0']);
  assert.deepEqual(steps('$.*.power[*].\\*'), [ANY, 'power', ANY, '*']);
  assert.equal(parsePath('@^^.id').out, 2);
  for (const path of [
    'a',
    '$a',
    '$.',
    '$[',
    '$[x]',
    "$['a']",
    '$["a]',
    '$["\\x"]',
    '$.a b',
    '$..a',
    '$^',
    '@[-1]',
    '$.a\\',
  ]) {
    assert.throws(() => parsePath(path), /^Error: is no path/, path);
  }
});

test('any keys, escaped, are the steps of a path again', () => {
  const step = fc.oneof(fc.string({ minLength: 1 }), fc.nat({ max: 99 }));
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const quoted = steps.map((step) => `[${JSON.stringify(step)}]`).join('');
      assert.deepEqual(parsePath(`$${quoted}`).steps, steps);
      const keys = steps.filter((step) => typeof step === 'string' && !/\s/.test(step));
      const escaped = keys.map((key) => `.${String(key).replaceAll(/[^a-z]/gu, '\\$&')}`).join('');
      assert.deepEqual(parsePath(`$${escaped}`).steps, keys);
    }),
  );
});

test('texts name only what there is', () => {
  const holes = (text: string, known: Partial<Vocabulary>) => {
    const expression = parseExpression(text, { ...NONE, ...known });
    return expression.kind === 'text' ? expression.holes.map(({ kind }) => kind) : null;
  };
  const levels = ['area', 'id'];
  assert.deepEqual(holes('plant-{area}/{id}', { levels }), ['level', 'level']);
  assert.deepEqual(holes('{$.a}{@.b[0]}{key}{key^}', { keys: 2 }), ['path', 'path', 'key', 'key']);
  assert.deepEqual(holes('{metric_name}{2}', { stars: 2 }), ['metric', 'star']);
  const wrong: [text: string, known: Partial<Vocabulary>, message: RegExp][] = [
    ['plant-{aera}', { levels }, /^has \{aera\}, but there is only \{area\}, \{id\}$/],
    ['{x}', {}, /^has \{x\}, but its topic names no level$/],
    ['plant-{area', { levels }, /^has a brace without its partner$/],
    ['{key^}', { keys: 1 }, /there is only \{key\}/],
    ['{metric_name}', { levels }, /has \{metric_name\}/],
    ['{3}', { stars: 2 }, /there is only \{metric_name\}, \{1\}, \{2\}/],
    ['{$.a[*]}', {}, /wildcard/],
    ['{@^.a}', {}, /too far out in @\^.a, without each/],
    ['@^^.a', { keys: 1, around: 1 }, /too far out in @\^\^.a, where each ends with @\^$/],
    ['$.*', {}, /wildcard/],
  ];
  for (const [text, known, message] of wrong) {
    assert.throws(() => parseExpression(text, { ...NONE, ...known }), { message }, text);
  }
  assert.throws(() => parseExpression([], NONE), /empty list/);
});

test('what the topic alone tells', () => {
  const told = (text: string | string[]) =>
    isOfTopic(parseExpression(text, { levels: ['a'], keys: 1, around: 1 }) satisfies Expression);
  assert.deepEqual(['x', '{a}', '{a}-{key}', '{$.a}', '$.a'].map(told), [true, true, false, false, false]);
  assert.equal(told(['$.a', '{a}']), false);
});
