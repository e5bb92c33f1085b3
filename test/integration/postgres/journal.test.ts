import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Journal } from '../../../src/postgres/journal.ts';
import { FOLLOW } from '../../../src/postgres/journal-arrivals.ts';
import { schemaNames } from '../../../src/postgres/names.ts';
import { createDatabase } from '../../support/database.ts';
import { batches, message, point, SECOND } from '../../unit/pipeline/messages.ts';
import { count, never, openSink, series } from './sinks.ts';

const NOW = Math.floor(Date.now() / 1000) * SECOND;

test('totals survive folds and a new life of the daemon, and belong to its client id', async () => {
  await using database = await createDatabase({ template: true });
  let since = '';
  {
    await using sink = openSink(database, { clientId: 'mine' });
    since = (await sink.totals()).since;
    await sink.put(
      series('a', NOW, 3),
      message((out) => out.reject('value_missing', 'none')),
    );
    await sink.maintain();
    await sink.put(
      series('a', NOW, 4),
      message(() => {}),
    );
  }
  {
    await using other = openSink(database, { clientId: 'theirs' });
    await other.put(series('b', NOW, 7));
  }
  await using sink = openSink(database, { clientId: 'mine' });
  for (const fold of [false, true]) {
    if (fold) await sink.maintain();
    assert.deepEqual(await sink.totals(), {
      since,
      totals: {
        messages: { settled: 2, ignored: 1, dead_lettered: 1, dropped: 0 },
        points: { decoded: 8, stored: 4, duplicate: 3, conflict: 0, dead_lettered: 1, dropped: 0 },
      },
    });
  }
});

test('a fold takes its own rows, and those that a daemon left a day ago', async () => {
  await using database = await createDatabase({ template: true });
  await using mine = openSink(database, { clientId: 'mine' });
  await using theirs = openSink(database, { clientId: 'theirs' });
  await mine.put(series('a', NOW, 1));
  await theirs.put(series('b', NOW, 2));
  await mine.maintain();
  assert.deepEqual(await database.query('SELECT client_id FROM tidegate.batches'), [{ client_id: 'theirs' }]);
  await database.query(`UPDATE tidegate.batches SET committed_at = now() - interval '25 hours'`);
  await mine.maintain();
  assert.equal(await count(database, 'tidegate.batches'), 0);
  assert.deepEqual(
    await database.query('SELECT client_id, points_stored::int FROM tidegate.ingest_totals ORDER BY 1'),
    [
      { client_id: 'mine', points_stored: 1 },
      { client_id: 'theirs', points_stored: 2 },
    ],
  );
  assert.deepEqual(await database.query('SELECT device_id, points::int FROM iot_series ORDER BY 1'), [
    { device_id: 'a', points: 1 },
    { device_id: 'b', points: 2 },
  ]);
});

test('a fold asks whether a batch is settled only after its row was seen', async () => {
  await using database = await createDatabase({ template: true });
  await using sink = openSink(database);
  const next = batches();
  const [doubtful, settled] = [next(point('a', 'x', NOW, 1)), next(point('a', 'x', NOW + 1, 1))] as const;
  for (const batch of [doubtful, settled]) await sink.write(batch, never());
  const client = await database.connect();
  const journal = new Journal(schemaNames('public'), 'test');
  const asked: string[] = [];
  await journal.fold(client, (id) => {
    asked.push(id);
    return id !== doubtful.id;
  });
  assert.deepEqual(asked.sort(), [doubtful.id, settled.id].sort());
  assert.deepEqual(await database.query('SELECT batch_id FROM tidegate.batches'), [
    { batch_id: doubtful.id },
  ]);
  assert.deepEqual([...(await journal.find(client, doubtful.id)).keys()], [doubtful.id]);
  assert.deepEqual([...(await journal.find(client, settled.id)).keys()], []);
});

test('two daemons fold at the same time without counting twice', async () => {
  await using database = await createDatabase({ template: true });
  await using first = openSink(database, { clientId: 'one' });
  await using second = openSink(database, { clientId: 'two' });
  const writing = [first, second].map(async (sink, daemon) => {
    for (let round = 0; round < 10; round++) {
      await sink.put(series('shared', NOW + (round * 2 + daemon) * 100 * SECOND, 10));
      await sink.maintain();
    }
  });
  await Promise.all(writing);
  assert.deepEqual(await database.query(`SELECT points::int FROM iot_series`), [{ points: 200 }]);
  assert.equal(await count(database, 'iot_data'), 200);
});

test('rows stay for a while where somebody follows the journal, and only there', async () => {
  await using database = await createDatabase({ template: true });
  await using sink = openSink(database, { foldAfter: 3_600_000 });
  const rows = async () => (await database.query('SELECT FROM tidegate.batches')).length;
  const follower = await database.connect();
  await follower.query(FOLLOW);
  await sink.put(series('a', NOW, 1));
  await sink.maintain();
  assert.equal(await rows(), 1);
  // As after a while: the pool still has the connection.
  await follower.query(`SET application_name = 'tidegate follower 1767225600'`);
  await sink.maintain();
  assert.equal(await rows(), 0);
});
