import assert from 'node:assert/strict';
import { test } from 'node:test';
import { job, TestClock, testScheduler, TestStore } from './ports.ts';

const NEVER = new AbortController().signal;

function world(timeout?: number) {
  const clock = new TestClock();
  const store = new TestStore(clock);
  return { clock, store, ...testScheduler(clock, store, [], timeout) };
}

test('resolves to the recorded run', async () => {
  const { runner, store } = world();
  store.epoch = 7;
  const epochs: number[] = [];
  const work = job('work', 60_000, ({ epoch }) => {
    epochs.push(epoch);
    return { rows: 42, detail: 'counted' };
  });
  assert.deepEqual(await runner.run(work, null, NEVER), {
    job: 'work',
    startedAt: 0,
    finishedAt: 0,
    outcome: 'succeeded',
    rows: 42,
    detail: 'counted',
    error: null,
  });
  assert.deepEqual(epochs, [7], "the present leader's number");
});

test('a job is told whether somebody asked for it', async () => {
  const { runner } = world();
  const asked: unknown[] = [];
  const work = job('work', 60_000, ({ byHand }) => {
    asked.push(byHand);
    return { rows: 0, detail: '' };
  });
  await runner.run(work, null, NEVER);
  await runner.run(work, 0, NEVER);
  assert.deepEqual(asked, [true, false]);
});

test('a failed run resolves too, with its reason', async () => {
  const { runner } = world();
  const run = await runner.run(
    job('work', 60_000, () => {
      throw new Error('out of luck');
    }),
    null,
    NEVER,
  );
  assert.equal(run?.outcome, 'failed');
  assert.equal(run.error, 'out of luck');
});

test('null where the job runs already, here or elsewhere', async () => {
  const { runner, store, clock } = world();
  store.locked.add('elsewhere');
  assert.equal(await runner.run(job('elsewhere', 1_000), null, NEVER), null);
  const slow = job('here', 1_000, async ({ signal }) => {
    await clock.sleep(1_000, signal);
    return { rows: 0, detail: '' };
  });
  const first = runner.run(slow, null, NEVER);
  await clock.pass(0);
  // A session may take a lock that it has once more.
  store.locked.delete('here');
  assert.equal(await runner.run(slow, null, NEVER), null);
  await clock.pass(1_000);
  assert.equal((await first)?.outcome, 'succeeded');
});

test('its time is limited', async () => {
  const { runner, clock, store } = world(30_000);
  const slow = job('slow', 600_000, async ({ signal }) => {
    await clock.sleep(60_000, signal);
    signal.throwIfAborted();
    return { rows: 0, detail: '' };
  });
  const run = runner.run(slow, null, NEVER);
  await clock.pass(30_000);
  assert.equal((await run)?.error, 'it took longer than 30 s');
  assert.equal(store.jobs.get('slow')?.failures, 1);
  assert.equal(store.jobs.get('slow')?.nextRun, 90_000, 'a minute later, long before its interval is over');
  assert.equal(clock.sleepers, 0);
});

test('told to end before it began, the job does not begin', async () => {
  const { runner, store } = world();
  const never = job('never', 1_000, () => assert.fail('it began'));
  const run = await runner.run(never, null, AbortSignal.abort(new Error('the process stops')));
  assert.equal(run?.error, 'interrupted: the process stops');
  assert.equal(store.jobs.get('never')?.failures, 0);
});
