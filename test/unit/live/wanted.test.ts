import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { wantedBy } from '../../../src/live/wanted.ts';

const ALL = { devices: null, metrics: null, match: '*', visible: null };
const text = fc.string({ unit: fc.constantFrom('a', 'b', '.', '\n'), maxLength: 6 });

test('a pattern matches as its regular expression does', () => {
  const glob = fc.string({ unit: fc.constantFrom('a', 'b', '.', '\n', '*', '*'), maxLength: 6 });
  fc.assert(
    fc.property(glob, text, (match, device) => {
      const parts = match.split('*').map((part) => part.replaceAll('.', String.raw`\.`));
      const expected = new RegExp(`^${parts.join('.*')}$`, 's').test(device);
      assert.equal(wantedBy({ ...ALL, match })(device, 'x'), expected);
    }),
    { numRuns: 1_000 },
  );
});

test('all conditions must hold', () => {
  const question = { devices: ['a1', 'b1'], metrics: ['x'], match: '*1', visible: ['a', 'c'] };
  assert.ok(wantedBy(question)('a1', 'x'));
  assert.ok(!wantedBy(question)('b1', 'x'));
  assert.ok(!wantedBy(question)('a1', 'y'));
  assert.ok(!wantedBy({ ...question, match: 'b*' })('a1', 'x'));
  assert.ok(!wantedBy({ ...question, devices: [] })('a1', 'x'));
  assert.ok(!wantedBy({ ...question, visible: [] })('a1', 'x'));
  assert.ok(wantedBy(ALL)('anything', 'at all'));
});
