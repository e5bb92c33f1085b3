import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BalanceSheet, emptyTotals } from '../../src/pipeline/balance-sheet.ts';
import type { SpoolStatus } from '../../src/pipeline/spool-types.ts';
import type { PipelineState } from '../../src/pipeline/types.ts';
import { readiness } from '../../src/readiness.ts';

const NOW = 1_767_225_600_000_000;
const EMPTY: SpoolStatus = {
  batches: 0,
  messages: 0,
  points: 0,
  bytes: 0,
  maxBytes: 1_000,
  oldestAt: null,
  fault: null,
  damaged: { records: 0, bytes: 0 },
};

function spoolCheck(spool: SpoolStatus | null): { ok: boolean; detail: string } | undefined {
  const state: PipelineState = {
    stats: new BalanceSheet('2026-01-01T00:00:00Z', emptyTotals()).snapshot(),
    untold: { messages: 0, points: 0 },
    queue: { points: 0, bytes: 0, batches: 0 },
    maximum: { points: 1, bytes: 1 },
    pressure: 'open',
    lastCommitAt: null,
    oldestInFlightAt: null,
    oldestWaits: 0,
    drainWaits: 0,
    spool,
  };
  return (readiness(null, null, state, NOW).checks as Record<string, { ok: boolean; detail: string }>)[
    'spool'
  ];
}

test('without a spool it is not asked for; one that holds messages is fine and says how many', () => {
  assert.equal(spoolCheck(null), undefined);
  assert.deepEqual(spoolCheck(EMPTY), { ok: true, detail: 'empty' });
  assert.deepEqual(
    spoolCheck({ ...EMPTY, batches: 2, messages: 5, bytes: 400, oldestAt: NOW - 90_000_000 }),
    {
      ok: true,
      detail: '2 batches, 400 of 1000 bytes, the oldest message waits for 90 s',
    },
  );
});

test('one that is full, or failed, is not', () => {
  assert.equal(spoolCheck({ ...EMPTY, batches: 2, bytes: 1_000 })?.ok, false);
  assert.deepEqual(spoolCheck({ ...EMPTY, fault: 'no space left on device' }), {
    ok: false,
    detail: 'no space left on device',
  });
});
