import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseExpression, parsePath } from '../../../src/config/expression.ts';
import { evaluate, newScope, resolveText, walk } from '../../../src/decode/expression.ts';

const PAYLOAD = JSON.parse(
  '{"a":{"b":[10,{"c":20}]},"position.latitude":49.07,"switch:0":{"output":true},"__proto__":{"x":1},"q\\"":7}',
);
const ITEM = { a: 1 };
const KNOWN = { levels: ['area', 'device_id'], keys: 2, around: 2 };
const scopeOf = (payload: unknown, item: unknown) => ({
  ...newScope(),
  payload,
  item,
  captures: ['hall', 'pump'],
});

test('A path leads to a part of the payload or of the item', () => {
  const cases: [path: string, value: unknown][] = [
    ['$', PAYLOAD],
    ['@', ITEM],
    ['@.a', 1],
    ['$.a.b[0]', 10],
    ['$.a.b[1].c', 20],
    ['$["a"]["b"][1]["c"]', 20],
    ['$["position.latitude"]', 49.07],
    ['$.position\\.latitude', 49.07],
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
    assert.deepEqual(evaluate(parseExpression(path, KNOWN), scopeOf(PAYLOAD, ITEM)), value, path);
  }
});

test('A text is filled with levels of the topic and parts of the payload', () => {
  const resolve = (text: string) => evaluate(parseExpression(text, KNOWN), scopeOf(PAYLOAD, ITEM));
  assert.equal(resolve('constant'), 'constant');
  assert.equal(resolve('plant-{area}/{device_id}!'), 'plant-hall/pump!');
  assert.equal(resolve('{area}-{$.a.b[0]}-{@.a}-{$.switch:0.output}'), 'hall-10-1-true');
  assert.equal(resolve('{area}-{$.none}'), undefined);
  assert.equal(resolve('{area}-{$.a}'), undefined, 'an object is no text');
  assert.equal(resolve(''), '');
  const ofTopic = parseExpression('{device_id}@{area}', KNOWN);
  assert.equal(ofTopic.kind === 'text' && resolveText(ofTopic, ['hall', 'pump']), 'pump@hall');
});

test('Of a list the first that is there counts', () => {
  const first = (payload: unknown) =>
    evaluate(parseExpression(['$.ieee', '$.name', '{area}'], KNOWN), scopeOf(payload, payload));
  assert.equal(first({ ieee: '0x1', name: 'lamp' }), '0x1');
  assert.equal(first({ ieee: null, name: 'lamp' }), 'lamp');
  assert.equal(first({ ieee: '', name: 0 }), 0);
  assert.equal(first({}), 'hall');
});

test('A path with wildcards leads to many, each with what the wildcards took and what is around it', () => {
  const payload = { sites: { a: [{ n: 1 }, { n: 2 }], b: { x: { n: 3 } }, c: 4, d: [{}] } };
  const seen = (text: string, out: string) => {
    const scope = scopeOf(payload, payload);
    const found: unknown[] = [];
    const led = walk(parsePath(text), scope, (value) => {
      scope.item = value;
      found.push([value, [...scope.keys], evaluate(parsePath(out), scope)]);
    });
    assert.deepEqual([scope.keys, scope.around], [[], []]);
    return [led, found];
  };
  assert.deepEqual(seen('$.sites.*[*].n', '@^.n'), [
    true,
    [
      [1, ['a', 0], 1],
      [2, ['a', 1], 2],
      [3, ['b', 'x'], 3],
    ],
  ]);
  assert.deepEqual(seen('$.sites.a[*]', '@^'), [
    true,
    [
      [{ n: 1 }, [0], payload],
      [{ n: 2 }, [1], payload],
    ],
  ]);
  const { a } = payload.sites;
  assert.deepEqual(seen('$.sites[*][*]', '@^'), [
    true,
    [
      [a[0], ['a', 0], a],
      [a[1], ['a', 1], a],
      [payload.sites.b.x, ['b', 'x'], payload.sites.b],
      [{}, ['d', 0], payload.sites.d],
    ],
  ]);
  assert.deepEqual(seen('$.none.*', '@'), [false, []]);
  assert.deepEqual(seen('$.sites.c.*', '@'), [false, []]);
});
