import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JobContext } from '../../../src/scheduler/types.ts';
import { job, TestClock, testScheduler, TestStore } from './ports.ts';

function world() {
  const clock = new TestClock();
  return { clock, store: new TestStore(clock) };
}

test('each job runs at once and then in step with its starts', async () => {
  const { clock, store } = world();
  const jobs = [job('quick', 10_000), job('rare', 60_000)];
  const { scheduler, told } = testScheduler(clock, store, jobs);
  scheduler.start();
  await clock.pass(30_000);
  assert.deepEqual(store.runs(), ['quick@0', 'rare@0', 'quick@10000', 'quick@20000', 'quick@30000']);
  assert.equal(told[0], 'led 1');
  assert.equal(scheduler.role, 'leading');
  await scheduler.stop();
  assert.equal(store.held, null, 'the lead is given up');
});

test('after downtime a job runs once, however often it was missed', async () => {
  const { clock, store } = world();
  store.jobs.set('quick', { every: 10_000, nextRun: 0, failures: 0 });
  await clock.pass(1_000_000);
  const { scheduler } = testScheduler(clock, store, [job('quick', 10_000)]);
  scheduler.start();
  await clock.pass(9_999);
  assert.deepEqual(store.runs(), ['quick@1000000']);
  await scheduler.stop();
});

test('a long run is not overtaken by itself, nor does it hold up others; the next one is in step', async () => {
  const { clock, store } = world();
  const slow = job('slow', 10_000, async ({ signal }) => {
    await clock.sleep(25_000, signal);
    return { rows: 0, detail: '' };
  });
  const { scheduler } = testScheduler(clock, store, [slow, job('quick', 10_000)]);
  scheduler.start();
  await clock.pass(30_000);
  assert.deepEqual(store.runs(), ['quick@0', 'quick@10000', 'quick@20000', 'slow@0', 'quick@30000']);
  assert.deepEqual([...store.locked], ['slow'], 'again, at 30 s');
  await scheduler.stop();
});

test('one that fails comes again later and later, and in step once it succeeds', async () => {
  const { clock, store } = world();
  let fails = true;
  const shaky = job('shaky', 60_000, () => {
    if (fails) throw new Error('no luck');
    return { rows: 1, detail: '' };
  });
  const { scheduler, told } = testScheduler(clock, store, [shaky]);
  scheduler.start();
  await clock.pass(7 * 60_000);
  assert.deepEqual(store.runs(), ['shaky@0!', 'shaky@60000!', 'shaky@180000!', 'shaky@420000!']);
  assert.equal(told.at(-1), 'shaky failed 4: no luck');
  fails = false;
  await clock.pass(9 * 60_000);
  assert.deepEqual(store.runs().slice(4), ['shaky@900000', 'shaky@960000']);
  assert.equal(told.at(-1), 'shaky succeeded 0');
  await scheduler.stop();
});

test('only one of two leads, the other within seconds of its end', async () => {
  const { clock, store } = world();
  const epochs: number[] = [];
  const watched = job('watched', 1_000, ({ epoch }) => {
    epochs.push(epoch);
    return { rows: 0, detail: '' };
  });
  const first = testScheduler(clock, store, [watched]);
  const second = testScheduler(clock, store, [watched]);
  first.scheduler.start();
  second.scheduler.start();
  await clock.pass(3_000);
  assert.deepEqual([first.scheduler.role, second.scheduler.role], ['leading', 'following']);
  assert.deepEqual(epochs, [1, 1, 1, 1]);
  await first.scheduler.stop();
  await clock.pass(2_000);
  assert.equal(second.scheduler.role, 'leading');
  assert.deepEqual(first.told.at(-1), 'followed');
  assert.deepEqual(new Set(epochs.slice(4)), new Set([2]));
  await second.scheduler.stop();
});

test('a lost lead ends the runs; what was interrupted is no failure and due at once', async () => {
  const { clock, store } = world();
  const contexts: JobContext[] = [];
  const long = job('long', 60_000, async (context) => {
    contexts.push(context);
    await clock.sleep(30_000, context.signal);
    context.signal.throwIfAborted();
    return { rows: 0, detail: '' };
  });
  const { scheduler, leadership, told } = testScheduler(clock, store, [long]);
  scheduler.start();
  await clock.pass(10_000);
  leadership.lose();
  await clock.pass(0);
  assert.deepEqual(store.runs(), ['long@0!']);
  assert.equal(told[1], 'long failed 0: interrupted: the lead was lost');
  assert.equal(scheduler.role, 'following');
  await clock.pass(2_000);
  assert.deepEqual(
    contexts.map(({ epoch }) => epoch),
    [1, 2],
  );
  await scheduler.stop();
});

test('the store away: it says so, goes on, and leads again', async () => {
  const { clock, store } = world();
  const { scheduler, told } = testScheduler(clock, store, [job('quick', 10_000)]);
  scheduler.start();
  await clock.pass(0);
  store.fault = new Error('no answer');
  await clock.pass(9_000);
  assert.equal(scheduler.role, 'disconnected');
  assert.deepEqual(told.slice(0, 4), ['led 1', 'quick succeeded 0', 'followed', 'troubled: no answer']);
  store.fault = null;
  await clock.pass(3_000);
  assert.equal(scheduler.role, 'leading');
  assert.equal(store.runs().length, 2);
  await scheduler.stop();
});

test('a run that cannot be recorded ends the lead instead of running again and again', async () => {
  const { clock, store } = world();
  const breaking = job('breaking', 10_000, () => {
    store.fault = new Error('permission denied');
    return { rows: 0, detail: '' };
  });
  const { scheduler, told } = testScheduler(clock, store, [breaking]);
  scheduler.start();
  await clock.pass(1_000);
  assert.deepEqual(told, ['led 1', 'followed', 'troubled: permission denied']);
  await scheduler.stop();
});

test('a job that heeds no signal does not hold up the end, and does not run twice', async () => {
  const { clock, store } = world();
  let begun = 0;
  const deaf = job('deaf', 1_000, () => {
    begun++;
    return new Promise<never>(() => {});
  });
  const { scheduler, leadership } = testScheduler(clock, store, [deaf]);
  scheduler.start();
  await clock.pass(1_000);
  leadership.lose();
  await clock.pass(20_000);
  assert.equal(scheduler.role, 'leading', 'again');
  assert.equal(begun, 1);
  const stopped = scheduler.stop();
  await clock.pass(10_000);
  await stopped;
  assert.equal(store.held, null);
});

test('stopped before it was started, and twice', async () => {
  const { clock, store } = world();
  const { scheduler } = testScheduler(clock, store, []);
  await scheduler.stop();
  await scheduler.stop();
  assert.equal(clock.sleepers, 0);
});
