import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import type { SpooledBatch } from '../../../src/pipeline/spool-types.ts';
import { batchOf, drained, plain, spooledBatch, spoolFolder } from './batches.ts';

suite('the spool', () => {
  test('first in, first out; the oldest is the same until it is consumed', async () => {
    await using folder = await spoolFolder();
    const spool = await folder.open();
    assert.deepEqual(await spool.next(), []);
    for (const name of ['a', 'b'])
      assert.deepEqual(await spool.append(batchOf(name)), { messages: 0, points: 0 });
    assert.deepEqual([(await spool.next())[0]?.id, (await spool.next())[0]?.id], ['a', 'a']);
    await spool.consume();
    assert.equal((await spool.next())[0]?.id, 'b');
    await spool.consume();
    assert.deepEqual(await spool.next(), []);
    await assert.rejects(spool.consume(), /nothing was taken/);
    await spool.close();
  });

  test('as many as there is room for are taken and consumed at once, those without messages alone', async () => {
    await using folder = await spoolFolder();
    let spool = await folder.open();
    const marker = { ...batchOf('marker'), messages: [], decoded: 0 };
    for (const name of ['a', 'b', 'c', 'd']) await spool.append(batchOf(name, 1_000));
    for (const batch of [marker, batchOf('e'), batchOf('f')]) await spool.append(batch);
    const taken = async (points: number, bytes = 100_000): Promise<string[]> =>
      (await spool.next({ points, bytes })).map(({ id }) => id);
    assert.deepEqual(await taken(8), ['a', 'b'], 'three points each');
    assert.deepEqual(await taken(100), ['a', 'b'], 'the same until they are consumed');
    await spool.consume();
    assert.deepEqual(await taken(100, 3_000), ['c', 'd']);
    await spool.close();
    spool = await folder.open();
    assert.deepEqual([spool.state.batches, await taken(1)], [5, ['c']]);
    await spool.consume();
    assert.deepEqual(await taken(100), ['d']);
    await spool.consume();
    assert.deepEqual(await taken(100), ['marker']);
    await spool.consume();
    assert.deepEqual(await taken(100), ['e', 'f']);
    await spool.consume();
    assert.deepEqual([spool.state.batches, spool.state.messages, await taken(100)], [0, 0, []]);
    await spool.close();
  });

  test('what is consumed gives its space back', async () => {
    await using folder = await spoolFolder();
    const spool = await folder.open({ maxBytes: 80_000 });
    for (let index = 0; index < 60; index++) await spool.append(batchOf(`${index}`, 1000));
    const files = async (): Promise<number> =>
      (await readdir(folder.path)).filter((name) => name.endsWith('.spool')).length;
    assert.ok((await files()) > 5);
    const before = spool.state.bytes;
    for (let index = 0; index < 30; index++) {
      await spool.next();
      await spool.consume();
    }
    assert.ok(spool.state.bytes < before * 0.7);
    assert.equal((await drained(spool)).length, 30);
    assert.equal(spool.state.bytes, 0);
    assert.equal(await files(), 0);
    await spool.close();
  });

  test('the state counts batches, messages, points, bytes and the oldest', async () => {
    await using folder = await spoolFolder();
    let spool = await folder.open({ maxBytes: 10_000 });
    const empty = { batches: 0, messages: 0, points: 0, bytes: 0, maxBytes: 10_000, oldestAt: null };
    assert.deepEqual(spool.state, empty);
    for (const [name, at] of [
      ['a', 10],
      ['b', 20],
    ] as const)
      await spool.append(batchOf(name, 100, at));
    const { state } = spool;
    assert.deepEqual({ ...state, bytes: 0 }, { ...empty, batches: 2, messages: 2, points: 6, oldestAt: 10 });
    assert.ok(state.bytes > 300 && state.bytes < 600);
    await spool.close();
    spool = await folder.open({ maxBytes: 10_000 });
    assert.deepEqual(spool.state, state);
    await spool.next();
    await spool.consume();
    await spool.next();
    assert.deepEqual(
      { ...spool.state, bytes: 0 },
      { ...empty, batches: 1, messages: 1, points: 3, oldestAt: 20 },
    );
    await spool.close();
  });

  test('property: appends interleaved with consume and reopening are a queue', async () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.array(spooledBatch, { minLength: 1, maxLength: 4 }) },
      { weight: 4, arbitrary: fc.constant('consume' as const) },
      { weight: 1, arbitrary: fc.constant('peek' as const) },
      { weight: 2, arbitrary: fc.constant('reopen' as const) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        await using folder = await spoolFolder();
        let spool = await folder.open({ maxBytes: 2 ** 20 });
        let model: SpooledBatch[] = [];
        for (const step of steps) {
          if (step === 'reopen') {
            await spool.close();
            spool = await folder.open({ maxBytes: 2 ** 20 });
          } else if (step === 'consume' || step === 'peek') {
            assert.deepEqual(plain((await spool.next())[0] ?? null), plain(model[0] ?? null));
            if (step === 'peek' || model.length === 0) continue;
            await spool.consume();
            model = model.slice(1);
          } else {
            await Promise.all(step.map((batch) => spool.append(batch)));
            model = [...model, ...step];
          }
          const { batches, messages, points } = spool.state;
          assert.deepEqual(
            [batches, messages, points],
            [
              model.length,
              model.reduce((sum, batch) => sum + batch.messages.length, 0),
              model.reduce((sum, batch) => sum + batch.decoded, 0),
            ],
          );
        }
        assert.deepEqual((await drained(spool)).map(plain), model.map(plain));
        await spool.close();
      }),
      { numRuns: 60 },
    );
  });

  test('appends and the drain do not wait for one another', async () => {
    await using folder = await spoolFolder();
    const spool = await folder.open({ maxBytes: 400_000 });
    const ids: string[] = [];
    const appended = (async () => {
      for (let round = 0; round < 60; round++) {
        await Promise.all([0, 1, 2, 3, 4].map((index) => spool.append(batchOf(`${round * 5 + index}`, 500))));
      }
    })();
    while (ids.length < 300) {
      const [batch] = await spool.next();
      if (batch === undefined) {
        await new Promise(setImmediate);
        continue;
      }
      ids.push(batch.id);
      await spool.consume();
    }
    await appended;
    assert.deepEqual(
      ids,
      Array.from({ length: 300 }, (_, index) => `${index}`),
    );
    await spool.close();
  });
});
