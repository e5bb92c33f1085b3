import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TimescaleEngine } from '../../../src/engines/timescaledb/engine.ts';
import type { TestDatabase } from '../../support/database.ts';
import { randomFrom } from '../../support/random.ts';
import { openSink, type Point, points } from '../postgres/sinks.ts';
import { DAY, HOUR, LEVELS, MINUTE, openEngine, RETENTION, runJob, withoutLevels } from './engines.ts';
import { type CounterPolicy, differences, type Level, recomputed, viewed, WIDTHS } from './recomputation.ts';
import { createHypertableDatabase, WITH_TIMESCALEDB } from './server.ts';

const PLAIN: CounterPolicy = { tolerance: 0, rollover: null, hold: 86_400 };
const BY_HAND = { enabled: false, after: DAY, every: HOUR };
const METER = {
  route: null,
  deviceId: '*',
  metricName: '*',
  aggregates: true,
  retention: null,
  counterTolerance: 1,
  counterRollover: 1000,
  longestHold: 20_000,
};
const random = randomFrom(3);
const AWKWARD = [
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  1e308,
  -1e308,
  1e140,
  -1e140,
  5e-324,
  -0,
  1e-310,
  1,
  2.5,
];

async function assertExact(database: TestDatabase, when: string, policy = PLAIN): Promise<void> {
  for (const level of Object.keys(WIDTHS) as Level[]) {
    const found = differences(await recomputed(database, level, policy), await viewed(database, level));
    assert.deepEqual(found.slice(0, 5), [], `${level} ${when}: ${found.length} differences`);
  }
}

/** Points at random times between two ages, in milliseconds. */
function scattered(count: number, oldest: number, youngest: number, value: () => number): Point[] {
  const now = Date.now();
  return Array.from({ length: count }, () => ({
    device: `d${Math.floor(random() * 3)}`,
    metric: 'x',
    time: Math.floor((now - youngest - random() * (oldest - youngest)) * 1000),
    value: value(),
  }));
}

/** Where the policies, which run at once, are switched off. */
async function compressAll(engine: TimescaleEngine): Promise<void> {
  for (const { name, source, state } of await engine.chunks()) {
    if (source !== 'texts' && state === 'open') await engine.compress(name);
  }
}

/** As if every level's schedule_interval were over. */
async function refreshAll(database: TestDatabase, engine: TimescaleEngine): Promise<void> {
  await database.query(`UPDATE tidegate.aggregates SET refreshed_at = '-infinity'`);
  await runJob(engine, 'aggregates');
}

const awkward = (): number => AWKWARD[Math.floor(random() * AWKWARD.length)] as number;
const plain = (): number => Math.round(random() * 10_000) / 100;

test(
  'aggregates equal recomputation: live, refreshed, late, late in compressed chunks',
  WITH_TIMESCALEDB,
  async () => {
    await using database = await createHypertableDatabase();
    await using sink = openSink(database, { engine: 'timescaledb' });
    const engine = openEngine(database, { compression: BY_HAND });
    await sink.put(points(scattered(2000, 3 * DAY, 0, plain)));
    await assertExact(database, 'live');

    await refreshAll(database, engine);
    await assertExact(database, 'after the first refresh');

    await sink.put(points(scattered(500, 3 * DAY, 2 * HOUR, plain)));
    await sink.put(points(scattered(5, 400 * DAY, 390 * DAY, plain)));
    await refreshAll(database, engine);
    await assertExact(database, 'after late points');

    await compressAll(engine);
    await assertExact(database, 'compressed');
    await sink.put(points(scattered(100, 3 * DAY, 2 * HOUR, plain)));
    await refreshAll(database, engine);
    await assertExact(database, 'after late points in compressed chunks');
    const [dirty] = await database.query<{ count: number }>(
      'SELECT count(*)::int AS count FROM tidegate.dirty_buckets',
    );
    assert.equal(dirty?.count, 0);
  },
);

test('keep_last changes aggregates of compressed chunks', WITH_TIMESCALEDB, async () => {
  await using database = await createHypertableDatabase();
  await using sink = openSink(database, { engine: 'timescaledb', onDuplicate: 'keep_last' });
  const engine = openEngine(database, { compression: BY_HAND });
  const old = scattered(300, 20 * DAY, 10 * DAY, plain);
  await sink.put(points(old));
  await refreshAll(database, engine);
  await compressAll(engine);
  await sink.put(points(old.slice(0, 20).map((point) => ({ ...point, value: point.value + 1 }))));
  await refreshAll(database, engine);
  await assertExact(database, 'after replacements');
});

test('no stored value makes a refresh fail', WITH_TIMESCALEDB, async () => {
  await using database = await createHypertableDatabase();
  await using sink = openSink(database, { engine: 'timescaledb' });
  await sink.put(points(scattered(3000, 2 * DAY, 0, awkward)));
  await refreshAll(database, openEngine(database));
  await sink.put(points(scattered(300, 2 * DAY, 2 * HOUR, awkward)));
  await refreshAll(database, openEngine(database));
  for (const level of Object.keys(WIDTHS) as Level[]) {
    const found = differences(await recomputed(database, level, PLAIN), await viewed(database, level));
    // Sums of values that cancel each other out have no digit in common.
    const exact = found.filter((text) => !/ (?:sum|stddev|increase|timeWeighted):/.test(text));
    assert.deepEqual(exact.slice(0, 5), [], level);
  }
});

