import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { CollectionStatistics } from '../../../src/postgres/collection-statistics.ts';
import { schemaNames } from '../../../src/postgres/names.ts';
import { QueryPool } from '../../../src/postgres/query-pool.ts';
import { restateSeries } from '../../../src/postgres/series-statistics.ts';
import type { TestDatabase } from '../../support/database.ts';
import { ENGINES, type EngineUnderTest } from '../../support/engines.ts';
import { message, SECOND } from '../../unit/pipeline/messages.ts';
import { openSink, points, series } from './sinks.ts';

const EPOCH_2001 = Date.UTC(2001, 0, 1) * 1000;
const NOW = Math.floor(Date.now() / 1000) * SECOND;
const NOTHING = {
  total_points: 0,
  device_count: 0,
  metric_count: 0,
  earliest_point: null,
  latest_point: null,
};

function iso(microseconds: number): string {
  return new Date(microseconds / 1000).toISOString().replace('Z', '000Z');
}

/** So that a minute that begins during a test changes nothing. */
async function backdate(database: TestDatabase, by: string): Promise<void> {
  await database.query(`UPDATE tidegate.batches SET committed_at = committed_at - interval '${by}'`);
  await database.query(`UPDATE tidegate.ingest_minutes SET minute = minute - interval '${by}'`);
  await database.query(`UPDATE tidegate.series_stats SET last_stored = last_stored - interval '${by}'`);
}

async function opened(kind: EngineUnderTest) {
  const database = await kind.createDatabase();
  const pool = new QueryPool({
    url: database.url,
    schema: 'public',
    statementTimeout: 10_000,
    connections: 2,
  });
  const sink = openSink(database, { engine: kind.name });
  const other = openSink(database, { engine: kind.name, clientId: 'other' });
  return {
    database,
    sink,
    other,
    statistics: new CollectionStatistics(pool, 0),
    async [Symbol.asyncDispose]() {
      await pool.close();
      await sink.close();
      await other.close();
      await database.drop();
    },
  };
}

for (const kind of ENGINES) {
  suite(`statistics of the collection on ${kind.name}`, { skip: kind.skip }, () => {
    test('nothing yet: zeros, and no times', async () => {
      await using parts = await opened(kind);
      const { statistics } = parts;
      const { asOf, ...nothing } = await statistics.collection();
      assert.deepEqual(nothing, { hour: NOTHING, ever: NOTHING });
      assert.match(asOf, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
      const rates = await statistics.rates(3);
      assert.equal(rates.length, 3);
      assert.ok(rates.every(({ points, points_per_second }) => points === 0 && points_per_second === 0));
      assert.deepEqual(await statistics.queries(), []);
    });

    test('what was stored in the last hour, by when it was stored, before a fold and after it, of all daemons', async () => {
      await using parts = await opened(kind);
      const { database, sink, other, statistics } = parts;
      await sink.put(series('old', EPOCH_2001, 5));
      await sink.maintain();
      await backdate(database, '2 hours');
      await sink.put(series('old', EPOCH_2001, 2), series('a/ü', EPOCH_2001 + 60 * SECOND, 3));
      const text = message((out) => out.text('a/ü', 'note', NOW, 'hello', false));
      await other.put(text, points([{ device: 'b', metric: 'x', time: NOW - SECOND, value: 1 }]));
      for (const fold of [false, true]) {
        if (fold) await Promise.all([sink.maintain(), other.maintain()]);
        const { hour, ever } = await statistics.collection();
        assert.deepEqual(
          [hour, ever],
          [
            {
              total_points: 5,
              device_count: 2,
              metric_count: 2,
              earliest_point: iso(EPOCH_2001 + 60 * SECOND),
              latest_point: iso(NOW),
            },
            {
              total_points: 10,
              device_count: 3,
              metric_count: 2,
              earliest_point: iso(EPOCH_2001),
              latest_point: iso(NOW),
            },
          ],
        );
      }
      // A second fold into the same minute.
      await sink.put(series('a/ü', EPOCH_2001 - 60 * SECOND, 1));
      await sink.maintain();
      assert.equal((await statistics.collection()).hour.earliest_point, iso(EPOCH_2001 - 60 * SECOND));
      // Corrections compute the statistics anew.
      const client = await database.connect();
      await restateSeries(client, schemaNames('public'), [1, 2, 3, 4], null);
      const { hour, ever } = await statistics.collection();
      assert.deepEqual([hour.device_count, hour.metric_count, ever.total_points], [2, 2, 11]);
      await backdate(database, '61 minutes');
      assert.deepEqual((await statistics.collection()).hour, NOTHING);
    });

    test('points per second, minute by minute', async () => {
      await using parts = await opened(kind);
      const { database, sink, other, statistics } = parts;
      await sink.put(series('a', EPOCH_2001, 120));
      await sink.maintain();
      await backdate(database, '1 minute');
      await other.put(series('b', EPOCH_2001, 60));
      await backdate(database, '1 minute');
      const rates = await statistics.rates(10);
      assert.equal(rates.length, 10);
      const seen = rates.filter(({ points }) => points > 0);
      assert.deepEqual(
        seen.map(({ points, points_per_second }) => [points, points_per_second]),
        [
          [120, 2],
          [60, 1],
        ],
      );
      assert.equal(new Set(rates.map(({ minute }) => minute)).size, 10);
      assert.deepEqual(
        rates,
        rates.toSorted((one, two) => (one.minute < two.minute ? -1 : 1)),
      );
      for (const { minute } of rates) assert.match(minute, /^\d{4}-\d\d-\d\dT\d\d:\d\d:00\.000000Z$/);
    });

    test('how long questions took, by type, over a day', async () => {
      await using parts = await opened(kind);
      const { database, statistics } = parts;
      await database.query(
        `INSERT INTO iot_query_logs (query_type, duration_ms, result_count, created_at) VALUES
         ('latest', 1, 10, now()), ('latest', 3, 20, now()), ('anomaly', 8, 1, now()), ('latest', 99, 1, now() - interval '25 hours')`,
      );
      assert.deepEqual(await statistics.queries(), [
        {
          query_type: 'anomaly',
          execution_count: 1,
          avg_duration_ms: 8,
          p95_duration_ms: 8,
          avg_result_count: 1,
        },
        {
          query_type: 'latest',
          execution_count: 2,
          avg_duration_ms: 2,
          p95_duration_ms: 2.9,
          avg_result_count: 15,
        },
      ]);
    });
  });
}
