import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WriteError } from '../../../src/errors.ts';
import type { Batch } from '../../../src/pipeline/types.ts';
import { Progress } from '../../../src/systemd/progress.ts';

/** Hung after 1 + 3 * 10 + 30 seconds. */
function progress(): {
  progress: Progress;
  pass: (seconds: number) => void;
  hung: (waits: number, drainWaits?: number) => string | null;
} {
  let now = 0;
  const made = new Progress({ gathering: 1_000, statement: 10_000 }, () => now);
  return {
    progress: made,
    pass: (seconds) => (now += seconds * 1000),
    hung: (oldestWaits, drainWaits = 0) => made.hung({ oldestWaits, drainWaits })?.what ?? null,
  };
}

test('a batch of which nothing is heard any more is hung, and no sooner than an attempt may take', () => {
  const { pass, hung } = progress();
  pass(60);
  assert.equal(hung(60), null);
  pass(2);
  assert.equal(hung(62), 'a batch in hand');
});

test('nothing in hand is no standstill, however long nothing ended', () => {
  const { pass, hung } = progress();
  pass(100_000);
  assert.equal(hung(0), null);
  assert.equal(hung(61), null, 'a message that just came');
});

test('a database that is away for days is tried again and again: nothing hangs', () => {
  const { progress: made, pass, hung } = progress();
  for (let minute = 1; minute < 5000; minute++) {
    pass(60);
    made.observer.writeFailed(new WriteError('retry', null, 'away'), minute, 1);
    assert.equal(hung(minute * 60), null);
  }
  pass(62);
  assert.equal(hung(300_000), 'a batch in hand', 'and then not even that');
});

test('the drain of the spool hangs although live batches get on, and no sooner than a write may take', () => {
  const { progress: made, pass, hung } = progress();
  for (let second = 1; second < 1000; second++) {
    pass(1);
    made.observer.spooled({} as Batch, 0);
    assert.equal(hung(1, second), second > 630 ? 'the drain of the spool' : null);
  }
  assert.equal(hung(1, 0), null, 'it goes on, or has nothing to do');
});
