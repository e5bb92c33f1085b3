import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { TidegateError } from '../../../src/errors.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import { DAY, SECOND } from '../../unit/pipeline/messages.ts';
import { at, count, fate, openSink, type Point, points, series } from '../postgres/sinks.ts';
import { openPostgres, runJob } from './engines.ts';

let database: TestDatabase;
before(async () => {
  database = await createDatabase({ template: true });
});
after(() => database.drop());

async function stored(device: string): Promise<[number, number][]> {
  const rows = await database.query<{ time: string; value: number }>(
    `SELECT extract(epoch FROM timestamp) * 1000000 AS time, value FROM iot_data WHERE device_id = $1 ORDER BY timestamp`,
    [device],
  );
  return rows.map(({ time, value }) => [Math.round(Number(time)), value]);
}

function nameAt(day: string): string {
  return `points_${day.replaceAll('-', '')}_000000`;
}

async function stateOf(day: string): Promise<string | undefined> {
  const [row] = await database.query<{ state: string }>('SELECT state FROM tidegate.chunks WHERE leaf = $1', [
    nameAt(day),
  ]);
  return row?.state;
}

const ODD_VALUES = [
  0,
  -0,
  1.5,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  1e308,
  -1e308,
  5e-324,
  0.1 + 0.2,
  2 ** 53 + 2,
];

test('a compressed chunk reads as before, to the bit, and its leaf is gone', async () => {
  await using sink = openSink(database);
  const day = at('2024-01-01T00:00:00Z');
  const odd: Point[] = Array.from({ length: 2_500 }, (_, index) => ({
    device: 'odd',
    metric: 'x',
    time: day + index * 7_919_333,
    value: ODD_VALUES[index % ODD_VALUES.length] as number,
  }));
  await sink.put(points(odd), series('even', day, 3_000), series('few', day + 5 * SECOND, 3));
  const before = [await stored('odd'), await stored('even'), await stored('few')];
  const engine = openPostgres(database);
  const report = await engine.compress(nameAt('2024-01-01'));
  assert.equal(report.rows, 5_503);
  assert.deepEqual([await stored('odd'), await stored('even'), await stored('few')], before);
  assert.ok(Object.is(before[0]?.[1]?.[1], -0));
  const chunk = (await engine.chunks()).find(({ name }) => name === nameAt('2024-01-01'));
  assert.deepEqual([chunk?.state, chunk?.rows, chunk?.rows_estimated], ['sealed', 5_503, false]);
  assert.ok((chunk?.ratio ?? 0) > 5, JSON.stringify(chunk));
  assert.deepEqual(await database.query(`SELECT to_regclass('tidegate.points_20240101_000000') AS leaf`), [
    { leaf: null },
  ]);
  const [one] = await engine.compression();
  assert.deepEqual([one?.chunk, one?.points], [nameAt('2024-01-01'), 5_503]);
});

test('late points of a compressed chunk are read at once, stored once, and merged by the next run', async () => {
  await using sink = openSink(database);
  const day = at('2024-02-01T00:00:00Z');
  await sink.put(series('late', day, 1_000));
  const engine = openPostgres(database);
  await engine.compress(nameAt('2024-02-01'));
  const some = [
    { device: 'late', metric: 'x', time: day + 500_000, value: 7 }, // new, between two
    { device: 'late', metric: 'x', time: day + 3 * SECOND, value: 4 }, // there, the same
    { device: 'late', metric: 'x', time: day + 4 * SECOND, value: -1 }, // there, another
    { device: 'late', metric: 'x', time: day + 5_000 * SECOND, value: 8 }, // new, after the last
  ];
  assert.deepEqual(fate(await sink.put(points(some))), [2, 1, 1]);
  assert.deepEqual(fate(await sink.put(points(some))), [0, 3, 1]);
  const before = await stored('late');
  assert.equal(before.length, 1_002);
  assert.deepEqual(before[1], [day + 500_000, 7]);
  assert.equal(before.find(([time]) => time === day + 4 * SECOND)?.[1], 5, 'keep_first');
  assert.match((await runJob(engine, 'compression')).detail, /took 2 late points/);
  assert.equal(
    await count(database, `tidegate.points_late WHERE ts >= '2024-02-01' AND ts < '2024-02-02'`),
    0,
  );
  assert.deepEqual(await stored('late'), before);
  assert.deepEqual(fate(await sink.put(points(some))), [0, 3, 1]);
});

