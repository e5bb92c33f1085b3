import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeriesRegistry } from '../../../src/pipeline/series-registry.ts';

test('one object a series, whatever the order', () => {
  const registry = new SeriesRegistry(100);
  const first = registry.intern('boiler', 'temperature', 'gauge');
  registry.intern('boiler', 'pressure', 'gauge');
  registry.intern('pump', 'temperature', 'gauge');
  assert.equal(registry.intern('boiler', 'temperature', 'gauge'), first);
  assert.deepEqual(first, {
    deviceId: 'boiler',
    metricName: 'temperature',
    text: false,
    kind: 'gauge',
    id: undefined,
    storedKind: undefined,
    latestText: undefined,
  });
  assert.equal(registry.size, 3);
});

test('no two names run together', () => {
  const registry = new SeriesRegistry(100);
  assert.notEqual(registry.intern('a', 'b/c', 'gauge'), registry.intern('a/b', 'c', 'gauge'));
  assert.notEqual(registry.intern('', 'ab', 'gauge'), registry.intern('ab', '', 'gauge'));
  assert.equal(registry.intern('__proto__', 'constructor', 'gauge').deviceId, '__proto__');
});

test('text is a series of its own; a number that changes its kind is not', () => {
  const registry = new SeriesRegistry(100);
  const number = registry.intern('door', 'state', 'state');
  const text = registry.intern('door', 'state', 'text');
  assert.notEqual(number, text);
  assert.equal(text.text, true);
  assert.equal(registry.intern('door', 'state', 'gauge'), number);
  assert.equal(number.kind, 'gauge');
  assert.equal(text.kind, 'text');
});

test('what is in use stays, what is not is forgotten', () => {
  const registry = new SeriesRegistry(10);
  const used = registry.intern('used', 'x', 'gauge');
  const unused = registry.intern('unused', 'x', 'gauge');
  for (let index = 0; index < 100; index++) {
    registry.intern(`new ${index}`, 'x', 'gauge');
    assert.equal(registry.intern('used', 'x', 'gauge'), used);
  }
  assert.notEqual(registry.intern('unused', 'x', 'gauge'), unused);
});

for (const [what, deviceOf] of [
  ['a device that invents metrics', () => 'one'],
  ['a few devices that invent metrics', (index: number) => `device ${index % 3}`],
  ['ever new devices', (index: number) => `device ${index}`],
] as const) {
  test(`holds its bound against ${what}`, () => {
    const bound = 40;
    const registry = new SeriesRegistry(bound);
    const held: WeakRef<object>[] = [];
    for (let index = 0; index < 5_000; index++) {
      held.push(new WeakRef(registry.intern(deviceOf(index), `metric ${index}`, 'gauge')));
      assert.ok(registry.size <= 2 * bound, `${registry.size} series after ${index + 1}`);
    }
    // Whatever `size` says: those that are found again are those that are held.
    const before = new Set(held.map((reference) => reference.deref()));
    let found = 0;
    for (let index = 4_999; index >= 5_000 - 4 * bound; index--) {
      if (before.has(registry.intern(deviceOf(index), `metric ${index}`, 'gauge'))) found++;
    }
    assert.ok(found <= 2 * bound, `${found} series were still held`);
  });
}
