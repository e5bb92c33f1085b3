import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { splitBatch } from '../../../src/pipeline/batch.ts';
import { BatchBuilder } from '../../../src/pipeline/batch-builder.ts';
import { SeriesRegistry } from '../../../src/pipeline/series-registry.ts';
import type { Batch } from '../../../src/pipeline/types.ts';
import { message, NEW_YEAR, scriptedDecoder, TAKE_ALL } from './messages.ts';

const newBuilder = (): BatchBuilder =>
  new BatchBuilder(scriptedDecoder, new SeriesRegistry(100), TAKE_ALL, () => {});

/** A batch of two messages, whose points tell which they are. */
function sealed(builder: BatchBuilder, length: number, mark: number): Batch {
  for (const half of [0, 1]) {
    const times = Float64Array.from({ length }, (_, row) => NEW_YEAR + row);
    const values = new Float64Array(length).fill(mark + half);
    builder.add(
      message((out) => {
        out.number('device', 'x', Number.NaN, mark + half, 'gauge');
        out.numbers?.('device', 'y', times, values, 'gauge');
      }),
    );
  }
  return builder.seal();
}

function contents({ points }: Batch): unknown {
  const { length, ...columns } = points;
  return Object.values(columns).map((column) => [...column.subarray(0, length)]);
}

test('property: what a batch holds stays until it is given back, whatever others hold and in whatever order they go', () => {
  const step = fc.record({
    length: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1_000, max: 3_000 })),
    gives: fc.option(fc.nat()),
    splits: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      const builder = newBuilder();
      const held = new Map<Batch, unknown>();
      for (const [mark, { length, gives, splits }] of steps.entries()) {
        const batch = sealed(builder, length, mark * 2);
        const alone = contents(sealed(newBuilder(), length, mark * 2));
        assert.deepEqual(contents(batch), alone);
        held.set(batch, alone);
        if (gives === null) continue;
        const given = [...held.keys()][gives % held.size] as Batch;
        // A half that is through says nothing of the other one.
        if (splits) {
          const [first, second] = splitBatch(given);
          const other = contents(second);
          builder.recycle(first);
          sealed(builder, length, 0);
          assert.deepEqual(contents(second), other);
        }
        builder.recycle(given);
        builder.recycle(given);
        held.delete(given);
        for (const [one, was] of held) assert.deepEqual(contents(one), was);
      }
    }),
    { numRuns: 50 },
  );
});

test('columns that were given back are written to again', () => {
  const builder = newBuilder();
  const first = sealed(builder, 100, 0);
  // The next one has its buffer already.
  const second = sealed(builder, 100, 2);
  builder.recycle(first);
  sealed(builder, 100, 4);
  const fourth = sealed(builder, 100, 6);
  assert.notEqual(second.points.value, first.points.value);
  assert.equal(fourth.points.value, first.points.value);
});
