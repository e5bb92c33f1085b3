import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import * as fc from 'fast-check';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { DAY, message, SECOND, type TestMessage } from '../../unit/pipeline/messages.ts';
import { at, openSink, series, type TestSink } from './sinks.ts';

let database: TestDatabase;
before(async () => {
  database = await createDatabase({ template: true });
});
after(() => database.drop());

const NOW = Math.floor(Date.now() / 1000) * SECOND;
/** Of now, in its chunk, and long ago, in the late table. */
const BASES = [NOW, at('2001-09-09T01:46:40Z')];

const writtenArbitrary = fc.record({
  device: fc.constantFrom('a', 'b', 'c'),
  metric: fc.constantFrom('x', 'y'),
  text: fc.boolean(),
  time: fc
    .tuple(fc.constantFrom(...BASES), fc.integer({ min: 0, max: 8 }))
    .map(([base, offset]) => base + offset),
  value: fc.constantFrom(1, 2, 3.5, -0.5),
});

function messageOf({
  device,
  metric,
  text,
  time,
  value,
}: typeof writtenArbitrary extends fc.Arbitrary<infer T> ? T : never): TestMessage {
  return message((out) => {
    if (text) out.text(device, metric, time, `text ${value}`, true);
    else out.number(device, metric, time, value, 'gauge');
    if (value === 2) out.reject('value_missing', 'and a part without a value');
  });
}

/** Each view against what the rows themselves say. */
const NAIVE: readonly (readonly [view: string, naive: string])[] = [
  [
    `SELECT device_id, metric_name, kind, first_seen, last_seen, points FROM iot_series`,
    `SELECT s.device_id, s.metric_name, s.kind, min(d.timestamp) AS first_seen, max(d.timestamp) AS last_seen,
       count(d.timestamp) AS points
     FROM tidegate.series s LEFT JOIN (
       SELECT device_id, metric_name, false AS is_text, timestamp FROM iot_data
       UNION ALL SELECT device_id, metric_name, true, timestamp FROM iot_text
     ) d USING (device_id, metric_name, is_text) GROUP BY s.series_id`,
  ],
  [
    `SELECT device_id, series, first_seen, last_seen, points FROM iot_devices`,
    `SELECT s.device_id, count(DISTINCT s.series_id) AS series, min(d.timestamp) AS first_seen,
       max(d.timestamp) AS last_seen, count(d.timestamp) AS points
     FROM tidegate.series s LEFT JOIN (
       SELECT device_id, metric_name, false AS is_text, timestamp FROM iot_data
       UNION ALL SELECT device_id, metric_name, true, timestamp FROM iot_text
     ) d USING (device_id, metric_name, is_text) GROUP BY s.device_id`,
  ],
  [
    `SELECT device_id, metric_name, value, text, timestamp FROM iot_latest`,
    `(SELECT DISTINCT ON (device_id, metric_name) device_id, metric_name, value, NULL AS text, timestamp
      FROM iot_data ORDER BY device_id, metric_name, timestamp DESC)
     UNION ALL
     (SELECT DISTINCT ON (device_id, metric_name) device_id, metric_name, NULL, value, timestamp
      FROM iot_text ORDER BY device_id, metric_name, timestamp DESC)`,
  ],
  [
    `SELECT * FROM iot_points('a', 'x', '2001-01-01', '2100-01-01')`,
    `SELECT * FROM iot_data WHERE device_id = 'a' AND metric_name = 'x'`,
  ],
  [
    `SELECT * FROM iot_points('b', 'y', to_timestamp(${NOW / 1e6}), to_timestamp(${NOW / 1e6}) + interval '4 us')`,
    `SELECT * FROM iot_data WHERE device_id = 'b' AND metric_name = 'y'
     AND timestamp >= to_timestamp(${NOW / 1e6}) AND timestamp < to_timestamp(${NOW / 1e6}) + interval '4 us'`,
  ],
  [
    `SELECT * FROM iot_points(ARRAY['a', 'b', 'nobody'], ARRAY['x', 'y'], '2001-01-01', '2002-01-01')`,
    `SELECT * FROM iot_data WHERE device_id IN ('a', 'b') AND timestamp < '2002-01-01'`,
  ],
  [
    `SELECT code, points, topic FROM iot_dead_letters`,
    `SELECT code, points, topic FROM tidegate.dead_letters`,
  ],
];

