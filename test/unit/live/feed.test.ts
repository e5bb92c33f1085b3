import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LiveFeed, type LiveFeedOptions } from '../../../src/live/feed.ts';
import type { LiveListener } from '../../../src/live/listener.ts';
import type { LivePoint } from '../../../src/live/types.ts';
import { emptyTotals } from '../../../src/pipeline/balance-sheet.ts';
import type { Batch, WriteReport } from '../../../src/pipeline/types.ts';
import { batches, change, message, NEW_YEAR, point, SECOND } from '../pipeline/messages.ts';

const everything = { devices: null, metrics: null, match: '*', visible: null };

function openFeed(options: Partial<LiveFeedOptions> = {}): LiveFeed {
  const stored = () => assert.fail('nothing has to be looked up');
  return new LiveFeed({ listeners: 2, room: 100, stored, ...options });
}

function report(more: Partial<WriteReport> & { duplicate?: number } = {}): WriteReport {
  const { duplicate = 0, ...rest } = more;
  const totals = emptyTotals();
  totals.points.duplicate = duplicate;
  return { totals, refused: [], unchanged: 0, expired: 0, ...rest };
}

function commit(feed: LiveFeed, batch: Batch, its = report()): void {
  feed.observer.committed(batch, its, 0, 0);
}

async function news(listener: LiveListener): Promise<unknown> {
  const taken = await listener.take(0);
  return (
    taken && [
      taken.lost,
      taken.points.map(({ deviceId, metricName, value }) => [deviceId, metricName, value].join(' ')),
    ]
  );
}

test('each listener gets the points that it wants, numbers and texts, of batch after batch', async () => {
  const feed = openFeed();
  const next = batches();
  commit(feed, next(point('a', 'x', NEW_YEAR, 0)));
  const all = feed.listen(everything) as LiveListener;
  const some = feed.listen({ ...everything, devices: ['a', 'c'], metrics: ['x'] }) as LiveListener;
  const batch = next(
    point('a', 'x', NEW_YEAR, 1),
    point('a', 'y', NEW_YEAR, 2),
    change('b', 'x', NEW_YEAR, 'on'),
  );
  commit(feed, batch);
  assert.deepEqual(await all.take(0), {
    lost: 0,
    unseen: null,
    late: [],
    points: [
      { deviceId: 'a', metricName: 'x', value: 1, timestamp: NEW_YEAR },
      { deviceId: 'a', metricName: 'y', value: 2, timestamp: NEW_YEAR },
      { deviceId: 'b', metricName: 'x', value: 'on', timestamp: NEW_YEAR },
    ],
  });
  assert.deepEqual(await news(some), [0, ['a x 1']]);
  commit(feed, next(point('a', 'x', NEW_YEAR + 1, 3)));
  assert.deepEqual(await news(all), [0, ['a x 3']]);
  assert.deepEqual(await news(some), [0, ['a x 3']]);
  assert.deepEqual(await news(some), [0, []]);
});

test('without a listener, or one for its series, a batch is not looked at', () => {
  const feed = openFeed();
  const batch = batches()(point('a', 'x', NEW_YEAR, 1));
  const untouched = {
    ...batch,
    get points(): never {
      return assert.fail('no point is looked at');
    },
  };
  commit(feed, untouched);
  feed.listen({ ...everything, match: 'b*' });
  commit(feed, untouched);
  const gone = feed.listen(everything);
  gone?.close();
  commit(feed, untouched);
});

test('somebody who waits is woken by news, and by the end', async () => {
  const feed = openFeed();
  const listener = feed.listen(everything) as LiveListener;
  const waiting = listener.take(60_000);
  commit(feed, batches()(point('a', 'x', NEW_YEAR, 1)));
  assert.equal((await waiting)?.points.length, 1);
  const ending = listener.take(60_000);
  feed.close();
  assert.equal(await ending, null);
  assert.equal(await listener.take(60_000), null);
});

