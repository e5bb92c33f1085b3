import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decode, DEFAULT_ROUTES, valuesOf } from '../decoding.ts';

test('What begins like an object or array is JSON, all else a scalar', () => {
  assert.deepEqual(valuesOf(' \n{"value":21.5}'), [[21.5, 'gauge']]);
  assert.deepEqual(valuesOf('[{"value":1},{"value":2}]').length, 2);
  assert.deepEqual(valuesOf('"on"'), [[1, 'state']]);
  assert.deepEqual(valuesOf('"torn'), [['"torn', 'text']]);
  assert.deepEqual(valuesOf('true'), [[1, 'state']]);
  assert.deepEqual(valuesOf('null'), []);
  assert.deepEqual(valuesOf('a [note]'), [['a [note]', 'text']]);
});

test('Broken JSON is never taken for text', () => {
  for (const payload of ['{21.5}', '[', ' {"value":1', '[INFO] started']) {
    const { rows, rejects } = decode(DEFAULT_ROUTES, 'devices/d/m', payload);
    assert.deepEqual(rows, []);
    assert.deepEqual(
      rejects.map(({ code }) => code),
      ['payload_not_json'],
    );
  }
});
