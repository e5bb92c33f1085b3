import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decode, LIMITS, makeRoute, valuesOf } from '../decoding.ts';

const value = (payload: string, overrides = {}) => valuesOf(payload, { format: 'value', ...overrides });

test('A payload is one number, word or text', () => {
  assert.deepEqual(value('21.5'), [[21.5, 'gauge']]);
  assert.deepEqual(value(' 21.5\r\n'), [[21.5, 'gauge']]);
  assert.deepEqual(value('-3e2'), [[-300, 'gauge']]);
  assert.deepEqual(value('nan'), [[Number.NaN, 'gauge']]);
  assert.deepEqual(value('-Inf'), [[Number.NEGATIVE_INFINITY, 'gauge']]);
  assert.deepEqual(value('+Infinity'), [[Number.POSITIVE_INFINITY, 'gauge']]);
  assert.deepEqual(value('ON'), [[1, 'state']]);
  assert.deepEqual(value('Closed'), [[0, 'state']]);
  assert.deepEqual(value('"on"'), [[1, 'state']]);
  assert.deepEqual(value('"21.5"'), [[21.5, 'gauge']]);
  assert.deepEqual(value('unavailable'), []);
  assert.deepEqual(value('"unknown"'), []);
});

test('Other text stays as it is', () => {
  for (const text of [
    '0x10',
    '1_000',
    '1,5',
    '21.5 °C',
    'Standby',
    ' padded ',
    '"open',
    '12:30',
    '[1]',
    '{"value":1}',
  ]) {
    assert.deepEqual(value(text), [[text, 'text']], text);
  }
  assert.deepEqual(value('"a \\"quoted\\" text"'), [['a "quoted" text', 'text']]);
});

test('The words are those of the route, even where they look like numbers', () => {
  const overrides = { null_words: ['-127'], booleans: { true: ['1', 'läuft'], false: ['0'] } };
  assert.deepEqual(value('1', overrides), [[1, 'state']]);
  assert.deepEqual(value('0', overrides), [[0, 'state']]);
  assert.deepEqual(value('LÄUFT', overrides), [[1, 'state']]);
  assert.deepEqual(value('2', overrides), [[2, 'gauge']]);
  assert.deepEqual(value('-127', overrides), []);
  assert.deepEqual(value('on', overrides), [['on', 'text']]);
});

test('on_text stores changes, stores all, or drops', () => {
  const written = (on_text: 'store_changes' | 'store' | 'drop') =>
    decode([makeRoute({ topic: '{device_id}/{metric_name}', format: 'value', on_text })], 'd/m', 'idle');
  assert.deepEqual(written('store_changes').changesOnly, [true]);
  assert.deepEqual(written('store').changesOnly, [false]);
  assert.deepEqual(written('drop').rows, []);
  assert.deepEqual(written('drop').drops, ['text_dropped']);
  assert.deepEqual(written('drop').rejects, []);
});

test('A text is bounded in characters', () => {
  const route = makeRoute({ topic: '{device_id}/{metric_name}', format: 'value' });
  const limits = { ...LIMITS, textLength: 4 };
  assert.equal(decode([route], 'd/m', 'abcd', limits).rows.length, 1);
  assert.deepEqual(decode([route], 'd/m', 'abcde', limits).rejects, [
    { code: 'text_too_long', detail: '$: a text of 5 characters' },
  ]);
});

test('A value may be a constant, so that each message counts as one', () => {
  assert.deepEqual(value('pressed', { value: '1' }), [[1, 'gauge']]);
});
