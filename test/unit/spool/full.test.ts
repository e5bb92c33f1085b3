import assert from 'node:assert/strict';
import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import type { SpoolError } from '../../../src/errors.ts';
import type { SpoolDropped } from '../../../src/pipeline/spool-types.ts';
import type { FileSpool } from '../../../src/spool/file-spool.ts';
import { batchOf, drained, spoolFolder } from './batches.ts';

const full = (error: SpoolError): boolean => error.name === 'SpoolError' && error.reason === 'full';
const DROPPING = { maxBytes: 20_000, onFull: 'drop_oldest' } as const;

/** Messages and points in what the spool gives, and in what its records say was dropped. */
async function account(
  spool: FileSpool,
): Promise<{ held: SpoolDropped; dropped: SpoolDropped; ignored: number }> {
  const sum = { held: { messages: 0, points: 0 }, dropped: { messages: 0, points: 0 }, ignored: 0 };
  for (const { messages, decoded, apart } of await drained(spool)) {
    sum.held = { messages: sum.held.messages + messages.length, points: sum.held.points + decoded };
    sum.dropped = {
      messages: sum.dropped.messages + apart.dropped,
      points: sum.dropped.points + apart.droppedPoints,
    };
    sum.ignored += apart.ignored;
  }
  return sum;
}

