import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { after, before, test } from 'node:test';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { batches, DAY, SECOND, change } from '../../unit/pipeline/messages.ts';
import { at, count, fate, never, openSink, points, series } from './sinks.ts';

let database: TestDatabase;
before(async () => {
  database = await createDatabase({ template: true });
});
after(() => database.drop());

const NOW = Date.now() * 1000;

async function chunksAt(source: string, moment: number): Promise<number> {
  return await count(
    database,
    `tidegate.chunks WHERE source = $1 AND range_start <= to_timestamp($2::float8 / 1e6) AND range_end > to_timestamp($2::float8 / 1e6)`,
    source,
    moment,
  );
}

test('points of now have their chunk; few old ones go to the late table', async () => {
  await using sink = openSink(database);
  const old = at('2019-03-01T12:00:00Z');
  assert.deepEqual(fate(await sink.put(series('sparse', old, 10), series('recent', NOW, 10))), [20, 0, 0]);
  assert.equal(await chunksAt('points', old), 0);
  assert.equal(await chunksAt('points', NOW), 1);
  assert.equal(await count(database, 'tidegate.points_late'), 10);
  assert.equal(await count(database, 'tidegate.points'), 10);
  assert.equal(await count(database, `iot_data WHERE device_id IN ('sparse', 'recent')`), 20);
});

test('many old points of a day open its chunk, and late ones of that day move in', async () => {
  await using sink = openSink(database);
  const day = at('2018-06-01T00:00:00Z');
  await sink.put(series('moving', day + 3_600 * SECOND, 5), series('moving', day - 5 * SECOND, 5));
  const version = await mapVersion();
  assert.deepEqual(fate(await sink.put(series('moving', day + 7_200 * SECOND, 1_000))), [1_000, 0, 0]);
  assert.equal(await chunksAt('points', day), 1);
  assert.equal(await mapVersion(), version + 1);
  const late = `tidegate.points_late JOIN tidegate.series USING (series_id) WHERE device_id = 'moving'`;
  assert.equal(await count(database, late), 5, 'those of the day before stay');
  assert.equal(await count(database, `iot_data WHERE device_id = 'moving'`), 1_010);
  // A redelivery finds them in their new place.
  const again = await sink.put(
    series('moving', day + 3_600 * SECOND, 5),
    series('moving', day - 5 * SECOND, 5),
  );
  assert.deepEqual(fate(again), [0, 10, 0]);
});

test('999 old points are not many', async () => {
  await using sink = openSink(database);
  const day = at('2017-06-01T00:00:00Z');
  await sink.put(series('few', day, 999));
  assert.equal(await chunksAt('points', day), 0);
});

test('texts have chunks of their own', async () => {
  await using sink = openSink(database);
  const old = at('2016-01-01T00:00:00Z');
  await sink.put(change('texts', 'x', NOW, 'on'), change('texts', 'x', old, 'off'));
  assert.deepEqual([await chunksAt('texts', NOW), await chunksAt('texts', old)], [1, 0]);
  const found = await database.query(
    `SELECT value FROM iot_text WHERE device_id = 'texts' ORDER BY timestamp`,
  );
  assert.deepEqual(found, [{ value: 'off' }, { value: 'on' }]);
});

test('chunks of another width fill the gaps between those that are there', async () => {
  await using days = openSink(database);
  const monday = at('2015-06-01T00:00:00Z');
  await days.put(series('widths', monday + 2 * DAY, 1_000));
  await using weeks = openSink(database, { chunks: { interval: 7 * DAY } });
  await weeks.put(series('widths', monday, 1_000));
  await weeks.put(series('widths', monday + 5 * DAY, 1_000));
  const ranges = await database.query(
    `SELECT range_start::date::text AS "from", range_end::date::text AS "to" FROM tidegate.chunks
     WHERE range_start >= '2015-05-01' AND range_end < '2015-07-01' ORDER BY 1`,
  );
  assert.deepEqual(ranges, [
    { from: '2015-06-01', to: '2015-06-03' },
    { from: '2015-06-03', to: '2015-06-04' },
    { from: '2015-06-04', to: '2015-06-08' },
  ]);
  assert.equal(await count(database, `iot_data WHERE device_id = 'widths'`), 3_000);
});

test('a chunk that closes sends its late points to the late table, once', async () => {
  await using sink = openSink(database);
  const day = at('2014-06-01T00:00:00Z');
  await sink.put(series('closing', day, 1_000));
  await database.query(`UPDATE tidegate.chunks SET state = 'closing' WHERE range_start = '2014-06-01'`);
  await database.query(`UPDATE tidegate.chunk_map SET version = version + 1`);
  assert.deepEqual(fate(await sink.put(series('closing', day + 1_000 * SECOND, 5))), [5, 0, 0]);
  assert.deepEqual(fate(await sink.put(series('closing', day + 1_000 * SECOND, 5))), [0, 5, 0]);
  assert.equal(await count(database, `iot_data WHERE device_id = 'closing'`), 1_005);
  const late = `tidegate.points_late JOIN tidegate.series USING (series_id) WHERE device_id = 'closing'`;
  assert.equal(await count(database, late), 5, 'although the writer had not seen the change of the map');
});

