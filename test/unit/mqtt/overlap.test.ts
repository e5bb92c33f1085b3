import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Overlap } from '../../../src/mqtt/overlap.ts';

const NEW = 7;

function overlap(): { pass: (ms: number) => void; isSecond: Overlap['isSecond'] } {
  let now = 0;
  const made = new Overlap(NEW, () => now);
  return { pass: (ms) => (now += ms), isSecond: (...copy) => made.isSecond(...copy) };
}

test('of the two copies of a message the second goes, whichever side comes first', () => {
  const { isSecond } = overlap();
  for (const [one, other] of [
    [[], [NEW]],
    [[NEW], []],
    [[3], [NEW]],
  ] as [number[], number[]][]) {
    assert.equal(isSecond('a', 1, one), false);
    assert.equal(isSecond('a', 1, other), true);
  }
});

test('a device that says the same again is heard each time', () => {
  const { isSecond, pass } = overlap();
  // Only by the old subscriptions, then by both, then by the new ones alone.
  const heard = [[], [], [NEW], [NEW], [NEW]].map((identifiers) => isSecond('a', 1, identifiers));
  assert.deepEqual(heard, [false, false, true, false, false]);
  pass(10_000);
  assert.equal(isSecond('b', 1, []), false);
  pass(3_000);
  assert.equal(isSecond('b', 1, [NEW]), false, 'seconds later it is another message');
});

test('one copy with the identifiers of both is one message', () => {
  const { isSecond } = overlap();
  assert.equal(isSecond('a', 1, [3, NEW]), false);
  assert.equal(isSecond('a', 1, [3, NEW]), false);
});

test('other topics and other payloads are no copies; many messages between take the time that they may lie apart', () => {
  const { isSecond, pass } = overlap();
  assert.equal(isSecond('a', 1, []), false);
  assert.equal(isSecond('b', 1, [NEW]), false);
  assert.equal(isSecond('a', 2, [NEW]), false);
  assert.equal(isSecond('c', 1, []), false);
  for (let index = 0; index < 10; index++) isSecond(`other ${index}`, 1, []);
  pass(60);
  assert.equal(isSecond('c', 1, [NEW]), false);
});
