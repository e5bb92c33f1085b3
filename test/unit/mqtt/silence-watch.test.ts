import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SilenceWatch } from '../../../src/mqtt/silence-watch.ts';

test('calls back when it was quiet for the limit, and once', (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  let quiet = 0;
  const heard: number[] = [];
  const watch = new SilenceWatch(
    1_000,
    () => quiet,
    (ms) => heard.push(ms),
  );
  watch.start();
  quiet = 400;
  context.mock.timers.tick(1_000);
  assert.deepEqual(heard, []);
  quiet = 1_000;
  context.mock.timers.tick(599);
  assert.deepEqual(heard, []);
  context.mock.timers.tick(1);
  assert.deepEqual(heard, [1_000]);
  context.mock.timers.tick(10_000);
  assert.deepEqual(heard, [1_000]);
});

test('waits on while silence means nothing', (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  let quiet: number | null = null;
  const heard: number[] = [];
  const watch = new SilenceWatch(
    1_000,
    () => quiet,
    (ms) => heard.push(ms),
  );
  watch.start();
  context.mock.timers.tick(5_000);
  quiet = 2_000;
  context.mock.timers.tick(1_000);
  assert.deepEqual(heard, [2_000]);
});

test('stop ends it', (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const heard: number[] = [];
  const watch = new SilenceWatch(
    1_000,
    () => 5_000,
    (ms) => heard.push(ms),
  );
  watch.start();
  watch.stop();
  context.mock.timers.tick(5_000);
  assert.deepEqual(heard, []);
});
