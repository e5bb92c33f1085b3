import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { addTotals, emptyTotals } from '../../../src/pipeline/balance-sheet.ts';
import { splitBatch, totalsOf, withoutPoints } from '../../../src/pipeline/batch.ts';
import type { Batch } from '../../../src/pipeline/types.ts';
import { batches, message, NEW_YEAR, point, scriptArbitrary } from './messages.ts';

const batchArbitrary: fc.Arbitrary<Batch> = fc
  .array(scriptArbitrary, { minLength: 2, maxLength: 12 })
  .map((scripts) => ({
    ...batches()(...scripts.map((script) => message(script))),
    apart: { ignored: 2, dropped: 1, droppedPoints: 0 },
  }));

/** Every point, text and dead letter as text, with the delivery that it came with. */
function contents(batch: Batch): string[] {
  const { points, texts, deliveries, series } = batch;
  const name = (index: number | undefined): string => {
    const one = series[index as number];
    return `${one?.deviceId} ${one?.metricName} ${one?.kind}`;
  };
  // Packet ids tell deliveries apart.
  const from = (index: number | undefined): string =>
    String(ordinals.get(deliveries[index as number] as object));
  const lines = batch.deadLetters.map((one) => `dead ${from(one.messageIndex)} ${one.code} ${one.points}`);
  for (const { messageIndex, kind, edge } of batch.edgeEvents ?? [])
    lines.push(`${kind} of ${edge} ${from(messageIndex)}`);
  for (let row = 0; row < points.length; row++) {
    lines.push(
      `point ${from(points.messageIndex[row])} ${name(points.seriesIndex[row])} ${points.timestamp[row]} ${points.value[row]} ${points.flags[row]}`,
    );
  }
  for (let row = 0; row < texts.length; row++) {
    lines.push(
      `text ${from(texts.messageIndex[row])} ${name(texts.seriesIndex[row])} ${texts.timestamp[row]} ${texts.value[row]} ${texts.flags[row]}`,
    );
  }
  return lines.sort();
}

/** Deliveries are told apart by the order in which they were first seen. */
const ordinals = new WeakMap<object, number>();
let seen = 0;
function number(batch: Batch): void {
  for (const delivery of batch.deliveries) ordinals.set(delivery, seen++);
}

test('property: two halves are the whole, in order, under new ids', () => {
  fc.assert(
    fc.property(batchArbitrary, (batch) => {
      number(batch);
      const [first, second] = splitBatch(batch);
      assert.deepEqual([...contents(first), ...contents(second)].sort(), contents(batch));
      assert.deepEqual([...first.deliveries, ...second.deliveries], batch.deliveries);
      assert.ok(first.deliveries.length > 0 && second.deliveries.length > 0);
      assert.equal(new Set([batch.id, first.id, second.id]).size, 3);
      const sum = emptyTotals();
      addTotals(sum, totalsOf(first));
      addTotals(sum, totalsOf(second));
      assert.deepEqual(sum, totalsOf(batch));
    }),
  );
});

test('property: without some series nothing else is lost, and the totals still add up', () => {
  fc.assert(
    fc.property(batchArbitrary, fc.integer({ min: 0, max: 15 }), (batch, mask) => {
      const refused = (index: number): boolean => ((mask >> index) & 1) === 1;
      const less = withoutPoints(batch, refused, 'series_limit', 'too many');
      const before = totalsOf(batch);
      const after = totalsOf(less);
      const lost = batch.points.length + batch.texts.length - less.points.length - less.texts.length;
      assert.equal(after.points.dead_lettered - before.points.dead_lettered, lost);
      assert.deepEqual(
        { ...after.points, dead_lettered: 0 },
        { ...before.points, dead_lettered: 0 },
        'nothing but dead letters changed',
      );
      const messages = (totals: typeof after) => Object.values(totals.messages).reduce((a, b) => a + b, 0);
      assert.equal(messages(after), messages(before));
      for (let row = 0; row < less.points.length; row++)
        assert.ok(!refused(less.points.seriesIndex[row] as number));
      const letters = less.deadLetters.map(({ messageIndex }) => messageIndex);
      assert.equal(new Set(letters).size, letters.length, 'one dead letter a message at most');
      assert.equal(less.id, batch.id);
      assert.deepEqual(
        less.edgeEvents,
        batch.edgeEvents,
        'what is known of edge nodes does not hang on their points',
      );
    }),
  );
});

test('the reason of a message that was a dead letter before stays', () => {
  const partly = message((out) => {
    out.reject('value_missing', 'first');
    out.number('a', 'x', NEW_YEAR, 1, 'gauge');
  });
  const less = withoutPoints(
    batches()(partly, point('a', 'x', NEW_YEAR + 1, 2)),
    () => true,
    'database_rejected',
    '23514',
  );
  assert.deepEqual(
    less.deadLetters.map(({ messageIndex, code, points }) => [messageIndex, code, points]),
    [
      [0, 'value_missing', 2],
      [1, 'database_rejected', 1],
    ],
  );
  assert.deepEqual(less.messages.outcome, ['dead_lettered', 'dead_lettered']);
  assert.deepEqual([less.points.length, less.texts.length], [0, 0]);
});