async function assertViews(when: string): Promise<void> {
  for (const [view, naive] of NAIVE) {
    const [difference] = await database.query<{ more: unknown; less: unknown }>(
      `WITH view AS MATERIALIZED (${view}), naive AS MATERIALIZED (${naive})
       SELECT (SELECT json_agg(v) FROM (SELECT * FROM view EXCEPT ALL SELECT * FROM naive) v) AS more,
         (SELECT json_agg(n) FROM (SELECT * FROM naive EXCEPT ALL SELECT * FROM view) n) AS less`,
    );
    assert.deepEqual(difference, { more: null, less: null }, `${when}: ${view}`);
  }
}

for (const onDuplicate of ['keep_first', 'keep_last'] as const) {
  test(`property: the views tell what the rows say, before and after folds (${onDuplicate})`, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            batch: fc.array(writtenArbitrary, { minLength: 1, maxLength: 12 }),
            fold: fc.boolean(),
          }),
          { minLength: 1, maxLength: 4 },
        ),
        async (steps) => {
          await database.query(
            `TRUNCATE tidegate.points, tidegate.points_late, tidegate.texts, tidegate.texts_late, tidegate.series,
               tidegate.batches, tidegate.series_stats, tidegate.series_conflicts, tidegate.ingest_totals, tidegate.dead_letters`,
          );
          await using sink: TestSink = openSink(database, { onDuplicate });
          for (const { batch, fold } of steps) {
            await sink.put(...batch.map(messageOf));
            await assertViews('before the fold');
            if (!fold) continue;
            await sink.maintain();
            await assertViews('after the fold');
          }
        },
      ),
      { numRuns: 15 },
    );
  });
}

/** The plan as text, with what was left out while executing. */
async function plan(sql: string): Promise<string> {
  const rows = await database.query<{ 'QUERY PLAN': string }>(
    `EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) ${sql}`,
  );
  return rows.map((row) => row['QUERY PLAN']).join('\n');
}

test('iot_points is inlined: it looks into the chunks of its range only, by the key', async () => {
  await using sink = openSink(database);
  const first = at('2020-02-01T00:00:00Z');
  for (let day = 0; day < 4; day++) await sink.put(series('planned', first + day * DAY, 1_000));
  const range = `'2020-02-02 00:00+00', '2020-02-02 12:00+00'`;
  const one = await plan(`SELECT * FROM iot_points('planned', 'x', ${range})`);
  assert.doesNotMatch(one, /Function Scan/);
  assert.match(one, /points_20200202_000000/);
  assert.doesNotMatch(one, /points_202002(01|03|04)/);
  assert.match(one, /Index Cond: \(\(series_id = .*\) AND \(ts >= .*\) AND \(ts < /);
  const many = await plan(`SELECT * FROM iot_points(ARRAY['planned'], ARRAY['x', 'y'], ${range})`);
  assert.doesNotMatch(many, /Function Scan/);
  assert.match(many, /points_20200202_000000/);
  assert.doesNotMatch(many, /points_202002(01|03|04)/);
});

test('a view prunes chunks by time', async () => {
  const read = await plan(
    `SELECT count(*) FROM iot_data WHERE timestamp >= '2020-02-03 00:00+00' AND timestamp < '2020-02-04 00:00+00'`,
  );
  assert.match(read, /points_20200203_000000/);
  assert.doesNotMatch(read, /points_202002(01|02|04)/);
});