test('keep_last replaces a point of a compressed chunk, for readers at once', async () => {
  await using sink = openSink(database, { onDuplicate: 'keep_last' });
  const day = at('2024-03-01T00:00:00Z');
  await sink.put(series('replaced', day, 2_500));
  await openPostgres(database).compress(nameAt('2024-03-01'));
  const time = day + 2_222 * SECOND;
  assert.deepEqual(
    fate(await sink.put(points([{ device: 'replaced', metric: 'x', time, value: 0.123 }]))),
    [0, 0, 1],
  );
  assert.equal((await stored('replaced')).find(([at]) => at === time)?.[1], 0.123);
  assert.equal((await stored('replaced')).length, 2_500);
});

test('a chunk that is opened again has all of its points as rows, late ones too, and compresses anew', async () => {
  await using sink = openSink(database);
  const day = at('2024-04-01T00:00:00Z');
  await sink.put(series('opened', day, 1_500));
  const engine = openPostgres(database);
  await engine.compress(nameAt('2024-04-01'));
  await sink.put(points([{ device: 'opened', metric: 'x', time: day + 1, value: 9 }]));
  const before = await stored('opened');
  assert.equal((await engine.decompress(nameAt('2024-04-01'))).rows, 1_501);
  assert.equal(await stateOf('2024-04-01'), 'open');
  assert.deepEqual(await stored('opened'), before);
  assert.equal(await count(database, `tidegate.points_20240401_000000`), 1_501);
  assert.deepEqual(fate(await sink.put(series('opened', day + 1_499 * SECOND, 2, 1_500))), [1, 1, 0]);
  await runJob(engine, 'compression');
  assert.equal(await stateOf('2024-04-01'), 'sealed');
  assert.equal((await stored('opened')).length, 1_502);
});

test('what cannot be compressed or opened is told', async () => {
  const engine = openPostgres(database);
  await assert.rejects(engine.compress('points_19990101_000000'), { code: 'chunk_unknown' });
  await assert.rejects(engine.compress(nameAt('2024-01-01')), { code: 'chunk_state' });
  await using sink = openSink(database);
  await sink.put(series('x', at('2024-05-01T00:00:00Z'), 1_000));
  await assert.rejects(engine.decompress(nameAt('2024-05-01')), { code: 'chunk_state' });
});

test('points without a time of their own that fall into a compressed chunk find a free one', async () => {
  await using sink = openSink(database);
  const now = Math.floor(Date.now() / 1000) * SECOND;
  await sink.put(
    points([
      { device: 'now', metric: 'x', time: now, value: 1 },
      { device: 'now', metric: 'x', time: now + 1, value: 2 },
    ]),
  );
  const engine = openPostgres(database);
  const today = (await engine.chunks()).find(
    (chunk) =>
      chunk.source === 'points' &&
      Date.parse(chunk.range_start) * 1000 <= now &&
      Date.parse(chunk.range_end) * 1000 > now,
  );
  await engine.compress(today?.name ?? '');
  const { message } = await import('../../unit/pipeline/messages.ts');
  const arrival = message((out) => out.number('now', 'x', Number.NaN, 3, 'gauge'), { receivedAt: now });
  assert.deepEqual(fate(await sink.put(arrival)), [1, 0, 0]);
  assert.deepEqual(await stored('now'), [
    [now, 1],
    [now + 1, 2],
    [now + 2, 3],
  ]);
  await engine.decompress(today?.name ?? '');
});

test('a reader in a loop never sees another count while chunks are compressed and opened', async () => {
  await using sink = openSink(database);
  const first = at('2023-01-01T00:00:00Z');
  for (let day = 0; day < 5; day++) await sink.put(series('looped', first + day * DAY, 1_000));
  const engine = openPostgres(database);
  const done = new AbortController();
  const seen = new Set<string>();
  const looking = Array.from({ length: 2 }, async () => {
    const reader = await database.connect();
    while (!done.signal.aborted) {
      const { rows } = await reader.query(`SELECT count(*) FROM iot_data WHERE device_id = 'looped'`);
      seen.add((rows[0] as { count: string }).count);
    }
  });
  for (let day = 1; day <= 5; day++) await engine.compress(nameAt(`2023-01-0${day}`));
  for (let day = 1; day <= 5; day++) {
    // On a busy machine the readers leave it no gap for a while, and it says so.
    await eventually(`day ${day} is open`, () =>
      engine.decompress(nameAt(`2023-01-0${day}`)).catch((error: unknown) => {
        if (error instanceof TidegateError && error.code.startsWith('chunk_')) return false;
        throw error;
      }),
    );
  }
  done.abort();
  await Promise.all(looking);
  assert.deepEqual([...seen], ['5000']);
});
