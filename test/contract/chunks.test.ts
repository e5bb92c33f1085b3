import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { ChunkInfo, Engine } from '../../src/engines/engine.ts';
import { openSink } from '../integration/postgres/sinks.ts';
import { ENGINES, runJob } from '../support/engines.ts';
import { at, DAY, SECOND } from './inputs.ts';
import { Model, type Put, put } from './model.ts';
import { assertPoints, assertPointViews } from './point-answers.ts';
import { refreshAll } from './states.ts';
import { assertLevels } from './aggregate-answers.ts';

const FIRST = at('2024-02-05T00:00:00Z');
const DAYS = 3;

/** A day of 1,200 points, one every 20 seconds. */
function day(place: number): Put[] {
  return Array.from({ length: 1_200 }, (_, index) => ({
    device: 'a',
    metric: 'x',
    time: FIRST + place * DAY + index * 20 * SECOND,
    value: index / 100,
  }));
}

async function chunkOf(engine: Engine, place: number): Promise<ChunkInfo> {
  const start = new Date((FIRST + place * DAY) / 1000).toISOString();
  const found = (await engine.chunks()).find(
    ({ source, range_start: from }) => source === 'points' && from === start,
  );
  assert.ok(found, `no chunk from ${start}`);
  return found;
}

for (const kind of ENGINES) {
  suite(`chunks of ${kind.name}`, { skip: kind.skip }, () => {
    test('are listed, compressed and opened by name, and their figures add up', async () => {
      await using database = await kind.createDatabase();
      await using sink = openSink(database, { engine: kind.name });
      const engine = kind.open(database);
      const model = new Model();
      for (let place = 0; place < DAYS; place++) await put(sink, model, day(place));
      for (let place = 0; place < DAYS; place++) {
        const chunk = await chunkOf(engine, place);
        assert.equal(Date.parse(chunk.range_end) - Date.parse(chunk.range_start), 86_400_000);
        assert.deepEqual(
          [chunk.source, chunk.state, chunk.bytes_before, chunk.ratio],
          ['points', 'open', null, null],
        );
        assert.ok(chunk.bytes > 0);
      }
      assert.deepEqual(await engine.compression(), []);

      const names = [(await chunkOf(engine, 0)).name, (await chunkOf(engine, 1)).name] as const;
      for (const name of names) assert.equal((await engine.compress(name)).rows, 1_200);
      const sealed = await chunkOf(engine, 0);
      assert.deepEqual([sealed.name, sealed.state, sealed.rows], [names[0], 'sealed', 1_200]);
      assert.ok((sealed.bytes_before ?? 0) > sealed.bytes && (sealed.ratio ?? 0) > 1, JSON.stringify(sealed));
      assert.equal((await chunkOf(engine, 2)).state, 'open');
      const packed = await engine.compression();
      assert.deepEqual(
        new Set(packed.map(({ chunk, source, points }) => `${chunk} ${source} ${points}`)),
        new Set(names.map((name) => `${name} points 1200`)),
      );
      for (const { bytes_before: large, bytes_after: small, ratio } of packed) {
        assert.ok(large > small && small > 0);
        assert.equal(ratio, large / small);
      }
      await assertPointViews(database, model, 'compressed');

      await assert.rejects(engine.compress(names[0]), { code: 'chunk_state' });
      await assert.rejects(engine.compress('nothing'), { code: 'chunk_unknown' });
      await assert.rejects(engine.decompress('nothing'), { code: 'chunk_unknown' });
      await assert.rejects(engine.decompress((await chunkOf(engine, 2)).name), { code: 'chunk_state' });

      await put(sink, model, [{ device: 'a', metric: 'x', time: FIRST + 1, value: 7 }]);
      assert.equal((await engine.decompress(names[0])).rows, 1_201);
      assert.equal((await chunkOf(engine, 0)).state, 'open');
      assert.equal((await engine.compression()).length, 1);
      await assertPointViews(database, model, 'opened');
      assert.equal((await engine.compress(names[0])).rows, 1_201);
      await assertPointViews(database, model, 'compressed again');
    });

    test('keep_last replaces points of compressed chunks, in aggregates with the next refresh', async () => {
      await using database = await kind.createDatabase();
      await using sink = openSink(database, { engine: kind.name, onDuplicate: 'keep_last' });
      const engine = kind.open(database);
      const model = new Model();
      await put(sink, model, day(0), true);
      await refreshAll(database, engine);
      await engine.compress((await chunkOf(engine, 0)).name);
      const some = day(0)
        .filter((_, index) => index % 100 === 3)
        .map((row) => ({ ...row, value: -1 }));
      const { expected, found } = await put(sink, model, some, true);
      assert.deepEqual(found, expected);
      const whole = { from: FIRST, to: FIRST + DAY };
      await assertPoints(database, model, whole, 'replaced');
      await refreshAll(database, engine);
      await assertLevels(database, model, 'replaced');
      await runJob(engine, 'compression');
      await assertPointViews(database, model, 'replaced and compressed');
    });
  });
}
