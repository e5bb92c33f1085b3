import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PipelineState } from '../../../src/pipeline/types.ts';
import { mergedState } from '../../../src/workers/merged.ts';

const ONE: PipelineState = {
  stats: {
    since: '2026-01-01T00:00:00Z',
    balanced: true,
    messages: {
      received: 10,
      settled: 4,
      ignored: 1,
      dead_lettered: 1,
      dropped: 1,
      in_flight: 2,
      spooled: 1,
    },
    points: {
      decoded: 20,
      stored: 9,
      duplicate: 1,
      conflict: 1,
      dead_lettered: 1,
      dropped: 1,
      in_flight: 4,
      spooled: 3,
    },
  },
  untold: { messages: 1, points: 2 },
  queue: { points: 4, bytes: 500, batches: 1 },
  maximum: { points: 100, bytes: 1_000 },
  pressure: 'full',
  lastCommitAt: 7,
  oldestInFlightAt: null,
  oldestWaits: 3,
  drainWaits: 0,
  spool: {
    batches: 1,
    messages: 1,
    points: 3,
    bytes: 60,
    maxBytes: 900,
    oldestAt: 5,
    fault: null,
    damaged: { records: 1, bytes: 10 },
  },
};

test('of several processes amounts are summed, of the rest the worst is told', () => {
  const other: PipelineState = {
    ...ONE,
    stats: { ...ONE.stats, since: '2025-06-01T00:00:00Z', balanced: false },
    pressure: 'open',
    lastCommitAt: null,
    oldestInFlightAt: 6,
    oldestWaits: 1,
    drainWaits: 9,
    spool: ONE.spool && { ...ONE.spool, oldestAt: 2, fault: 'no space left' },
  };
  const merged = mergedState([ONE, other, { ...ONE, spool: null }]);
  assert.deepEqual(merged, {
    stats: {
      since: '2025-06-01T00:00:00Z',
      balanced: false,
      messages: {
        received: 30,
        settled: 12,
        ignored: 3,
        dead_lettered: 3,
        dropped: 3,
        in_flight: 6,
        spooled: 3,
      },
      points: {
        decoded: 60,
        stored: 27,
        duplicate: 3,
        conflict: 3,
        dead_lettered: 3,
        dropped: 3,
        in_flight: 12,
        spooled: 9,
      },
    },
    untold: { messages: 3, points: 6 },
    queue: { points: 12, bytes: 1_500, batches: 3 },
    maximum: { points: 300, bytes: 3_000 },
    pressure: 'full',
    lastCommitAt: 7,
    oldestInFlightAt: 6,
    oldestWaits: 3,
    drainWaits: 9,
    spool: {
      batches: 2,
      messages: 2,
      points: 6,
      bytes: 120,
      maxBytes: 1_800,
      oldestAt: 2,
      fault: 'no space left',
      damaged: { records: 2, bytes: 20 },
    },
  });
});