test('a full listener loses the oldest, and is told how many', async () => {
  const feed = openFeed({ room: 3 });
  const listener = feed.listen(everything) as LiveListener;
  const next = batches();
  for (let value = 0; value < 20; value++) commit(feed, next(point('a', 'x', NEW_YEAR + value, value)));
  assert.deepEqual(await news(listener), [17, ['a x 17', 'a x 18', 'a x 19']]);
  assert.deepEqual(await news(listener), [0, []]);
});

test('no more listen than may, until one leaves', () => {
  const feed = openFeed({ listeners: 1 });
  const first = feed.listen(everything);
  assert.equal(feed.listen(everything), null);
  first?.close();
  first?.close();
  assert.notEqual(feed.listen(everything), null);
  assert.equal(feed.listen(everything), null);
});

test('a batch with anything but new points tells what is stored, before those that come later', async () => {
  for (const its of [report({ duplicate: 1 }), report({ unchanged: 1 }), report({ expired: 1 })]) {
    const asked = Promise.withResolvers<readonly LivePoint[]>();
    const answer = Promise.withResolvers<readonly LivePoint[]>();
    const stored: LiveFeedOptions['stored'] = async (points) => {
      asked.resolve(points);
      return await answer.promise;
    };
    let calls = 0;
    const feed = openFeed({ stored: (points) => (calls++ === 0 ? stored(points) : Promise.resolve(points)) });
    const listener = feed.listen(everything) as LiveListener;
    const next = batches();
    const twice = [point('a', 'x', NEW_YEAR, 1), point('a', 'x', NEW_YEAR, 1)];
    commit(feed, next(...twice, point('a', 'x', NEW_YEAR + 1, 2), point('a', 'x', NEW_YEAR + 2, 3)), its);
    commit(feed, next(point('a', 'x', NEW_YEAR + 3, 4)));
    const points = await asked.promise;
    assert.deepEqual(
      points.map(({ value }) => value),
      [1, 1, 2, 3],
    );
    assert.deepEqual(await news(listener), [0, []]);
    answer.resolve([points[0] as LivePoint, { ...(points[2] as LivePoint), value: 20 }]);
    const heard: unknown[] = [];
    while (heard.length < 3)
      heard.push(...((await listener.take(60_000))?.points ?? []).map(({ value }) => value));
    assert.deepEqual(heard, [1, 20, 4]);
  }
});

test('what cannot be held against what is stored is lost, and later points come again', async () => {
  let away = true;
  const stored: LiveFeedOptions['stored'] = async (points) => {
    if (away) throw new Error('the database is away');
    return points;
  };
  const feed = openFeed({ stored });
  const listener = feed.listen(everything) as LiveListener;
  const next = batches();
  const two = message((out) => {
    for (const value of [1, 2]) out.number('a', 'x', NEW_YEAR + value * SECOND, value, 'gauge');
  });
  commit(feed, next(two), report({ duplicate: 1 }));
  assert.deepEqual(await listener.take(60_000), { lost: 2, unseen: null, late: [], points: [] });
  away = false;
  commit(feed, next(point('a', 'x', NEW_YEAR, 3)), report({ duplicate: 1 }));
  assert.equal((await listener.take(60_000))?.points[0]?.value, 3);
});

test('what waits to be held against what is stored has a bound', async () => {
  const answer = Promise.withResolvers<void>();
  const stored: LiveFeedOptions['stored'] = async (points) => {
    await answer.promise;
    return points;
  };
  const feed = openFeed({ room: 2, stored });
  const listener = feed.listen(everything) as LiveListener;
  const next = batches();
  for (let value = 0; value < 10; value++)
    commit(feed, next(point('a', 'x', NEW_YEAR + value, value)), report({ duplicate: 1 }));
  assert.equal((await listener.take(60_000))?.lost, 7);
  answer.resolve();
});
