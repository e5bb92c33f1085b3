import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeptReading } from '../../../src/postgres/kept-reading.ts';

test('a reading is kept for so many times as long as it took, and shared by who asks meanwhile', async () => {
  let now = 0;
  let readings = 0;
  const reading = new KeptReading(
    async () => {
      now += 100;
      return ++readings;
    },
    20,
    () => now,
  );
  assert.deepEqual(await Promise.all([reading.ask(), reading.ask(), reading.ask()]), [1, 1, 1]);
  now = 2_099;
  assert.equal(await reading.ask(), 1);
  now = 2_100;
  assert.equal(await reading.ask(), 2);
});

test('what takes no time is read each time, and what fails is not kept', async () => {
  const results = [1, 2, new Error('away'), 3];
  const reading = new KeptReading(
    async () => {
      const result = results.shift();
      if (result instanceof Error) throw result;
      return result;
    },
    20,
    () => 0,
  );
  assert.equal(await reading.ask(), 1);
  assert.equal(await reading.ask(), 2);
  await assert.rejects(reading.ask(), /away/);
  assert.equal(await reading.ask(), 3);
});
