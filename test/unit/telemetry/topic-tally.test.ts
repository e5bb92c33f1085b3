import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { TopicTally } from '../../../src/telemetry/topic-tally.ts';

test('few topics are counted exactly, and anew after each look', () => {
  const tally = new TopicTally();
  assert.equal(tally.take(), null);
  for (const topic of ['a', 'b', 'b', 'c', 'b']) tally.add(topic);
  assert.deepEqual(tally.take(), { topic: 'b', count: 3 });
  assert.equal(tally.take(), null);
});

test('a topic that brings much is found among any number of others, and never said to have brought more', () => {
  fc.assert(
    fc.property(
      fc.infiniteStream(fc.nat({ max: 9 })),
      fc.integer({ min: 1_000, max: 5_000 }),
      (dice, length) => {
        const tally = new TopicTally();
        let loud = 0;
        for (let index = 0; index < length; index++) {
          const isLoud = (dice.next().value ?? 0) < 2 || index % 10 === 0;
          if (isLoud) loud++;
          tally.add(isLoud ? 'loud' : `quiet/${index}`);
        }
        const most = tally.take();
        assert.equal(most?.topic, 'loud');
        assert.ok(most.count <= loud, `${most.count} of ${loud}`);
      },
    ),
    { numRuns: 30 },
  );
});

test('a topic of 65,535 characters is cut', () => {
  const tally = new TopicTally();
  tally.add('🌡'.repeat(32_767));
  assert.ok((tally.take()?.topic.length ?? 0) < 210);
});
