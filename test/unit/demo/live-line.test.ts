import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LiveLine } from '../../../src/demo/live-line.ts';
import type { PipelineState } from '../../../src/pipeline/types.ts';
import { IDLE } from '../../support/pipeline-states.ts';

function state(
  received: number,
  stored: number,
  queued: number,
  oldestInFlightAt: number | null,
): PipelineState {
  const { messages, points } = IDLE.stats;
  return {
    ...IDLE,
    stats: { ...IDLE.stats, messages: { ...messages, received }, points: { ...points, stored } },
    queue: { ...IDLE.queue, points: queued },
    oldestInFlightAt,
  };
}

test('says the rates since the look before', () => {
  const live = new LiveLine();
  assert.match(
    live.describe(state(1_000, 900, 0, null), 0),
    /^received 0\/s {2}stored 0\/s {2}queue 0 {2}lag 0 ms/,
  );
  assert.equal(
    live.describe(state(1_400, 1_500, 7, 1_750_000), 2_000_000),
    'received 200/s  stored 300/s  queue 7  lag 250 ms  1,500 points in all',
  );
  assert.match(live.describe(state(1_400, 1_500, 7, 1_750_000), 5_000_000), /^received 0\/s .* lag 3\.3 s/);
});
