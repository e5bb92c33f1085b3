import assert from 'node:assert/strict';
import { test } from 'node:test';
import { routeDefaults } from '../../../src/config/route.ts';
import { createDecoder } from '../../../src/decode/decoder.ts';
import { BatchBuilder } from '../../../src/pipeline/batch-builder.ts';
import { SeriesRegistry } from '../../../src/pipeline/series-registry.ts';
import type { DropReason } from '../../../src/pipeline/types.ts';
import { message, TAKE_ALL } from '../pipeline/messages.ts';

const LIMITS = {
  messageBytes: 1_000,
  pointsPerMessage: 100,
  namesPerMessage: 1_000,
  nesting: 10,
  nameLength: 100,
  textLength: 100,
};
const PAYLOAD = '[{"m": "a", "v": 1, "t": 1767225600}, {"m": "b", "v": 2}, {"m": "c", "v": "text"}]';

function decoded(onBacklog: 'store' | 'skip' | 'dead_letter', backlog: boolean) {
  const route = {
    ...routeDefaults(),
    name: 'r',
    topic: 'devices/{device_id}',
    each: '$',
    metric_name: '@.m',
    value: '@.v',
    timestamp: '@.t',
    on_backlog: onBacklog,
  };
  const drops: DropReason[] = [];
  const builder = new BatchBuilder(
    createDecoder([route], LIMITS),
    new SeriesRegistry(100),
    TAKE_ALL,
    (reason) => drops.push(reason),
  );
  builder.add(message(() => {}, { topic: 'devices/d', payload: Buffer.from(PAYLOAD), backlog }));
  const { points, texts, deadLetters } = builder.seal();
  return [points.length, texts.length, drops, deadLetters.map(({ code, points }) => [code, points])] as const;
}

test('values without a time of a message that waited at the broker follow on_backlog; others are stored', () => {
  assert.deepEqual(decoded('store', true), [2, 1, [], []]);
  assert.deepEqual(decoded('skip', true), [1, 0, ['backlog_skipped', 'backlog_skipped'], []]);
  assert.deepEqual(decoded('dead_letter', true), [1, 0, [], [['backlog', 2]]]);
});

test('of a message that came at once on_backlog says nothing', () => {
  for (const onBacklog of ['skip', 'dead_letter'] as const) {
    assert.deepEqual(decoded(onBacklog, false), [2, 1, [], []]);
  }
});
