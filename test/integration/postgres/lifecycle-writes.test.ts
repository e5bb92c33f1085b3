import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import { change, SECOND } from '../../unit/pipeline/messages.ts';
import { at, count, fate, openSink, points, series } from './sinks.ts';

let database: TestDatabase;
before(async () => {
  database = await createDatabase({ template: true });
});
after(() => database.drop());

const NOW = Math.floor(Date.now() / 60_000) * 60 * SECOND;

async function setMap(assignment: string): Promise<void> {
  await database.query(`UPDATE tidegate.chunk_map SET ${assignment}, version = version + 1`);
}

async function dirty(): Promise<{ device_id: string; minute: string }[]> {
  return await database.query(
    `SELECT s.device_id, extract(epoch FROM d.bucket)::bigint AS minute
     FROM tidegate.dirty_buckets b, unnest(b.series_ids, b.buckets) AS d (series_id, bucket)
     JOIN tidegate.series s USING (series_id) WHERE b.level = '1min' ORDER BY 1, 2`,
  );
}

test('minutes below the watermark are recorded with the batch, duplicates too; others are not', async () => {
  await using sink = openSink(database);
  await setMap(`dirty_before = to_timestamp(${NOW / 1e6})`);
  await sink.put(series('dirty', NOW - SECOND, 3), series('fresh', NOW, 3));
  const minute = String(NOW / 1e6 - 60);
  assert.deepEqual(await dirty(), [{ device_id: 'dirty', minute }]);
  assert.deepEqual(fate(await sink.put(series('dirty', NOW - SECOND, 1))), [0, 1, 0]);
  assert.deepEqual(await dirty(), [
    { device_id: 'dirty', minute },
    { device_id: 'dirty', minute },
  ]);
  await database.query('DELETE FROM tidegate.dirty_buckets');
});

test('whoever moves the mark with the map to himself waits for the writers that saw the old one', async () => {
  await using sink = openSink(database);
  await setMap(`dirty_before = '-infinity'`);
  // Holds the batch inside its transaction: an insertion of the same key that is not committed yet.
  await sink.put(series('barrier', NOW - 600 * SECOND, 1));
  const other = await database.connect();
  await other.query('BEGIN');
  await other.query(
    `INSERT INTO tidegate.points SELECT series_id, to_timestamp(${NOW / 1e6 - 599}), 5 FROM tidegate.series WHERE device_id = 'barrier'`,
  );
  const writing = sink.put(series('barrier', NOW - 599 * SECOND, 1));
  await eventually('the writer waits', async () => {
    const [row] = await database.query<{ waiting: string }>(
      `SELECT count(*) AS waiting FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );
    return row?.waiting === '1';
  });
  const announcer = await database.connect();
  let announced = false;
  const announcing = (async () => {
    await announcer.query('BEGIN; SELECT pg_advisory_xact_lock(tidegate.chunk_map_lock())');
    await announcer.query(`UPDATE tidegate.chunk_map SET dirty_before = to_timestamp(${NOW / 1e6}); COMMIT`);
    announced = true;
  })();
  await eventually('the announcer waits too', async () => {
    const [row] = await database.query<{ waiting: string }>(
      `SELECT count(*) AS waiting FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );
    return row?.waiting === '2';
  });
  assert.equal(announced, false);
  await other.query('ROLLBACK');
  await Promise.all([writing, announcing]);
  assert.deepEqual(await dirty(), [], 'written under the old mark, and committed before the new one');
  await sink.put(series('barrier', NOW - 500 * SECOND, 1));
  assert.equal((await dirty()).length, 1);
  await database.query('DELETE FROM tidegate.dirty_buckets');
});

test('what retention deletes is left out and counted', async () => {
  await using sink = openSink(database);
  await setMap(`raw_cut = '2020-01-01', text_cut = '2021-01-01'`);
  const report = await sink.put(
    series('old', at('2019-12-31T23:59:58Z'), 4),
    change('old', 'x', at('2020-06-01T00:00:00Z'), 'on'),
    change('old', 'x', at('2021-06-01T00:00:00Z'), 'on'),
  );
  assert.deepEqual(fate(report), [3, 0, 0]);
  assert.equal(report.totals.points.dropped, 3);
  assert.equal(report.expired, 3);
  assert.equal(await count(database, `iot_data WHERE device_id = 'old'`), 2);
  // Many old points open no chunk either.
  await sink.put(series('old', at('2018-01-01T00:00:00Z'), 2_000));
  assert.equal(await count(database, `tidegate.chunks WHERE range_start < '2019-01-01'`), 0);
  await setMap(`raw_cut = '-infinity', text_cut = '-infinity'`);
});

test('a series remembers the route that first brought it', async () => {
  await using sink = openSink(database);
  await sink.put(points([{ device: 'routed', metric: 'x', time: NOW, value: 1 }]));
  const rows = await database.query(`SELECT route FROM tidegate.series WHERE device_id = 'routed'`);
  assert.deepEqual(rows, [{ route: 'scripted' }]);
});
