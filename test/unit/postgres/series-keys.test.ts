import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeriesRegistry } from '../../../src/pipeline/series-registry.ts';
import { SeriesKeys } from '../../../src/postgres/series-keys.ts';

const NAMES = ['', 'a', 'ab', 'b', 'da', 'na', 'é', 'ta'];

/** Of each device, metric and kind of value among the names, in order. */
function keysOf(keys: SeriesKeys): string[] {
  const registry = new SeriesRegistry(1_000);
  return NAMES.flatMap((device) =>
    NAMES.flatMap((metric) =>
      (['gauge', 'text'] as const).map((kind) => {
        const { low, high } = keys.of(registry.intern(device, metric, kind));
        return `${low} ${high}`;
      }),
    ),
  );
}

test('A series has one key, which no other one has', () => {
  const keys = new SeriesKeys();
  const first = keysOf(keys);
  assert.equal(new Set(first).size, NAMES.length ** 2 * 2);
  assert.deepEqual(keysOf(keys), first);
});

test('Nobody knows the keys beforehand', () => {
  const first = new Set(keysOf(new SeriesKeys()));
  assert.deepEqual(
    keysOf(new SeriesKeys()).filter((key) => first.has(key)),
    [],
  );
});
