import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PipelineState } from '../../../src/pipeline/types.ts';
import { mergedState } from '../../../src/workers/merged.ts';
import { BUSY } from '../../support/pipeline-states.ts';

const ONE: PipelineState = {
  ...BUSY,
  stats: {
    ...BUSY.stats,
    messages: { ...BUSY.stats.messages, spooled: 1 },
    points: { ...BUSY.stats.points, spooled: 3 },
  },
  untold: { messages: 1, points: 2 },
  oldestWaits: 3,
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
        received: 63,
        settled: 33,
        ignored: 3,
        dead_lettered: 6,
        dropped: 9,
        in_flight: 12,
        spooled: 3,
      },
      points: {
        decoded: 138,
        stored: 90,
        duplicate: 3,
        conflict: 6,
        dead_lettered: 9,
        dropped: 12,
        in_flight: 18,
        spooled: 9,
      },
    },
    untold: { messages: 3, points: 6 },
    queue: { points: 18, bytes: 2_100, batches: 6 },
    maximum: { points: 300_000, bytes: 201_326_592 },
    pressure: 'full',
    lastCommitAt: BUSY.lastCommitAt,
    oldestInFlightAt: 6,
    oldestWaits: 3,
    drainWaits: 9,
    spool: {
      batches: 4,
      messages: 80,
      points: 100,
      bytes: 12_000,
      maxBytes: 2_000_000,
      oldestAt: 2,
      fault: 'no space left',
      damaged: { records: 2, bytes: 20 },
    },
  });
});
