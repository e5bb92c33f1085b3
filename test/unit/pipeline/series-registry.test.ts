import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeriesRegistry } from '../../../src/pipeline/series-registry.ts';

test('one object a series, whatever the order', () => {
  const registry = new SeriesRegistry(100);
  const first = registry.intern('boiler', 'temperature', 'gauge');
  const second = registry.intern('boiler', 'pressure', 'gauge');
  registry.intern('pump', 'temperature', 'gauge');
  assert.equal(registry.intern('boiler', 'temperature', 'gauge'), first);
  assert.deepEqual(first, {
    deviceId: 'boiler',
    metricName: 'temperature',
    text: false,
    place: 0,
    next: second,
    holds: 0,
    kind: 'gauge',
    route: null,
    id: undefined,
    storedKind: undefined,
    described: null,
    describedAt: null,
    meta: {},
    storedMeta: undefined,
    latestText: undefined,
    mixed: false,
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

for (const [what, devices] of [
  ['a device that invents metrics', 1],
  ['devices in use that invent metrics', 3],
  ['ever new devices', 5_000],
] as const) {
  test(`holds its bound against ${what}`, () => {
    const bound = 40;
    const registry = new SeriesRegistry(bound);
    const created = Array.from({ length: 5_000 }, (_, index) => {
      for (let other = 0; other < Math.min(devices, 10); other++)
        registry.intern(`${other}`, 'used', 'gauge');
      const series = registry.intern(`${index % devices}`, `metric ${index}`, 'gauge');
      assert.ok(registry.size < 2 * bound, `${registry.size} series after ${index}`);
      return series;
    });
    // Newest first: whatever is still held is found before a new one takes its place.
    const again = created.map((_, index) => 4_999 - index).slice(0, 6 * bound);
    const held = again.filter(
      (index) => registry.intern(`${index % devices}`, `metric ${index}`, 'gauge') === created[index],
    );
    assert.ok(held.length > 0 && held.length < 2 * bound, `${held.length} series were held`);
  });
}
