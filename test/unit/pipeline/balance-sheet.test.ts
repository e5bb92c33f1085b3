import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addTotals, BalanceSheet, emptyTotals } from '../../../src/pipeline/balance-sheet.ts';
import { totalsOf } from '../../../src/pipeline/batch.ts';
import type { Batch, BatchTotals } from '../../../src/pipeline/types.ts';
import { batches, message, NEW_YEAR, point } from './messages.ts';

const SINCE = '2026-01-01T00:00:00.000Z';

/** A batch of two messages and three points, of which one is dead; one message was left aside. */
function example(): Batch {
  const partly = message((out) => {
    out.number('a', 'x', NEW_YEAR, 1, 'gauge');
    out.reject('value_missing', 'no');
  });
  return {
    ...batches()(point('a', 'x', NEW_YEAR, 1), partly),
    apart: { ignored: 1, dropped: 0, droppedPoints: 0 },
  };
}

function received(sheet: BalanceSheet): void {
  for (let index = 0; index < 3; index++) sheet.received();
  sheet.decoded(3);
}

function written(batch: Batch): BatchTotals {
  const totals = totalsOf(batch);
  addTotals(totals, { ...emptyTotals(), points: { ...emptyTotals().points, stored: 1, duplicate: 1 } });
  return totals;
}

test('a message is in flight until it is settled; then all is told and the sheet balances', () => {
  const sheet = new BalanceSheet(SINCE, emptyTotals());
  received(sheet);
  const before = sheet.snapshot();
  assert.equal(before.balanced, true);
  assert.deepEqual([before.messages.in_flight, before.points.in_flight], [3, 3]);
  const batch = example();
  sheet.settled(batch, written(batch));
  assert.deepEqual(sheet.snapshot(), {
    since: SINCE,
    balanced: true,
    messages: { received: 3, settled: 1, ignored: 1, dead_lettered: 1, dropped: 0, in_flight: 0, spooled: 0 },
    points: {
      decoded: 3,
      stored: 1,
      duplicate: 1,
      conflict: 0,
      dead_lettered: 1,
      dropped: 0,
      in_flight: 0,
      spooled: 0,
    },
  });
});

test('earlier lives of the daemon count', () => {
  const before = written(example());
  const sheet = new BalanceSheet(SINCE, before);
  before.messages.settled = 1_000;
  received(sheet);
  const batch = example();
  sheet.settled(batch, written(batch));
  const { balanced, messages, points } = sheet.snapshot();
  assert.deepEqual(
    [balanced, messages.received, messages.settled, points.decoded, points.stored],
    [true, 6, 2, 6, 2],
  );
});

const FORGETFUL: readonly (readonly [string, (totals: BatchTotals) => void])[] = [
  ['a sink that forgets a point', (totals) => totals.points.stored--],
  ['a sink that counts a point twice', (totals) => totals.points.conflict++],
  ['a sink that forgets a message', (totals) => totals.messages.settled--],
  ['a sink that counts a message twice', (totals) => totals.messages.dead_lettered++],
];
for (const [what, forget] of FORGETFUL) {
  test(`does not balance with ${what}`, () => {
    const sheet = new BalanceSheet(SINCE, emptyTotals());
    received(sheet);
    const batch = example();
    const totals = written(batch);
    forget(totals);
    sheet.settled(batch, totals);
    assert.equal(sheet.snapshot().balanced, false);
  });
}

test('does not balance when a message is settled that was never received, or twice', () => {
  const sheet = new BalanceSheet(SINCE, emptyTotals());
  received(sheet);
  const batch = example();
  sheet.settled(batch, written(batch));
  sheet.settled(batch, written(batch));
  assert.equal(sheet.snapshot().balanced, false);
});

test('does not balance when a message without points is settled twice', () => {
  const sheet = new BalanceSheet(SINCE, emptyTotals());
  sheet.received();
  const batch = batches()(message(() => {}));
  sheet.settled(batch, totalsOf(batch));
  assert.equal(sheet.snapshot().balanced, true);
  sheet.settled(batch, totalsOf(batch));
  assert.equal(sheet.snapshot().balanced, false);
});

test('a message that is forgotten stays in flight for ever', () => {
  const sheet = new BalanceSheet(SINCE, emptyTotals());
  received(sheet);
  sheet.received();
  const batch = example();
  sheet.settled(batch, written(batch));
  assert.equal(sheet.snapshot().messages.in_flight, 1);
});
