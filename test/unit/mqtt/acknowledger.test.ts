import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { Acknowledger } from '../../../src/mqtt/acknowledger.ts';

/** The packet identifiers of a write, which must hold whole PUBACK packets. */
function packetIds(packets: Buffer): number[] {
  const ids: number[] = [];
  for (let at = 0; at < packets.length; at += 4) {
    assert.equal(packets.readUInt16BE(at), 0x4002);
    ids.push(packets.readUInt16BE(at + 2));
  }
  return ids;
}

function acknowledger(): { acks: Acknowledger; writes: number[][] } {
  const writes: number[][] = [];
  return { acks: new Acknowledger((packets) => writes.push(packetIds(packets))), writes };
}

/** Microtasks queued before it have run. */
const turn = (): Promise<void> => Promise.resolve();

suite('Acknowledger', () => {
  test('writes what finishes in one turn as one write, in the order of arrival', async () => {
    const { acks, writes } = acknowledger();
    const ordinals = [7, 300, 65_535].map((id) => acks.add(id));
    for (const ordinal of ordinals.toReversed()) acks.acknowledge(ordinal);
    assert.deepEqual(writes, []);
    await turn();
    assert.deepEqual(writes, [[7, 300, 65_535]]);
    assert.equal(acks.pending, 0);
  });

  test('waits for the oldest', async () => {
    const { acks, writes } = acknowledger();
    const [first, second] = [acks.add(1), acks.add(2)];
    acks.acknowledge(second);
    await turn();
    assert.deepEqual(writes, []);
    acks.acknowledge(first);
    await turn();
    assert.deepEqual(writes, [[1, 2]]);
  });

  test('acknowledges a message once, even after its identifier was given to another', async () => {
    const { acks, writes } = acknowledger();
    const first = acks.add(1);
    acks.acknowledge(first);
    await turn();
    acks.add(1);
    acks.acknowledge(first);
    await turn();
    assert.deepEqual(writes, [[1]]);
    assert.equal(acks.pending, 1);
  });

  test('knows which identifiers are in hand', async () => {
    const { acks, writes } = acknowledger();
    const first = acks.add(1);
    assert.equal(acks.holds(1), true);
    acks.acknowledge(first);
    await turn();
    assert.deepEqual(writes, [[1]]);
    assert.equal(acks.holds(1), false);
  });

  test('two messages can be in hand under one identifier', async () => {
    const { acks, writes } = acknowledger();
    const [first, second] = [acks.add(1), acks.add(1)];
    acks.acknowledge(first);
    await turn();
    assert.deepEqual(writes, [[1]]);
    assert.equal(acks.holds(1), true, 'the second is still in hand');
    acks.acknowledge(second);
    await turn();
    assert.deepEqual(writes, [[1], [1]]);
  });

  test('is full before it comes round to the same identifiers, and says when half is written', async () => {
    const { acks, writes } = acknowledger();
    const ordinals: number[] = [];
    while (!acks.full) ordinals.push(acks.add((ordinals.length % 65_535) + 1));
    assert.ok(ordinals.length < 65_535);
    let room = 0;
    acks.whenRoom(() => room++);
    for (const ordinal of ordinals.slice(0, 100)) acks.acknowledge(ordinal);
    await turn();
    assert.equal(room, 0);
    for (const ordinal of ordinals) acks.acknowledge(ordinal);
    await turn();
    assert.equal(room, 1);
    assert.deepEqual(
      writes.flat(),
      ordinals.map((ordinal) => ordinal + 1),
    );
  });

  test('a skipped message is never acknowledged and holds nobody back', async () => {
    const { acks, writes } = acknowledger();
    const [first, second] = [acks.add(1), acks.add(2)];
    acks.skip(first);
    acks.acknowledge(second);
    await turn();
    assert.deepEqual(writes, [[2]]);
    assert.equal(acks.holds(1), true, 'the broker may only send the same message under it');
  });

  test('flush writes at once, and not again at the end of the turn', async () => {
    const { acks, writes } = acknowledger();
    acks.acknowledge(acks.add(1));
    acks.flush();
    assert.deepEqual(writes, [[1]]);
    await turn();
    assert.deepEqual(writes, [[1]]);
  });

  test('writes nothing once closed, not even what is scheduled', async () => {
    const { acks, writes } = acknowledger();
    const [first, second] = [acks.add(1), acks.add(2)];
    acks.acknowledge(first);
    acks.close();
    acks.acknowledge(second);
    await turn();
    acks.flush();
    assert.deepEqual(writes, []);
    assert.equal(acks.pending, 0);
  });

  test('for any order of arrivals and commits: always a prefix of the arrivals, each once, none after close', async () => {
    const step = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({ kind: fc.constant('arrive' as const), id: fc.integer({ min: 1, max: 40 }) }),
      },
      { weight: 4, arbitrary: fc.record({ kind: fc.constant('commit' as const), pick: fc.nat() }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('turn' as const) }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('close' as const) }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 200 }), async (steps) => {
        let arrived: { id: number; ordinal: number; committed: boolean }[] = [];
        let { acks, writes } = acknowledger();
        const check = (): void => {
          const written = writes.flat();
          assert.deepEqual(
            written,
            arrived.slice(0, written.length).map(({ id }) => id),
          );
          assert.ok(arrived.slice(0, written.length).every(({ committed }) => committed));
        };
        for (const next of steps) {
          if (next.kind === 'arrive') {
            const inHand = arrived.slice(writes.flat().length).some(({ id }) => id === next.id);
            assert.equal(acks.holds(next.id), inHand);
            if (!inHand) arrived.push({ id: next.id, ordinal: acks.add(next.id), committed: false });
          } else if (next.kind === 'commit') {
            const message = arrived[next.pick % Math.max(1, arrived.length)];
            if (message !== undefined) {
              message.committed = true;
              acks.acknowledge(message.ordinal);
            }
          } else if (next.kind === 'turn') {
            await turn();
            check();
            // Nothing that could go out stays: the next one is not committed.
            assert.notEqual(arrived[writes.flat().length]?.committed, true);
          } else {
            const [old, before, count] = [acks, writes, writes.length];
            acks.close();
            for (const { ordinal } of arrived) old.acknowledge(ordinal);
            await turn();
            assert.equal(before.length, count);
            arrived = [];
            ({ acks, writes } = acknowledger());
          }
        }
        await turn();
        check();
      }),
    );
  });

  test('more than 65,536 arrivals go round the ring', async () => {
    const { acks, writes } = acknowledger();
    const expected: number[] = [];
    for (let round = 0; round < 3; round++) {
      const ordinals = Array.from({ length: 40_000 }, (_, index) => acks.add(index + 1));
      for (const ordinal of ordinals) acks.acknowledge(ordinal);
      await turn();
      expected.push(...Array.from({ length: 40_000 }, (_, index) => index + 1));
    }
    assert.deepEqual(writes.flat(), expected);
  });
});
