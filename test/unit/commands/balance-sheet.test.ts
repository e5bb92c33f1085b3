import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeStats } from '../../../src/commands/balance-sheet.ts';
import { BalanceSheet, emptyTotals } from '../../../src/pipeline/balance-sheet.ts';

const SINCE = '2026-01-31T12:00:00Z';

test('shows what became of all that came in, and leaves out what is zero', () => {
  const totals = emptyTotals();
  totals.messages = { ...totals.messages, settled: 1_233, dead_lettered: 1 };
  totals.points = { ...totals.points, decoded: 1_234, stored: 1_230, duplicate: 4 };
  assert.deepEqual(describeStats(new BalanceSheet(SINCE, totals).snapshot()), [
    'messages  1,234 received = 1,233 settled + 1 dead lettered',
    'points    1,234 decoded = 1,230 stored + 4 duplicate',
    `since     ${SINCE}`,
  ]);
});

test('says so where it does not add up', () => {
  const stats = new BalanceSheet(SINCE, emptyTotals()).snapshot();
  assert.deepEqual(describeStats(stats).slice(0, 2), ['messages  0 received = 0', 'points    0 decoded = 0']);
  assert.match(describeStats({ ...stats, balanced: false })[2] ?? '', /do not add up/);
});
