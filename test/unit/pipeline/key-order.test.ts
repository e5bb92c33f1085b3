import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { KeyOrder } from '../../../src/pipeline/key-order.ts';
import type { Batch } from '../../../src/pipeline/types.ts';
import { batches, message, NEW_YEAR, type TestMessage } from './messages.ts';

interface Key {
  readonly series: string;
  readonly text: boolean;
  readonly time: number;
}

function messageOf({ series, text, time }: Key): TestMessage {
  return message((out) => {
    if (text) out.text(series, 'x', NEW_YEAR + time, 'on', true);
    else out.number(series, 'x', NEW_YEAR + time, 1, 'gauge');
  });
}

/** Whether two batches must keep their order: their ranges meet in a series; a text claims all time. */
function related(left: readonly Key[], right: readonly Key[]): boolean {
  return left.some((one) => {
    const same = (key: Key) => key.series === one.series && key.text === one.text;
    const range = (keys: readonly Key[]) => {
      const times = keys.filter(same).map(({ time }) => time);
      return [Math.min(...times), Math.max(...times)] as const;
    };
    if (!right.some(same)) return false;
    const [a, b] = [range(left), range(right)];
    return one.text || (a[0] <= b[1] && b[0] <= a[1]);
  });
}

/** Enters all batches at once; says which are inside, and lets one leave. */
function enterAll(all: readonly Batch[]): {
  inside: Map<number, () => void>;
  left: number[];
  leave: (index: number) => void;
} {
  const order = new KeyOrder();
  const inside = new Map<number, () => void>();
  const left: number[] = [];
  for (const [index, batch] of all.entries()) {
    void order.enter(batch).then((leave) => inside.set(index, leave));
  }
  const leave = (index: number) => {
    inside.get(index)?.();
    inside.delete(index);
    left.push(index);
  };
  return { inside, left, leave };
}

const keyArbitrary = fc.record({
  series: fc.constantFrom('a', 'b', 'c'),
  text: fc.integer({ min: 0, max: 4 }).map((sometimes) => sometimes === 0),
  time: fc.nat(20),
});

test('property: batches that share a key keep their order, the others do not wait', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(keyArbitrary, { maxLength: 4 }), { minLength: 2, maxLength: 8 }),
      fc.infiniteStream(fc.nat()),
      async (keys, choices) => {
        const next = batches();
        const { inside, left, leave } = enterAll(keys.map((some) => next(...some.map(messageOf))));
        while (left.length < keys.length) {
          await turn();
          for (const [index, mine] of keys.entries()) {
            if (left.includes(index)) continue;
            const waitsFor = keys.findIndex(
              (theirs, other) => other < index && !left.includes(other) && related(theirs, mine),
            );
            assert.equal(inside.has(index), waitsFor < 0, `batch ${index} and the earlier ${waitsFor}`);
          }
          const now = [...inside.keys()];
          leave(now[(choices.next().value as number) % now.length] as number);
        }
      },
    ),
    { numRuns: 60 },
  );
});