suite('a full spool', () => {
  test('block: the batch is refused and nothing changes; room lets the next one in', async () => {
    await using folder = await spoolFolder();
    const spool = await folder.open({ maxBytes: 10_000 });
    let count = 0;
    for (; spool.state.bytes < 8000; count++) await spool.append(batchOf(`${count}`, 1000));
    const before = spool.state;
    await assert.rejects(spool.append(batchOf('no', 3000)), full);
    assert.deepEqual(spool.state, before);
    await Promise.all([
      spool.append(batchOf('small', 10)),
      assert.rejects(spool.append(batchOf('no', 3000)), full),
    ]);
    for (let index = 0; index < 4; index++) {
      await spool.next();
      await spool.consume();
    }
    await spool.append(batchOf('yes', 3000));
    const ids = (await drained(spool)).map(({ id }) => id);
    assert.deepEqual(ids.slice(-2), ['small', 'yes']);
    assert.equal(ids.length, count - 4 + 2);
    await spool.close();
  });

  test('a batch larger than the spool is refused whatever the policy', async () => {
    for (const onFull of ['block', 'drop_oldest'] as const) {
      await using folder = await spoolFolder();
      const spool = await folder.open({ maxBytes: 10_000, onFull });
      await spool.append(batchOf('a'));
      await assert.rejects(spool.append(batchOf('no', 10_001)), full);
      assert.deepEqual(
        (await drained(spool)).map(({ id }) => id),
        ['a'],
      );
      await spool.close();
    }
  });

  test('drop_oldest: the oldest go, the bound holds, and the loss is told and kept', async () => {
    await using folder = await spoolFolder();
    let spool = await folder.open(DROPPING);
    const told = { messages: 0, points: 0 };
    for (let index = 0; index < 200; index++) {
      const dropped = await spool.append(batchOf(`${index}`, 300));
      told.messages += dropped.messages;
      told.points += dropped.points;
      assert.ok(spool.state.bytes <= DROPPING.maxBytes);
    }
    assert.ok(told.messages > 100);
    assert.equal(told.messages + spool.state.messages, 200);
    assert.equal(told.points + spool.state.points, 600);
    await spool.close();
    spool = await folder.open(DROPPING);
    const { held, dropped, ignored } = await account(spool);
    assert.deepEqual(dropped, told);
    assert.equal(held.messages + dropped.messages, 200);
    assert.equal(ignored, 200);
    await spool.close();
  });

  test('drop_oldest never takes the record that is being drained', async () => {
    await using folder = await spoolFolder();
    const spool = await folder.open(DROPPING);
    await spool.append(batchOf('0', 300));
    assert.equal((await spool.next())[0]?.id, '0');
    for (let index = 1; index < 100; index++) await spool.append(batchOf(`${index}`, 300));
    assert.equal((await spool.next())[0]?.id, '0');
    await spool.consume();
    const ids = (await drained(spool))
      .filter(({ messages }) => messages.length > 0)
      .map(({ id }) => Number(id));
    assert.ok(ids.length > 20 && ids.at(-1) === 99);
    assert.deepEqual(
      ids,
      [...ids].sort((left, right) => left - right),
    );
    await spool.close();
  });

  test('drop_oldest: records as large as the spool allows still take turns', async () => {
    await using folder = await spoolFolder();
    const spool = await folder.open(DROPPING);
    for (let index = 0; index < 30; index++) await spool.append(batchOf(`${index}`, 19_000));
    const { held, dropped } = await account(spool);
    assert.deepEqual([held.messages, dropped.messages], [1, 29]);
    await spool.close();
  });

  test('a file that was counted as dropped is not drained where the process ended before it went', async () => {
    await using folder = await spoolFolder();
    let spool = await folder.open(DROPPING);
    let oldest: Buffer | null = null;
    const name = '0000000000000001.spool';
    let told = 0;
    for (let index = 0; told === 0; index++) {
      oldest = await readFile(join(folder.path, name)).catch(() => null);
      told = (await spool.append(batchOf(`${index}`, 300))).messages;
    }
    await spool.close();
    await writeFile(join(folder.path, name), oldest as Buffer);
    spool = await folder.open(DROPPING);
    assert.ok(!(await readdir(folder.path)).includes(name));
    assert.equal((await account(spool)).dropped.messages, told);
    await spool.close();
  });

  test('property: in = out + dropped + held, with any mix of appends, consume, reopening and kills', async () => {
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.array(fc.integer({ min: 0, max: 3000 }), { minLength: 1, maxLength: 8 }) },
      { weight: 3, arbitrary: fc.constant('consume' as const) },
      { weight: 1, arbitrary: fc.constant('peek' as const) },
      { weight: 1, arbitrary: fc.constant('kill' as const) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        await using home = await spoolFolder();
        let folder = home;
        let spool = await folder.open(DROPPING);
        const killed: (() => Promise<void>)[] = [];
        let [added, taken, told, tallied, last] = [0, 0, 0, 0, -1];
        const take = (id: string, messages: number, dropped: number): void => {
          tallied += dropped;
          taken += messages;
          if (messages === 0) return;
          assert.ok(Number(id) > last, 'in order, each once');
          last = Number(id);
        };
        for (const step of steps) {
          if (step === 'kill') {
            // A copy of the folder as it stands is what a killed process leaves.
            const next = await spoolFolder();
            await cp(folder.path, next.path, {
              recursive: true,
              filter: (source) => !source.includes('lock-'),
            });
            const left = { spool, folder };
            killed.push(async () => {
              await left.spool.close();
              if (left.folder !== home) await left.folder[Symbol.asyncDispose]();
            });
            folder = next;
            spool = await folder.open(DROPPING);
          } else if (step === 'consume' || step === 'peek') {
            const [batch] = await spool.next();
            if (batch === undefined || step === 'peek') continue;
            await spool.consume();
            take(batch.id, batch.messages.length, batch.apart.dropped);
          } else {
            const dropped = await Promise.all(step.map((size) => spool.append(batchOf(`${added++}`, size))));
            for (const { messages } of dropped) told += messages;
          }
          assert.equal(added, taken + told + spool.state.messages);
          assert.ok(spool.state.bytes <= DROPPING.maxBytes);
        }
        for (const { id, messages, apart } of await drained(spool)) take(id, messages.length, apart.dropped);
        assert.deepEqual([added, tallied], [taken + told, told]);
        await spool.close();
        for (const end of killed) await end();
        if (folder !== home) await rm(folder.path, { recursive: true });
      }),
      { numRuns: 60 },
    );
  });
});
