import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { Client } from 'pg';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import { DAY, SECOND } from '../../unit/pipeline/messages.ts';
import { openPostgres, runJob } from '../engines/engines.ts';
import { at, count, openSink, series, type TestSink } from '../postgres/sinks.ts';
import { correct, refresh } from './corrections.ts';

let database: TestDatabase;
beforeEach(async () => {
  database = await createDatabase({ template: true });
});
afterEach(() => database.drop());

const START = at('2024-01-01T00:00:00Z');

/** What no correction may leave behind, whatever else was under way. */
async function assertConsistent(): Promise<void> {
  for (const table of [
    'points',
    'points_late',
    'texts',
    'segments',
    'series_stats',
    'aggregate_1min',
    'frames_1min',
  ]) {
    const orphans = await count(
      database,
      `tidegate.${table} WHERE series_id NOT IN (SELECT series_id FROM tidegate.series)`,
    );
    assert.equal(orphans, 0, `${table} without series`);
  }
  const wrong = await database.query(
    `SELECT device_id, metric_name, s.points, d.points AS found, s.last_seen, d.last FROM iot_series s
     FULL JOIN (SELECT device_id, metric_name, count(*) AS points, min(timestamp) AS first, max(timestamp) AS last
       FROM iot_data GROUP BY 1, 2) d USING (device_id, metric_name)
     WHERE (s.points, s.first_seen, s.last_seen) IS DISTINCT FROM (coalesce(d.points, 0), d.first, d.last)`,
  );
  assert.deepEqual(wrong, [], 'iot_series says what iot_data has');
  const doubled = await database.query(
    'SELECT device_id, metric_name, timestamp FROM iot_data GROUP BY 1, 2, 3 HAVING count(*) > 1',
  );
  assert.deepEqual(doubled, [], 'each point once');
}

async function write(sink: TestSink, device: string, batches: number): Promise<void> {
  for (let batch = 0; batch < batches; batch++) {
    await sink.put(
      series(device, START + batch * 10 * SECOND, 10),
      series('bystander', START + batch * 10 * SECOND, 10),
    );
    await sink.maintain();
  }
}

test('devices go and come back while two daemons write them', async () => {
  await using one = openSink(database);
  await using two = openSink(database, { clientId: 'two' });
  await write(one, 'busy', 1);
  const writing = Promise.all([write(one, 'busy', 60), write(two, 'busy', 60)]);
  const done = new AbortController();
  void writing.finally(() => done.abort());
  let deletions = 0;
  for (; !done.signal.aborted; deletions++) {
    const whole = { device: 'busy', metric: null, from: null, to: null };
    await correct(database, (corrections) => corrections.delete(whole, false)).catch((error: unknown) => {
      assert.equal((error as { code?: string }).code, 'device_unknown');
    });
    await turn();
  }
  await writing;
  assert.ok(deletions > 3, `${deletions} deletions`);
  await assertConsistent();
  assert.equal(await count(database, `iot_data WHERE device_id = 'bystander'`), 600);
});

test('corrections and jobs wait for each other', async () => {
  await using sink = openSink(database);
  const chunks = 6;
  for (let day = 0; day < chunks; day++) {
    for (const device of ['a', 'b', 'c', 'd']) await sink.put(series(device, START + day * DAY, 1_000));
  }
  const engine = openPostgres(database);
  const compressing = (async () => {
    for (let day = 1; day <= chunks; day++) await engine.compress(`points_2024010${day}_000000`);
    for (let day = 1; day <= chunks; day++) await engine.decompress(`points_2024010${day}_000000`);
    await runJob(engine, 'compression');
  })();
  const correcting = (async () => {
    const range = { device: 'a', metric: null, from: '2024-01-02T00:10:00Z', to: '2024-01-05T00:10:00Z' };
    await correct(database, (corrections) => corrections.delete(range, false));
    await correct(database, (corrections) => corrections.merge('b', 'a', false));
    await correct(database, (corrections) => corrections.rename('a', 'z', false));
    await correct(database, (corrections) =>
      corrections.delete({ device: 'c', metric: null, from: null, to: null }, false),
    );
  })();
  await Promise.all([compressing, correcting, refresh(database)]);
  await refresh(database);
  await assertConsistent();
  assert.deepEqual(await database.query('SELECT device_id, points FROM iot_devices ORDER BY 1'), [
    { device_id: 'd', points: '6000' },
    { device_id: 'z', points: '6000' },
  ]);
  const [sums] = await database.query(
    `SELECT (SELECT sum(count) FROM iot_data_1day WHERE device_id IN ('d', 'z'))::text AS days,
       (SELECT sum(points) FROM tidegate.chunks WHERE source = 'points')::text AS chunks`,
  );
  assert.deepEqual(sums, { days: '12000', chunks: '12000' });
});

test('a correction that the server ends for a deadlock begins anew', async () => {
  await using sink = openSink(database);
  await write(sink, 'old', 1);
  const other = new Client(database.url);
  await other.connect();
  // The correction is the one that finds the deadlock, and so the one that is ended.
  await other.query("SET deadlock_timeout = '1h'; BEGIN");
  await other.query("UPDATE tidegate.series SET unit = unit WHERE device_id = 'old'");
  const renamed = correct(database, (corrections) => corrections.rename('old', 'new', false));
  await eventually('the correction waits for the series', async () => {
    const waiting = await database.query(
      "SELECT FROM pg_stat_activity WHERE application_name = 'tidegate devices' AND wait_event_type = 'Lock' AND datname = current_database()",
    );
    return waiting.length > 0;
  });
  await other.query("SELECT FROM tidegate.jobs WHERE name = 'retention' FOR UPDATE");
  await other.query('COMMIT');
  assert.equal((await renamed).action, 'rename');
  await other.end();
  assert.deepEqual(await database.query('SELECT count(*)::int AS count FROM iot_audit'), [{ count: 1 }]);
  await assertConsistent();
});
