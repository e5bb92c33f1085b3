import assert from 'node:assert/strict';
import { test } from 'node:test';
import { at, openSink, points } from '../postgres/sinks.ts';
import { openEngine, runJob } from './engines.ts';
import { createHypertableDatabase, WITH_TIMESCALEDB } from './server.ts';

test('iot_aggregate gives the same from a level as from points', WITH_TIMESCALEDB, async () => {
  await using database = await createHypertableDatabase();
  await using sink = openSink(database, { engine: 'timescaledb' });
  // The clock of Berlin goes back on 2025-10-26.
  const start = at('2025-10-24T22:00:00Z');
  const all = Array.from({ length: 5000 }, (_, index) => ({
    device: 'a',
    metric: 'x',
    time: start + index * 61_000_000,
    value: index % 97,
  }));
  await sink.put(points(all));
  const ask = async (bucket: string, tz: string) =>
    await database.query<{ bucket: Date; count: number; sum_value: number; increase: number }>(
      `SELECT bucket, count::int, sum_value, increase, first_value, last_time, round(stddev_value::numeric, 9) AS stddev,
         round(time_weighted_avg::numeric, 9) AS weighted
       FROM iot_aggregate('a', 'x', '2025-10-24 22:00Z', '2025-10-28Z', $1::interval, $2)`,
      [bucket, tz],
    );
  const wanted = [
    ['1 day', 'Europe/Berlin'],
    ['1 hour', 'Asia/Kathmandu'],
    ['1 hour', 'UTC'],
    ['10 minutes', 'UTC'],
    ['30 seconds', 'UTC'],
  ] as const;
  const live = new Map<string, unknown>();
  for (const [bucket, tz] of wanted) live.set(bucket + tz, await ask(bucket, tz));
  await runJob(openEngine(database), 'aggregates');
  for (const [bucket, tz] of wanted) assert.deepEqual(await ask(bucket, tz), live.get(bucket + tz));
  const days = await ask('1 day', 'Europe/Berlin');
  assert.deepEqual(
    days.map((row) => row.bucket.toISOString()),
    [
      '2025-10-24T22:00:00.000Z',
      '2025-10-25T22:00:00.000Z',
      '2025-10-26T23:00:00.000Z',
      '2025-10-27T23:00:00.000Z',
    ],
  );
  const inDays = all.map(({ time }) => days.findLast((row) => row.bucket.getTime() * 1000 <= time));
  assert.deepEqual(
    days.map((row) => inDays.filter((day) => day === row).length),
    days.map((row) => row.count),
  );
});
