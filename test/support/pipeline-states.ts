import { BalanceSheet, emptyTotals } from '../../src/pipeline/balance-sheet.ts';
import type { PipelineState } from '../../src/pipeline/types.ts';

/** Of a pipeline that has seen nothing. */
export const IDLE: PipelineState = {
  stats: new BalanceSheet('2026-01-01T00:00:00Z', emptyTotals()).snapshot(),
  untold: { messages: 0, points: 0 },
  queue: { points: 0, bytes: 0, batches: 0 },
  maximum: { points: 1, bytes: 1 },
  pressure: 'open',
  lastCommitAt: null,
  oldestInFlightAt: null,
  oldestWaits: 0,
  drainWaits: 0,
  spool: null,
};

/** Of one that is full, with amounts that can be told apart. */
export const BUSY: PipelineState = {
  stats: {
    since: '2026-01-01T00:00:00Z',
    balanced: true,
    messages: {
      received: 21,
      settled: 11,
      ignored: 1,
      dead_lettered: 2,
      dropped: 3,
      in_flight: 4,
      spooled: 0,
    },
    points: {
      decoded: 46,
      stored: 30,
      duplicate: 1,
      conflict: 2,
      dead_lettered: 3,
      dropped: 4,
      in_flight: 6,
      spooled: 0,
    },
  },
  untold: { messages: 0, points: 0 },
  queue: { points: 6, bytes: 700, batches: 2 },
  maximum: { points: 100_000, bytes: 67_108_864 },
  pressure: 'full',
  lastCommitAt: 1_767_225_600_500_000,
  oldestInFlightAt: null,
  oldestWaits: 0,
  drainWaits: 0,
  spool: {
    batches: 2,
    messages: 40,
    points: 50,
    bytes: 6_000,
    maxBytes: 1_000_000,
    oldestAt: 1_767_225_600_250_000,
    fault: null,
    damaged: { records: 1, bytes: 10 },
  },
};
