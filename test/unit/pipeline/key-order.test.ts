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

/** Whether two batches must keep their order: they share a key, or a text, which claims all time. */
function share(left: readonly Key[], right: readonly Key[]): boolean {
  return left.some((one) =>
    right.some(
      ({ series, text, time }) => series === one.series && text === one.text && (text || time === one.time),
    ),
  );
}

/** Whether they may have to, as far as is looked at: a series has points of both in the time that both are about. */
function related(left: readonly Key[], right: readonly Key[]): boolean {
  const spans = [left, right].map((keys) => {
    const times = keys.filter(({ text }) => !text).map(({ time }) => time);
    return { from: Math.min(...times), to: Math.max(...times) };
  });
  const from = Math.max(...spans.map((span) => span.from));
  const to = Math.min(...spans.map((span) => span.to));
  const within = (keys: readonly Key[]) =>
    keys.filter(({ text, time }) => !text && time >= from && time <= to).map(({ series }) => series);
  const others = new Set(within(right));
  return share(left, right) || within(left).some((series) => others.has(series));
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
            const earlier = keys.filter((_, other) => other < index && !left.includes(other));
            if (earlier.some((theirs) => share(theirs, mine)))
              assert.ok(!inside.has(index), `batch ${index}`);
            else if (!earlier.some((theirs) => related(theirs, mine)))
              assert.ok(inside.has(index), `batch ${index}`);
          }
          const now = [...inside.keys()];
          leave(now[(choices.next().value as number) % now.length] as number);
        }
      },
    ),
    { numRuns: 60 },
  );
});
