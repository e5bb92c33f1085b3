import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TidegateError, WriteError } from '../../src/errors.ts';
import { openPostgres, runJob } from '../integration/engines/engines.ts';
import { fate, openSink, type Point, points, series, type TestSink } from '../integration/postgres/sinks.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { randomFrom } from '../support/random.ts';
import { ROUNDS as ASKED } from '../support/rounds.ts';
import { SECOND } from '../unit/pipeline/messages.ts';
import { CHUNK, DAY_OF_TEST, stateOf } from './chunk-states.ts';

const ROUNDS = 2 * ASKED;
const SEED = 20_260_302;
const STILL = 3_000;
/** Points of the series that all clients write into, a second apart; client i replaces those of its own. */
const SHARED = 2_500;
const CLIENTS = 3;

/** What was acknowledged: by device and time, the least value that may be read from now on. */
type Acknowledged = Map<string, number>;

const keyOf = (device: string, time: number): string => `${device} ${time}`;

/** As a daemon does it: what can be written again is. */
async function write(sink: TestSink, some: readonly Point[]): Promise<readonly [number, number, number]> {
  for (;;) {
    try {
      return fate(await sink.put(points(some)));
    } catch (error) {
      if (!(error instanceof WriteError) || error.action !== 'retry' || error.sqlstate === '40P01')
        throw error;
    }
  }
}

/** Replaces its own points by ever greater values, adds late ones, repeats some. */
async function work(
  sink: TestSink,
  client: number,
  acknowledged: Acknowledged,
  done: AbortSignal,
): Promise<void> {
  const random = randomFrom(SEED + client);
  const late: Point[] = [];
  for (let version = 1; !done.aborted; version++) {
    const rows = [
      ...new Set(Array.from({ length: 5 }, () => Math.floor(random() * Math.floor(SHARED / CLIENTS)))),
    ];
    const replaced = rows.map((row) => {
      const time = DAY_OF_TEST + (row * CLIENTS + client) * SECOND;
      return { device: 'shared', metric: 'x', time, value: SHARED + version };
    });
    const fresh = Array.from({ length: 4 }, (_, index) => {
      const device = index % 2 === 0 ? 'shared' : `own ${client}`;
      const time =
        DAY_OF_TEST +
        Math.floor(random() * SHARED) * SECOND +
        1 +
        (((version * 8 + client) * 4 + index) % 900_000);
      return { device, metric: 'x', time, value: version };
    }).filter(({ device, time }) => !acknowledged.has(keyOf(device, time)));
    const again = late.slice(-3);
    const [stored, duplicate, conflict] = await write(sink, [...replaced, ...fresh, ...again]);
    assert.deepEqual(
      [stored, duplicate, conflict],
      [fresh.length, again.length, replaced.length],
      `client ${client}, version ${version}`,
    );
    for (const { device, time, value } of [...replaced, ...fresh])
      acknowledged.set(keyOf(device, time), value);
    late.push(...fresh);
  }
}

/** Whoever works by hand is told to try again where the tables are locked all the time. */
async function untilUnlocked(step: () => Promise<unknown>): Promise<void> {
  for (;;) {
    try {
      await step();
      return;
    } catch (error) {
      if (!(error instanceof TidegateError) || !error.message.endsWith('try again')) throw error;
    }
  }
}

/** Reads everything again and again: nothing twice, nothing that was acknowledged missing or older. */
async function watch(database: TestDatabase, acknowledged: Acknowledged, done: AbortSignal): Promise<number> {
  const reader = await database.connect();
  let looks = 0;
  while (!done.aborted) {
    await look(reader.query.bind(reader), acknowledged);
    looks++;
  }
  return looks;
}

async function look(
  query: (sql: string) => Promise<{ rows: unknown[] }>,
  acknowledged: Acknowledged,
): Promise<void> {
  const expected = new Map(acknowledged);
  const { rows } = await query(
    `SELECT device_id AS device, extract(epoch FROM timestamp) * 1000000 AS time, value FROM iot_data`,
  );
  const found = new Map<string, number>();
  let still = 0;
  for (const { device, time, value } of rows as { device: string; time: string; value: number }[]) {
    const key = keyOf(device, Math.round(Number(time)));
    assert.ok(!found.has(key), `${key} is there twice`);
    found.set(key, value);
    if (device === 'still') still++;
  }
  assert.equal(still, STILL);
  for (const [key, value] of expected) {
    const there = found.get(key);
    assert.ok(there !== undefined, `${key} is missing`);
    assert.ok(there >= value, `${key} is ${there} although ${value} was acknowledged`);
  }
}

const ALWAYS_DUE = {
  '1min': { enabled: true, startOffset: 3_600_000, endOffset: 60_000, scheduleInterval: 1 },
  '15min': { enabled: true, startOffset: 3_600_000, endOffset: 60_000, scheduleInterval: 1 },
  '1hour': { enabled: true, startOffset: 3_600_000, endOffset: 60_000, scheduleInterval: 1 },
  '1day': { enabled: true, startOffset: 3_600_000, endOffset: 60_000, scheduleInterval: 1 },
};

