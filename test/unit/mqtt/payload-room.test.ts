import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { type PayloadBlock, PayloadRoom } from '../../../src/mqtt/payload-room.ts';

interface Kept {
  readonly block: PayloadBlock;
  readonly payload: Uint8Array;
  readonly mark: number;
}

function keep(room: PayloadRoom, bytes: number, mark: number): Kept {
  const block = room.blockFor(bytes) as PayloadBlock;
  return { block, payload: block.copy(new Uint8Array(bytes).fill(mark)), mark };
}

test('property: a payload stays as it came until it is given back, whichever go before', () => {
  const step = fc.record({ bytes: fc.integer({ min: 1_024, max: 65_535 }), gives: fc.option(fc.nat()) });
  fc.assert(
    fc.property(fc.array(step, { minLength: 20, maxLength: 60 }), (steps) => {
      const room = new PayloadRoom();
      const held: Kept[] = [];
      for (const [mark, { bytes, gives }] of steps.entries()) {
        held.push(keep(room, bytes, mark));
        if (gives === null) continue;
        const [given] = held.splice(gives % held.length, 1);
        given?.block.giveBack();
        for (const one of held) assert.ok(one.payload.every((byte) => byte === one.mark));
      }
    }),
    { numRuns: 30 },
  );
});

test('a block is written to again once all of its payloads are given back, and not before', () => {
  const room = new PayloadRoom();
  const first = Array.from({ length: 5 }, (_, mark) => keep(room, 50_000, mark));
  assert.equal(new Set(first.map(({ block }) => block)).size, 1);
  const [last, ...others] = first as [Kept, ...Kept[]];
  for (const { block } of others) block.giveBack();
  // The room has gone on to another one.
  assert.notEqual(keep(room, 50_000, 5).block, last.block);
  last.block.giveBack();
  const later = Array.from({ length: 5 }, (_, mark) => keep(room, 50_000, mark));
  assert.ok(later.some(({ payload }) => payload.buffer === last.payload.buffer));
});

test('small payloads, and those that have their memory for themselves, stay where they are', () => {
  const room = new PayloadRoom();
  assert.deepEqual(
    [1, 1_023, 65_536].map((bytes) => room.blockFor(bytes)),
    [null, null, null],
  );
});
