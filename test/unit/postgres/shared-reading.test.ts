import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SharedReading } from '../../../src/postgres/shared-reading.ts';

/** Readings that end when they are told to, numbered as they began. */
function readings() {
  const begun: { resolve: (value: number) => void; reject: (error: Error) => void }[] = [];
  const read = async (): Promise<number> => {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    begun.push({ resolve, reject });
    return await promise;
  };
  return { begun, read };
}

test('those who ask while one is read share the next reading, which begins after it', async () => {
  const shared = new SharedReading<number>();
  const { begun, read } = readings();
  const first = shared.ask('a', read);
  const others = [shared.ask('a', read), shared.ask('a', read)];
  assert.equal(begun.length, 1);
  begun[0]?.resolve(1);
  assert.equal(await first, 1);
  await new Promise(setImmediate);
  assert.equal(begun.length, 2);
  const later = shared.ask('a', read);
  begun[1]?.resolve(2);
  assert.deepEqual(await Promise.all(others), [2, 2]);
  await new Promise(setImmediate);
  begun[2]?.resolve(3);
  assert.equal(await later, 3);
  const alone = shared.ask('a', read);
  assert.equal(begun.length, 4);
  begun[3]?.resolve(4);
  assert.equal(await alone, 4);
});

test('questions that differ do not wait for one another', async () => {
  const shared = new SharedReading<number>();
  const { begun, read } = readings();
  const both = [shared.ask('a', read), shared.ask('b', read)];
  assert.equal(begun.length, 2);
  for (const [index, { resolve }] of begun.entries()) resolve(index);
  assert.deepEqual(await Promise.all(both), [0, 1]);
});

test('a reading that fails fails for those who shared it, and the next one begins all the same', async () => {
  const shared = new SharedReading<number>();
  const { begun, read } = readings();
  const first = shared.ask('a', read);
  const second = [shared.ask('a', read), shared.ask('a', read)];
  begun[0]?.reject(new Error('away'));
  await assert.rejects(first, /away/);
  await new Promise(setImmediate);
  begun[1]?.reject(new Error('still away'));
  for (const one of second) await assert.rejects(one, /still away/);
  const third = shared.ask('a', read);
  begun[2]?.resolve(3);
  assert.equal(await third, 3);
});
