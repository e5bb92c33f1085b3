import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import * as fc from 'fast-check';
import type { OnDuplicate } from '../../../src/postgres/rows.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { DAY, message, point, SECOND } from '../../unit/pipeline/messages.ts';
import { openPostgres, runJob } from '../engines/engines.ts';
import { at, count, fate, openSink, type Point, points, series } from './sinks.ts';

const HALF_AN_HOUR = 1800 * SECOND;

let database: TestDatabase;
before(async () => {
  database = await createDatabase({ template: true });
});
after(() => database.drop());

/** Whole seconds; half an hour ago where the points of a test would reach into the chunk of the next day. */
const NOW = (() => {
  const now = Math.floor(Date.now() / 1000) * SECOND;
  return now % DAY < DAY - HALF_AN_HOUR ? now : now - HALF_AN_HOUR;
})();
const DENSE = { denseFrom: 16 };

async function stored(device: string): Promise<[time: number, value: number][]> {
  const rows = await database.query<{ time: string; value: number }>(
    `SELECT extract(epoch FROM timestamp) * 1000000 AS time, value FROM iot_data WHERE device_id = $1 ORDER BY timestamp`,
    [device],
  );
  return rows.map(({ time, value }) => [Math.round(Number(time)), value]);
}

async function segments(device: string): Promise<number> {
  return await count(
    database,
    'tidegate.segments JOIN tidegate.series USING (series_id) WHERE device_id = $1',
    device,
  );
}

test('many points of a series become segments, few become rows; readers see both at once', async () => {
  await using sink = openSink(database, DENSE);
  assert.deepEqual(fate(await sink.put(series('dense', NOW, 100), series('sparse', NOW, 15))), [115, 0, 0]);
  assert.deepEqual([await segments('dense'), await segments('sparse')], [1, 0]);
  assert.equal((await stored('dense')).length, 100);
  assert.equal(await count(database, `iot_points('dense', 'x', '-infinity', 'infinity')`), 100);
  assert.deepEqual(
    await database.query(
      `SELECT points::int, value FROM iot_series JOIN iot_latest USING (device_id) WHERE device_id = 'dense'`,
    ),
    [{ points: 100, value: 100 }],
  );
});

test('what comes again is a duplicate or a conflict; what is new beside it is stored', async () => {
  await using sink = openSink(database, DENSE);
  await sink.put(series('again', NOW, 100));
  assert.deepEqual(fate(await sink.put(series('again', NOW + 90 * SECOND, 40, 91))), [30, 10, 0]);
  assert.equal(await segments('again'), 2);
  assert.deepEqual(fate(await sink.put(series('again', NOW, 130))), [0, 130, 0]);
  assert.deepEqual(fate(await sink.put(series('again', NOW, 5, 2))), [0, 0, 5]);
  assert.deepEqual(
    fate(await sink.put(point('again', 'x', NOW + 1, 7))),
    [1, 0, 0],
    'between two points of a segment',
  );
  assert.deepEqual(fate(await sink.put(point('again', 'x', NOW + 1, 7))), [0, 1, 0]);
  assert.equal((await stored('again')).length, 131);
});

test('rows that a series has above the mark keep what they overlap from becoming segments', async () => {
  await using sink = openSink(database, DENSE);
  await sink.put(series('mixed', NOW, 20));
  await sink.put(series('mixed', NOW + 30 * SECOND, 3, 31));
  assert.deepEqual(fate(await sink.put(series('mixed', NOW + 25 * SECOND, 50, 26))), [47, 3, 0]);
  // 33 to 74 lie above the latest row.
  assert.equal(await segments('mixed'), 2);
  assert.deepEqual(fate(await sink.put(series('mixed', NOW, 75))), [5, 70, 0]);
});

