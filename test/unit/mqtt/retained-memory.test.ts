import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RetainedMemory } from '../../../src/mqtt/retained-memory.ts';

test('knows the latest payload of each topic, and no earlier one', () => {
  const memory = new RetainedMemory(10);
  const changes = ['1', '1', '2', '1'].map((payload) => memory.remember('a', Buffer.from(payload)));
  assert.deepEqual(changes, [true, false, true, true]);
  assert.equal(memory.remember('b', Buffer.from('1')), true);
});

test('forgets the topics first seen when it is full', () => {
  const memory = new RetainedMemory(2);
  for (const topic of ['a', 'b', 'c']) memory.remember(topic, Buffer.from('1'));
  assert.equal(memory.remember('c', Buffer.from('1')), false);
  assert.equal(memory.remember('b', Buffer.from('1')), false);
  assert.equal(memory.remember('a', Buffer.from('1')), true);
});
