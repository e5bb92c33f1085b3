import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emptyTotals } from '../../../src/pipeline/balance-sheet.ts';
import { imbalanceOf } from '../../../src/pipeline/self-check.ts';
import type { BatchTotals, IngestStats } from '../../../src/pipeline/types.ts';

function sheet(settled: number, inFlight = 0): IngestStats {
  const { messages, points } = emptyTotals();
  const open = { in_flight: inFlight, spooled: 0 };
  return {
    since: '2026-01-01T00:00:00.000Z',
    balanced: true,
    messages: { ...messages, settled, received: settled + inFlight, ...open },
    points: { ...points, stored: settled, ...open, decoded: settled + inFlight },
  };
}

function committed(messages: number, stored = messages): BatchTotals {
  const totals = emptyTotals();
  totals.messages.settled = messages;
  totals.points.stored = stored;
  totals.points.decoded = stored;
  return totals;
}

test('an account that adds up is no matter, also while commits go on', () => {
  assert.equal(imbalanceOf(sheet(5), committed(5), sheet(5)), null);
  assert.equal(imbalanceOf(sheet(5, 3), committed(7), sheet(8)), null);
  assert.equal(imbalanceOf(sheet(5), null, sheet(5)), null);
});

test('a commit that is not known here yet is in hand still', () => {
  assert.equal(imbalanceOf(sheet(5, 3), committed(8), sheet(5, 3)), null);
});

test('a sheet that does not add up is told with all of it', () => {
  const wrong = { ...sheet(5), balanced: false };
  assert.partialDeepStrictEqual(imbalanceOf(sheet(5), committed(5), wrong), { where: 'memory' });
});

test('what the database has more, or less, is told by its name', () => {
  const more = imbalanceOf(sheet(5), committed(6), sheet(5));
  assert.deepEqual(more, {
    where: 'database',
    detail: 'messages.settled: 6 are committed, the sheet has 5',
  });
  const less = imbalanceOf(sheet(5), committed(5, 4), sheet(7, 1));
  assert.deepEqual(less, {
    where: 'database',
    detail: 'points.stored: 4 are committed, the sheet has 5 to 8',
  });
});

test('what a record of the spool is to tell the database may be missing there, and no more', () => {
  const { messages, ...rest } = sheet(5);
  const dropping = { ...rest, messages: { ...messages, received: 8, dropped: 3 } };
  const untold = { messages: 2, points: 0 };
  const told = (dropped: number) => {
    const totals = committed(5);
    totals.messages.dropped = dropped;
    return imbalanceOf(dropping, totals, dropping, untold);
  };
  assert.equal(told(1), null);
  assert.equal(told(3), null);
  assert.match(told(0)?.detail ?? '', /^messages\.dropped: 0 are committed/);
});