test('keep_last replaces a point of a segment in an open chunk, for readers at once', async () => {
  await using sink = openSink(database, { ...DENSE, onDuplicate: 'keep_last' });
  await sink.put(series('last', NOW, 50));
  assert.deepEqual(fate(await sink.put(series('last', NOW + 10 * SECOND, 2, 100))), [0, 0, 2]);
  const values = (await stored('last')).map(([, value]) => value);
  assert.deepEqual(values.slice(9, 13), [10, 100, 101, 13]);
  assert.equal(values.length, 50);
  await sink.put(series('last', NOW + 45 * SECOND, 30, 200));
  assert.deepEqual(
    await database.query(
      `SELECT points::int, value FROM iot_series JOIN iot_latest USING (device_id) WHERE device_id = 'last'`,
    ),
    [{ points: 75, value: 229 }],
  );
});

test('messages without a time of their own are all stored, beside segments too', async () => {
  await using sink = openSink(database, DENSE);
  const arrived = (receivedAt: number, values: number) =>
    message(
      (out) => {
        for (let value = 0; value < values; value++) out.number('arrived', 'x', Number.NaN, value, 'gauge');
      },
      { receivedAt },
    );
  assert.deepEqual(fate(await sink.put(arrived(NOW, 40))), [40, 0, 0]);
  assert.equal(await segments('arrived'), 1);
  // The first of these times are taken by the segment: all of them move.
  assert.deepEqual(fate(await sink.put(arrived(NOW + 30, 40))), [40, 0, 0]);
  assert.deepEqual(fate(await sink.put(arrived(NOW, 3))), [3, 0, 0]);
  const times = (await stored('arrived')).map(([time]) => time - NOW);
  assert.deepEqual(
    times,
    Array.from({ length: 83 }, (_, index) => index),
  );
});

test('arrivals that move off a segment do not meet what comes with them', async () => {
  await using sink = openSink(database, DENSE);
  const micros = (from: number, count: number): Point[] =>
    Array.from({ length: count }, (_, index) => ({
      device: 'moved',
      metric: 'x',
      time: NOW + from + index,
      value: index,
    }));
  await sink.put(points(micros(0, 40)));
  const arrived = message((out) => out.number('moved', 'x', Number.NaN, 7, 'gauge'), { receivedAt: NOW });
  assert.deepEqual(fate(await sink.put(points(micros(40, 40)), arrived, arrived)), [42, 0, 0]);
  const times = (await stored('moved')).map(([time]) => time - NOW);
  assert.deepEqual(
    times,
    Array.from({ length: 82 }, (_, index) => index),
  );
});

test('no value loses a bit', async () => {
  await using sink = openSink(database, DENSE);
  const values = [-0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 5e-324, 1e308, 0.1];
  const all = Array.from({ length: 28 }, (_, index) => ({
    device: 'bits',
    metric: 'x',
    time: NOW + index,
    value: values[index % values.length] as number,
  }));
  await sink.put(points(all));
  assert.equal(await segments('bits'), 1);
  const found = await stored('bits');
  for (const [index, { time, value }] of all.entries())
    assert.ok(found[index]?.[0] === time && Object.is(found[index][1], value));
});

test('0 makes rows of everything, and still holds them against segments', async () => {
  await using dense = openSink(database, DENSE);
  await using sparse = openSink(database, { clientId: 'sparse' });
  await dense.put(series('off', NOW, 20));
  assert.deepEqual(fate(await sparse.put(series('off', NOW, 40))), [20, 20, 0]);
  assert.equal(await segments('off'), 1);
});

test('a run that crosses chunks, closed ones too, is divided among them', async () => {
  const day = at('2024-01-10T00:00:00Z');
  await using sink = openSink(database, DENSE);
  await sink.put(
    series('other', day - 86_400 * SECOND, 1_000),
    series('other', day, 1_000),
    series('other', day + 86_400 * SECOND, 1_000),
  );
  await openPostgres(database).compress('points_20240110_000000');
  const run = Array.from({ length: 300 }, (_, index) => ({
    device: 'crossing',
    metric: 'x',
    time: day - 86_400 * SECOND + index * 864 * SECOND,
    value: index,
  }));
  assert.deepEqual(fate(await sink.put(points(run))), [300, 0, 0]);
  assert.equal(await segments('crossing'), 2);
  assert.equal(
    await count(
      database,
      'tidegate.points_late JOIN tidegate.series USING (series_id) WHERE device_id = $1',
      'crossing',
    ),
    100,
  );
  assert.deepEqual(fate(await sink.put(points(run))), [0, 300, 0]);
});

