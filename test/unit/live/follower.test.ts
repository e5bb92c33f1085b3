import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LiveFollower, type NewPoints } from '../../../src/live/follower.ts';
import type { LiveListener } from '../../../src/live/listener.ts';
import type { LateArrival, LiveQuestion } from '../../../src/live/types.ts';

const EVERYTHING: LiveQuestion = { devices: null, metrics: null, match: '*', visible: null };
const NOTHING = { lost: 0, unseen: null, late: [], points: [] };
const point = (value: number) => ({ deviceId: 'a', metricName: 'x', value, timestamp: value });

function openFollower(follow: (question: LiveQuestion) => NewPoints): LiveFollower {
  return new LiveFollower({ listeners: 1, room: 2, every: 1, follow });
}

test('look after look is handed on, past a database that is away, until it is closed', async () => {
  const asked: LiveQuestion[] = [];
  const [fourth, ended] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const [first, second, third] = [1, 2, 3].map((count) => ({
    deviceId: 'a',
    metricName: 'x',
    first: 1,
    last: 9,
    count,
  }));
  const looked = {
    lost: 4,
    unseen: 'then',
    late: [first, second, third] as LateArrival[],
    points: [point(1), point(2), point(3)],
  };
  let looks = 0;
  const follower = openFollower((question) => {
    asked.push(question);
    return async (signal) => {
      looks++;
      if (looks === 1) return NOTHING;
      if (looks === 2) throw new Error('the database is away');
      if (looks === 3) return looked;
      signal.addEventListener('abort', () => ended.resolve(), { once: true });
      fourth.resolve();
      await ended.promise;
      return { ...NOTHING, points: [point(4)] };
    };
  });
  const question = { ...EVERYTHING, devices: ['a'] };
  const listener = follower.listen(question) as LiveListener;
  assert.equal(follower.listen(EVERYTHING), null, 'no more than may');
  // Four that were not found, three and one that there was no room for.
  assert.deepEqual(await listener.take(60_000), {
    lost: 8,
    unseen: 'then',
    late: [first, second],
    points: [point(2), point(3)],
  });
  assert.deepEqual(asked, [question]);
  await fourth.promise;
  follower.close();
  await ended.promise;
  assert.equal(await listener.take(60_000), null);
  assert.equal(looks, 4);
});