test('a reader that planned before a chunk opened does not miss the points that moved', async () => {
  await using sink = openSink(database);
  const day = at('2013-06-01T00:00:00Z');
  await sink.put(series('planned', day, 10));
  // Evaluated while planning, after the partitions were listed: it waits there until the test lets it go.
  await database.query(`CREATE FUNCTION gate() RETURNS float8 LANGUAGE plpgsql STABLE AS
    $$ BEGIN PERFORM pg_advisory_lock_shared(77); PERFORM pg_advisory_unlock_shared(77); RETURN -1; END $$`);
  const keeper = await database.connect();
  await keeper.query('SELECT pg_advisory_lock(77)');
  const reader = await database.connect();
  const reading = reader.query(
    `SELECT count(*) FROM iot_data WHERE device_id = 'planned' AND value > gate()`,
  );
  await waiting('advisory');
  await sink.put(series('planned', day + 3_600 * SECOND, 1_000));
  await keeper.query('SELECT pg_advisory_unlock(77)');
  const [row] = (await reading).rows as { count: string }[];
  assert.ok(['10', '1010'].includes(String(row?.count)), `read ${row?.count}`);
});

test('a reader in a loop never sees another count while points move', async () => {
  await using sink = openSink(database);
  const first = at('2012-01-01T00:00:00Z');
  const days = Array.from({ length: 15 }, (_, day) => first + day * DAY);
  await sink.put(...days.map((day) => series('looped', day, 20)));
  const reader = await database.connect();
  const done = new AbortController();
  const seen = new Set<string>();
  const looking = (async () => {
    while (!done.signal.aborted) {
      const { rows } = await reader.query(
        `SELECT count(*) FROM iot_data WHERE device_id = 'looped' AND value < 100`,
      );
      seen.add((rows[0] as { count: string }).count);
    }
  })();
  for (const day of days) await sink.put(series('other', day, 1_000));
  done.abort();
  await looking;
  assert.deepEqual([...seen], ['300']);
});

test('five daemons that open the same chunks and series at once store every point once', async () => {
  const first = at('2011-01-01T00:00:00Z');
  const sinks = Array.from({ length: 5 }, (_, index) => openSink(database, { clientId: `daemon ${index}` }));
  const reports = await Promise.all(
    sinks.map(async (sink, daemon) => {
      const next = batches();
      const all = [];
      for (let round = 0; round < 3; round++) {
        // Keys of all daemons interleave; each key is written by two of them, with one value.
        const own = Array.from({ length: 1_200 }, (_, index) => {
          const key = (index * 5 + daemon + (index % 2)) % 6_000;
          return {
            device: `raced ${key % 40}`,
            metric: `metric ${round}`,
            time: first + round * DAY + key * SECOND,
            value: key,
          };
        });
        all.push(await sink.write(next(points(own)), never()));
      }
      return all;
    }),
  );
  const stored = reports.flat().reduce((sum, report) => sum + report.totals.points.stored, 0);
  const { duplicate, conflict } = reports.flat().reduce(
    (sum, { totals }) => ({
      duplicate: sum.duplicate + totals.points.duplicate,
      conflict: sum.conflict + totals.points.conflict,
    }),
    { duplicate: 0, conflict: 0 },
  );
  const distinct = new Set<number>();
  for (let daemon = 0; daemon < 5; daemon++) {
    for (let index = 0; index < 1_200; index++) distinct.add((index * 5 + daemon + (index % 2)) % 6_000);
  }
  const devices = new Set([...distinct].map((key) => key % 40));
  assert.equal(stored, 3 * distinct.size);
  assert.equal(stored + duplicate, 5 * 3 * 1_200);
  assert.equal(conflict, 0);
  assert.equal(await count(database, `iot_data WHERE device_id LIKE 'raced %'`), stored);
  assert.equal(await count(database, `iot_series WHERE device_id LIKE 'raced %'`), 3 * devices.size);
  await Promise.all(sinks.map((sink) => sink.close()));
});

test('maintain opens the chunks of now and of the next interval', async () => {
  await using own = await createDatabase({ template: true });
  await using sink = openSink(own);
  await sink.maintain();
  await sink.maintain();
  assert.equal(await count(own, `tidegate.chunks WHERE range_start <= now() AND range_end > now()`), 2);
  assert.equal(await count(own, `tidegate.chunks WHERE range_start > now()`), 2);
  assert.equal(await count(own, 'tidegate.chunks'), 4);
});

async function mapVersion(): Promise<number> {
  const [row] = await database.query<{ version: string }>('SELECT version FROM tidegate.chunk_map');
  return Number(row?.version);
}

/** Resolves once a connection of this database waits for such a lock. */
async function waiting(event: string): Promise<void> {
  const blocked = `pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND wait_event = $1`;
  while ((await count(database, blocked, event)) === 0) await turn();
}
