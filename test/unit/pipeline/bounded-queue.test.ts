import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { BoundedQueue } from '../../../src/pipeline/bounded-queue.ts';
import type { Batch } from '../../../src/pipeline/types.ts';
import { batches, change, NEW_YEAR, point } from './messages.ts';

/** A writer whose batches end when the test says so. */
function writer(): {
  write: (batch: Batch) => Promise<void>;
  started: Batch[];
  end: (index: number, error?: Error) => void;
} {
  const started: Batch[] = [];
  const ends: PromiseWithResolvers<void>[] = [];
  return {
    started,
    write: (batch) => {
      started.push(batch);
      const end = Promise.withResolvers<void>();
      ends.push(end);
      return end.promise;
    },
    end: (index, error) => (error === undefined ? ends[index]?.resolve() : ends[index]?.reject(error)),
  };
}

const next = batches();
const batch = () => next(point('a', 'x', NEW_YEAR, 1), change('a', 'y', NEW_YEAR, 'on'));

test('so many at once as there are writers, the others in order', async () => {
  const { write, started, end } = writer();
  const queue = new BoundedQueue(2, write);
  const all = [batch(), batch(), batch(), batch()];
  assert.equal(queue.writerIdle, true);
  const written = all.map((one) => queue.add(one));
  assert.deepEqual(started, all.slice(0, 2));
  assert.equal(queue.writerIdle, false);
  end(1);
  await written[1];
  assert.deepEqual(started, all.slice(0, 3));
  for (const index of [0, 2]) end(index);
  await written[2];
  end(3);
  await queue.drained();
  assert.deepEqual(started, all);
  assert.equal(queue.writerIdle, true);
});

test('counts what it holds until it is written, also where that fails', async () => {
  const { write, end } = writer();
  const queue = new BoundedQueue(1, write);
  const [first, second] = [batch(), batch()];
  const writes = [queue.add(first), queue.add(second)] as const;
  assert.deepEqual([queue.batches, queue.points, queue.bytes], [2, 4, first.bytes + second.bytes]);
  assert.equal(queue.oldest, first);
  end(0, new Error('no'));
  await assert.rejects(writes[0], /no/);
  assert.deepEqual([queue.batches, queue.points, queue.bytes], [1, 2, second.bytes]);
  assert.equal(queue.oldest, second);
  end(1);
  await writes[1];
  assert.deepEqual([queue.batches, queue.points, queue.bytes], [0, 0, 0]);
  assert.equal(queue.oldest, undefined);
});

test('a writer is idle by the time its batch is known to be written', async () => {
  const { write, end } = writer();
  const queue = new BoundedQueue(1, write);
  const written = queue.add(batch());
  end(0);
  await written;
  assert.equal(queue.writerIdle, true);
  await turn();
});

test('nothing of a batch stays once it is written, while others wait', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const ends: (() => void)[] = [];
  const queue = new BoundedQueue(1, () => new Promise((resolve) => ends.push(resolve)));
  const gone: WeakRef<Batch>[] = [];
  const add = () => {
    const one = batch();
    gone.push(new WeakRef(one));
    void queue.add(one);
  };
  add();
  add();
  for (let index = 0; index < 20; index++) {
    add();
    ends[index]?.();
    await turn();
  }
  await turn();
  collect();
  assert.deepEqual(
    gone.map((one) => one.deref() !== undefined),
    gone.map((_, index) => index >= gone.length - 2),
  );
  assert.equal(queue.batches, 2);
});