test('counters: resets, a tolerance, a rollover, a longest hold', WITH_TIMESCALEDB, async () => {
  await using database = await createHypertableDatabase();
  await using sink = openSink(database, { engine: 'timescaledb' });
  await sink.put(points(scattered(1, DAY, HOUR, plain)));
  await database.query(
    `UPDATE tidegate.series SET counter_tolerance = 1, counter_rollover = 1000, longest_hold = '20 seconds'`,
  );
  let reading = 0;
  const meter = Array.from({ length: 4000 }, (_, index) => {
    reading = index % 700 === 0 ? 3 : (reading + Math.floor(random() * 90) - 1 + 1000) % 1000;
    return {
      device: 'd0',
      metric: 'x',
      time: (Date.now() - 2 * DAY + index * 30_000) * 1000,
      value: reading,
    };
  });
  await database.query('DELETE FROM tidegate.points');
  await database.query(`INSERT INTO tidegate.series (device_id, metric_name, is_text, kind, counter_tolerance, counter_rollover, longest_hold)
    VALUES ('d0', 'x', false, 'counter', 1, 1000, '20 seconds') ON CONFLICT DO NOTHING`);
  await sink.put(points(meter));
  const policy = { tolerance: 1, rollover: 1000, hold: 20 };
  await assertExact(database, 'live', policy);
  await refreshAll(database, openEngine(database, { series: [METER] }));
  await assertExact(database, 'refreshed', policy);
});

test('a gap that the policies left while they stood still is filled', WITH_TIMESCALEDB, async () => {
  await using database = await createHypertableDatabase();
  await using sink = openSink(database, { engine: 'timescaledb' });
  const engine = openEngine(database);
  await sink.put(points(scattered(300, 3 * DAY, 2 * DAY, plain)));
  await refreshAll(database, engine);
  // As if the last run were two days ago and the server had gone on refreshing its windows since.
  await database.query(
    `UPDATE tidegate.chunk_map SET dirty_before = date_bin('1 minute', now() - interval '2 days', '2000-01-03Z')`,
  );
  await database.query(
    `UPDATE tidegate.aggregates SET watermark = date_bin(width, now() - interval '2 days', '2000-01-03Z')`,
  );
  await sink.put(points(scattered(600, 2 * DAY, 2 * HOUR, plain)));
  await refreshAll(database, engine);
  await assertExact(database, 'after the gap');
});

test(
  'a level that is switched off answers from the one below, and late points reach what it kept',
  WITH_TIMESCALEDB,
  async () => {
    await using database = await createHypertableDatabase();
    await using sink = openSink(database, { engine: 'timescaledb' });
    await sink.put(points(scattered(300, 10 * DAY, 0, plain)));
    await refreshAll(database, openEngine(database));
    const engine = openEngine(database, { levels: withoutLevels('1hour', '1day') });
    await refreshAll(database, engine);
    await sink.put(points(scattered(100, 10 * DAY, 2 * HOUR, plain)));
    await refreshAll(database, engine);
    await assertExact(database, 'with two levels off');
  },
);

test(
  'aggregates outlive their points, and late points before the cut change nothing',
  WITH_TIMESCALEDB,
  async () => {
    await using database = await createHypertableDatabase();
    await using sink = openSink(database, { engine: 'timescaledb' });
    const engine = openEngine(database, { retention: { ...RETENTION, raw: 5 * DAY } });
    await sink.put(points(scattered(400, 9 * DAY, 0, plain)));
    const withheld = await runJob(engine, 'retention');
    assert.match(withheld.detail, /raw before .* is kept: the aggregate 1min is at -infinity/);
    await refreshAll(database, engine);
    const before = await viewed(database, '1hour');
    await runJob(engine, 'retention');
    const [oldest] = await database.query<{ age: number }>(
      `SELECT extract(epoch FROM now() - min(timestamp))::float8 * 1000 AS age FROM iot_data`,
    );
    assert.ok(oldest !== undefined && oldest.age <= 6 * DAY);
    const late = await sink.put(points(scattered(20, 9 * DAY, 7 * DAY, plain)));
    assert.equal(late.totals.points.dropped, 20);
    await database.query(
      `INSERT INTO tidegate.dirty_buckets (series_ids, buckets) SELECT '{1}', ARRAY[date_trunc('minute', now() - interval '8 days')]`,
    );
    await refreshAll(database, engine);
    assert.deepEqual(differences(before, await viewed(database, '1hour')), []);
  },
);

test('a level that is switched on late begins with the whole past', WITH_TIMESCALEDB, async () => {
  await using database = await createHypertableDatabase();
  await using sink = openSink(database, { engine: 'timescaledb' });
  await sink.put(points(scattered(300, 10 * DAY, 0, plain)));
  await runJob(openEngine(database, { levels: withoutLevels('1day') }), 'aggregates');
  await runJob(
    openEngine(database, { levels: { ...LEVELS, '1day': { ...LEVELS['1day'], scheduleInterval: MINUTE } } }),
    'aggregates',
  );
  await assertExact(database, 'with the last level on');
});

test(
  'a series that gets no aggregates has none, and all of them once it does',
  WITH_TIMESCALEDB,
  async () => {
    await using database = await createHypertableDatabase();
    await using sink = openSink(database, { engine: 'timescaledb' });
    await sink.put(points(scattered(300, 3 * DAY, 0, plain)));
    const policy = {
      route: null,
      deviceId: 'd1',
      metricName: '*',
      aggregates: false,
      retention: null,
      counterTolerance: 0,
      counterRollover: null,
      longestHold: DAY,
    };
    await refreshAll(database, openEngine(database, { series: [policy] }));
    const devices = await database.query('SELECT DISTINCT device_id FROM iot_data_1min ORDER BY 1');
    assert.deepEqual(devices, [{ device_id: 'd0' }, { device_id: 'd2' }]);
    await refreshAll(database, openEngine(database));
    await assertExact(database, 'with all series');
  },
);