/** Every level is what the points say: all values are whole numbers, so that sums are exact. */
async function assertAggregated(database: TestDatabase): Promise<void> {
  for (const [level, width] of [
    ['1min', '1 minute'],
    ['15min', '15 minutes'],
    ['1hour', '1 hour'],
    ['1day', '1 day'],
  ] as const) {
    const kept = `SELECT bucket, device_id, count, sum_value, min_value, max_value, first_value, last_value FROM iot_data_${level}`;
    const computed = `SELECT date_bin('${width}', timestamp, '2000-01-03'), device_id, count(*), sum(value), min(value), max(value),
        (array_agg(value ORDER BY timestamp))[1], (array_agg(value ORDER BY timestamp DESC))[1]
      FROM iot_data GROUP BY 1, 2`;
    for (const [one, other] of [
      [kept, computed],
      [computed, kept],
    ] as const) {
      assert.deepEqual(await database.query(`(${one}) EXCEPT ALL (${other})`), [], level);
    }
    assert.deepEqual(
      await database.query(
        `SELECT watermark > '2024-01-02' AS past FROM tidegate.aggregates WHERE level = '${level}'`,
      ),
      [{ past: true }],
    );
  }
}

test(`a chunk is compressed, merged and opened ${ROUNDS} times under ${CLIENTS} writers and a reader (seed ${SEED})`, async () => {
  await using database = await createDatabase({ template: true });
  await using first = openSink(database, { onDuplicate: 'keep_last', clientId: 'first', denseFrom: 16 });
  await using second = openSink(database, { onDuplicate: 'keep_last', clientId: 'second', denseFrom: 2 });
  await first.put(series('still', DAY_OF_TEST, STILL), series('shared', DAY_OF_TEST, SHARED));
  const acknowledged: Acknowledged = new Map(
    Array.from({ length: SHARED }, (_, row) => [keyOf('shared', DAY_OF_TEST + row * SECOND), 1 + row]),
  );
  const done = new AbortController();
  const engine = openPostgres(database, {
    // Only by hand: the job merges.
    compression: { enabled: true, after: 3e12, every: 1 },
    levels: ALWAYS_DUE,
  });
  const writers = Array.from({ length: CLIENTS }, (_, client) =>
    work(client % 2 === 0 ? first : second, client, acknowledged, done.signal),
  );
  const refreshing = async () => {
    while (!done.signal.aborted) await runJob(engine, 'aggregates');
  };
  const all = Promise.all([...writers, watch(database, acknowledged, done.signal), refreshing()]);
  const failed = all.then(() => undefined);
  try {
    for (let round = 0; round < ROUNDS; round++) {
      for (const step of [
        () => engine.compress(CHUNK),
        () => runJob(engine, 'compression', { byHand: true }),
        () => runJob(engine, 'compression', { byHand: true }),
        () => engine.decompress(CHUNK),
      ]) {
        await Promise.race([untilUnlocked(step), failed]);
      }
      assert.equal(await stateOf(database), 'open');
    }
  } finally {
    done.abort();
  }
  await all;
  assert.ok(acknowledged.size > SHARED);
  const exactly = async () => {
    const rows = await database.query<{ device: string; time: string; value: number }>(
      `SELECT device_id AS device, extract(epoch FROM timestamp) * 1000000 AS time, value FROM iot_data
       WHERE device_id <> 'still' ORDER BY 1, 2`,
    );
    const found = new Map(
      rows.map(({ device, time, value }) => [keyOf(device, Math.round(Number(time))), value]),
    );
    assert.equal(rows.length, acknowledged.size);
    for (const [key, value] of acknowledged) assert.equal(found.get(key), value, key);
  };
  await exactly();
  while ((await runJob(engine, 'aggregates')).detail.includes('more to do'));
  await assertAggregated(database);
  await engine.compress(CHUNK);
  await exactly();
  assert.deepEqual(await database.query('SELECT * FROM tidegate.closing_corrections'), []);
});

test('a snapshot from before a chunk was compressed reads all of it, however late; so does a plan', async () => {
  await using database = await createDatabase({ template: true });
  await using sink = openSink(database);
  await sink.put(series('seen', DAY_OF_TEST, STILL));
  const engine = openPostgres(database);
  const count = `SELECT count(*) FROM iot_data WHERE device_id = 'seen'`;
  const [early, late, planned] = [
    await database.connect(),
    await database.connect(),
    await database.connect(),
  ];
  const prepared = { name: 'seen', text: count };
  const seen = async (client: typeof early, query: string | typeof prepared = count) =>
    Number((await client.query(query)).rows[0].count);
  await planned.query(`SET plan_cache_mode = force_generic_plan`);
  assert.equal(await seen(planned, prepared), STILL);

  await early.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1');
  await engine.compress(CHUNK);
  await runJob(engine, 'chunks');
  await sink.put(points([{ device: 'seen', metric: 'x', time: DAY_OF_TEST + 1, value: 0 }]));
  await runJob(engine, 'compression');
  assert.equal(await seen(early), STILL);
  assert.equal(await seen(planned, prepared), STILL + 1);
  await early.query('COMMIT');
  await runJob(engine, 'chunks');
  assert.deepEqual(await database.query(`SELECT to_regclass('tidegate.${CHUNK}') AS leaf`), [{ leaf: null }]);
  assert.equal(await seen(planned, prepared), STILL + 1);

  // And the other way: from before it was opened.
  await late.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1');
  await engine.decompress(CHUNK);
  await sink.put(points([{ device: 'seen', metric: 'x', time: DAY_OF_TEST + 2, value: 0 }]));
  assert.equal(await seen(late), STILL + 1);
  assert.equal(await seen(planned, prepared), STILL + 2);
  await late.query('COMMIT');
});
