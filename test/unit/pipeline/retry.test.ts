import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { test } from 'node:test';
import { WriteError } from '../../../src/errors.ts';
import { backoffSeconds, retried } from '../../../src/pipeline/retry.ts';

const away = () => new WriteError('retry', '57P01', 'terminating connection');

test('the wait doubles, is capped, and half of it is jitter', () => {
  const least = [1, 2, 3, 8, 20, 1e9].map((attempt) => backoffSeconds(attempt, () => 0));
  const most = [1, 2, 3, 8, 20, 1e9].map((attempt) => backoffSeconds(attempt, () => 1));
  assert.deepEqual(least, [0.05, 0.1, 0.2, 0.5, 0.5, 0.5]);
  assert.deepEqual(most, [0.1, 0.2, 0.4, 1, 1, 1]);
});

test('tries again until it succeeds, and tells of each failure', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  context.mock.method(Math, 'random', () => 1);
  const told: unknown[] = [];
  let attempts = 0;
  const result = retried(
    () => (++attempts < 4 ? Promise.reject(away()) : Promise.resolve('written')),
    new AbortController().signal,
    (error, attempt, seconds) => told.push([error.sqlstate, attempt, seconds]),
  );
  for (const [index, wait] of [100, 200, 400].entries()) {
    await turn();
    context.mock.timers.tick(wait - 1);
    await turn();
    assert.equal(attempts, index + 1);
    context.mock.timers.tick(1);
  }
  assert.equal(await result, 'written');
  assert.deepEqual(told, [
    ['57P01', 1, 0.1],
    ['57P01', 2, 0.2],
    ['57P01', 3, 0.4],
  ]);
});

for (const action of ['isolate', 'stop'] as const) {
  test(`does not repeat what asks to ${action}`, async () => {
    const told: unknown[] = [];
    const error = new WriteError(action, '23514', 'no');
    const result = retried(
      () => Promise.reject(error),
      new AbortController().signal,
      (...all) => told.push(all),
    );
    await assert.rejects(result, error);
    assert.deepEqual(told, [[error, 1, null]]);
  });
}

test('any other error is thrown as it is', async () => {
  const error = new TypeError('a fault');
  const result = retried(
    () => Promise.reject(error),
    new AbortController().signal,
    () => assert.fail(),
  );
  await assert.rejects(result, error);
});

test('an abort ends the waiting at once', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const abort = new AbortController();
  let attempts = 0;
  const result = retried(
    () => Promise.reject(++attempts && away()),
    abort.signal,
    () => {},
  );
  const rejected = assert.rejects(result, { name: 'AbortError' });
  await turn();
  abort.abort();
  await rejected;
  assert.equal(attempts, 1);
});

test('an abort during the attempt: no further one; before it: none', async () => {
  const abort = new AbortController();
  const told: unknown[] = [];
  const during = retried(
    () => {
      abort.abort(new Error('over'));
      return Promise.reject(away());
    },
    abort.signal,
    (_error, attempt, seconds) => told.push([attempt, seconds]),
  );
  await assert.rejects(during, WriteError);
  assert.deepEqual(told, [[1, null]]);
  await assert.rejects(
    retried(
      () => assert.fail(),
      abort.signal,
      () => {},
    ),
    /over/,
  );
});
