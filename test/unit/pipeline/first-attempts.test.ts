import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WriteError } from '../../../src/errors.ts';
import { totalsOf } from '../../../src/pipeline/batch.ts';
import { FirstAttempts } from '../../../src/pipeline/first-attempts.ts';
import { batches, NEW_YEAR, point } from './messages.ts';

test('a batch that was tried before is not one whose first attempt took it', async () => {
  const seal = batches();
  const [once, twice] = [seal(point('a', 'x', NEW_YEAR, 1)), seal(point('a', 'x', NEW_YEAR + 1, 2))];
  let fails = false;
  const sink = new FirstAttempts({
    write: (batch) =>
      fails
        ? Promise.reject(new WriteError('retry', null, 'gone'))
        : Promise.resolve({ totals: totalsOf(batch), refused: [], unchanged: 0, expired: 0 }),
  });
  const { signal } = new AbortController();
  assert.equal(sink.took(once), false);
  await sink.write(once, signal);
  assert.equal(sink.took(once), true);
  fails = true;
  await assert.rejects(sink.write(twice, signal), { message: 'gone' });
  fails = false;
  await sink.write(twice, signal);
  assert.equal(sink.took(twice), false);
});
