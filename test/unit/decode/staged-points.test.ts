import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { StagedPoints } from '../../../src/decode/staged-points.ts';
import type { PointWriter, SeriesMeta } from '../../../src/pipeline/types.ts';

/** Writes down what it is told; columns too, where it takes them. */
function listener(takesColumns: boolean): { readonly out: PointWriter; readonly told: unknown[] } {
  const told: unknown[] = [];
  const note =
    (what: string) =>
    (...args: readonly unknown[]): void =>
      void told.push([what, ...args]);
  const number = note('number');
  const out: PointWriter = {
    number,
    text: note('text'),
    describe: note('describe'),
    reject: note('reject'),
    drop: note('drop'),
    edge: note('edge'),
    ...(takesColumns && { numbers: note('numbers') }),
  };
  return { out, told };
}

const name = fc.constantFrom('a', 'b', 'c');
const time = fc.oneof(fc.integer({ min: 0, max: 2 ** 40 }), fc.constant(Number.NaN));
const kind = fc.constantFrom('gauge', 'counter', 'state');
const columns = fc
  .array(fc.tuple(fc.integer(), fc.double({ noNaN: true })), { maxLength: 5 })
  .map((rows) => [Float64Array.from(rows, ([at]) => at), Float64Array.from(rows, ([, value]) => value)]);
const call = fc.oneof(
  fc.tuple(fc.constant('number'), name, name, time, fc.double(), kind),
  columns.chain(([times, values]) =>
    fc.tuple(fc.constant('numbers'), name, name, fc.constant(times), fc.constant(values), kind),
  ),
  fc.tuple(fc.constant('text'), name, name, time, fc.string(), fc.boolean()),
  fc.record({ unit: fc.string() }).map((meta: SeriesMeta) => ['describe', meta]),
  fc.constant(['reject', 'value_type', 'why']),
  fc.constant(['drop', 'transient']),
  fc.constant(['edge', { kind: 'death', edge: 'g/n' }]),
);

test('property: tells what it was told, in the same order, once', () => {
  const staged = new StagedPoints();
  const tell = (calls: readonly unknown[], to: PointWriter): void => {
    for (const [what, ...args] of calls as [keyof PointWriter, ...unknown[]][]) {
      const method = to[what] as ((...args: readonly unknown[]) => void) | undefined;
      if (method !== undefined) method.apply(to, args);
      else tell(pointByPoint(args), to);
    }
  };
  fc.assert(
    fc.property(
      fc.array(call, { maxLength: 60 }),
      fc.array(call, { maxLength: 60 }),
      fc.boolean(),
      (forgotten, calls, takesColumns) => {
        tell(forgotten, staged);
        staged.clear();
        tell(calls, staged);
        const [direct, moved] = [listener(takesColumns), listener(takesColumns)];
        tell(calls, direct.out);
        staged.moveTo(moved.out);
        assert.deepEqual(moved.told, direct.told);
        const nothing = listener(takesColumns);
        staged.moveTo(nothing.out);
        assert.deepEqual(nothing.told, []);
      },
    ),
  );
});

test('keeps more than it has room for at first', () => {
  const staged = new StagedPoints();
  const { out, told } = listener(false);
  for (let row = 0; row < 10_000; row++) staged.number('d', `m${row}`, row, -row, 'gauge');
  staged.moveTo(out);
  assert.equal(told.length, 10_000);
  assert.deepEqual(told.at(-1), ['number', 'd', 'm9999', 9999, -9999, 'gauge']);
});

test('what is said of a point stays with it, and texts in their order, where a block ends', () => {
  const staged = new StagedPoints();
  for (const rows of [4095, 4096, 4097, 9000, 3]) {
    const [direct, moved] = [listener(false), listener(false)];
    for (const to of [direct.out, staged]) {
      for (let row = 0; row < rows; row++) {
        if (row % 3 === 0) to.text('d', 't', row, `text ${row}`, true);
        else to.number('d', 'm', row, row, 'gauge');
        to.describe({ unit: `${row}` });
      }
    }
    staged.moveTo(moved.out);
    assert.deepEqual(moved.told, direct.told);
  }
});

/** What a column is to whoever takes none. */
function pointByPoint([device, metric, times, values, kindOf]: readonly unknown[]): unknown[] {
  return [...(values as Float64Array)].map((value, row) => [
    'number',
    device,
    metric,
    (times as Float64Array)[row],
    value,
    kindOf,
  ]);
}