interface Write {
  readonly sink: number;
  readonly runs: readonly {
    readonly device: string;
    readonly from: number;
    readonly count: number;
    readonly step: number;
    readonly value: number;
  }[];
}
type Step =
  | { readonly do: 'write'; readonly write: Write }
  | { readonly do: 'merge' | 'compress' | 'decompress' | 'late' };

const run = fc.record({
  device: fc.constantFrom('a', 'b', 'c'),
  from: fc.integer({ min: 0, max: 60 }),
  count: fc.constantFrom(1, 2, 5, 12),
  step: fc.integer({ min: 1, max: 3 }),
  value: fc.integer({ min: 0, max: 1 }),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('write' as const),
      write: fc.record({ sink: fc.nat(1), runs: fc.array(run, { minLength: 1, maxLength: 4 }) }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom('merge' as const, 'compress' as const, 'decompress' as const, 'late' as const),
    }),
  },
);

for (const onDuplicate of ['keep_first', 'keep_last'] as const satisfies readonly OnDuplicate[]) {
  test(`property: whatever becomes segments, and when, what is stored and counted is as a model says (${onDuplicate})`, async () => {
    const engine = openPostgres(database);
    await using first = openSink(database, { denseFrom: 3, onDuplicate, clientId: 'first' });
    await using second = openSink(database, { denseFrom: 5, onDuplicate, clientId: 'second' });
    let days = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 20 }), async (steps) => {
        const day = at('2023-01-01T00:00:00Z') + days++ * 86_400 * SECOND;
        const chunk = `points_${new Date(day / 1000).toISOString().slice(0, 10).replaceAll('-', '')}_000000`;
        const name = (device: string) => `${onDuplicate} ${days} ${device}`;
        // Opens the chunk.
        await first.put(series(name('many'), day + 3_600 * SECOND, 1_000));
        const model = new Map<string, number>();
        for (const one of steps) {
          if (one.do === 'write') {
            const sent = one.write.runs.flatMap(({ device, from, count: length, step: width, value }) =>
              Array.from(
                { length },
                (_, index): Point => ({
                  device: name(device),
                  metric: 'x',
                  time: day + (from + index * width) * SECOND,
                  value,
                }),
              ),
            );
            const expected: [number, number, number] = [0, 0, 0];
            // Within a batch the first or last of a key, by arrival, is the one that is held against what is there.
            const fates = (key: string, value: number): void => {
              const there = model.get(key);
              expected[there === undefined ? 0 : there === value ? 1 : 2]++;
              if (there === undefined || onDuplicate === 'keep_last') model.set(key, value);
            };
            const distinct = new Map<string, number>();
            for (const { device, time, value } of sent) {
              const key = `${device} ${time}`;
              const before = distinct.get(key);
              if (before !== undefined) expected[before === value ? 1 : 2]++;
              if (before === undefined || onDuplicate === 'keep_last') distinct.set(key, value);
            }
            for (const [key, value] of distinct) fates(key, value);
            assert.deepEqual(fate(await (one.write.sink === 0 ? first : second).put(points(sent))), expected);
          } else if (one.do === 'merge') {
            await database.query('UPDATE tidegate.series_heads SET small = 99 WHERE small > 0');
            await runJob(engine, 'chunks');
          } else if (one.do === 'late') await runJob(engine, 'compression');
          else
            await engine[one.do](chunk).catch((error: unknown) =>
              assert.equal((error as { code?: string }).code, 'chunk_state'),
            );
        }
        const found = await database.query<{ device_id: string; time: string; value: number }>(
          `SELECT device_id, (extract(epoch FROM timestamp) * 1000000)::bigint AS time, value FROM iot_data
           WHERE device_id LIKE $1 AND device_id <> $2`,
          [`${onDuplicate} ${days} %`, name('many')],
        );
        assert.deepEqual(
          found.map(({ device_id: device, time, value }) => `${device} ${time} ${value}`).toSorted(),
          [...model].map(([key, value]) => `${key} ${value}`).toSorted(),
        );
      }),
      { numRuns: 5, endOnFailure: true },
    );
  });
}
