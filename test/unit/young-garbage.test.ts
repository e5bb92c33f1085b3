import assert from 'node:assert/strict';
import { test } from 'node:test';
import { YoungGarbage } from '../../src/young-garbage.ts';

const MIB = 1024 * 1024;

test('collects after every 4 MiB, however they came', () => {
  let collections = 0;
  const garbage = new YoungGarbage(() => collections++);
  garbage.received(4 * MIB - 1);
  assert.equal(collections, 0);
  garbage.received(1);
  assert.equal(collections, 1);
  for (let message = 0; message < 16; message++) garbage.received(MIB);
  assert.equal(collections, 5);
  garbage.received(100 * MIB);
  assert.equal(collections, 6);
});

test('what nobody holds is gone after it', () => {
  const garbage = new YoungGarbage();
  const before = process.memoryUsage().arrayBuffers;
  for (let message = 0; message < 64; message++) garbage.received(new Uint8Array(MIB).byteLength);
  assert.ok(process.memoryUsage().arrayBuffers - before < 16 * MIB);
});

test('the collector is shown to nobody else', () => {
  void new YoungGarbage();
  assert.equal(globalThis.gc, undefined);
});
