import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AccountDetail, type AccountQuery, accountDetail } from '../../../src/postgres/account.ts';
import { createDatabase } from '../../support/database.ts';
import { message, SECOND } from '../../unit/pipeline/messages.ts';
import { openSink, points, series, type TestSink } from './sinks.ts';

const NOW = Math.floor(Date.now() / 1000) * SECOND;
const NOTHING = { minutes: 0, conflicts: 0, devices: 0 };

function value(device: string, time: number, number: number) {
  return points([{ device, metric: 'x', time, value: number }]);
}

function account(sink: TestSink, wanted: AccountQuery, clientId = 'test'): Promise<AccountDetail> {
  return sink.lend((client) =>
    accountDetail(client, { schema: 'public', clientId, workers: `${clientId}-worker-` }, wanted),
  );
}

async function conflictsOf(sink: TestSink): Promise<unknown[]> {
  const { conflicts = [] } = await account(sink, { ...NOTHING, conflicts: 10 });
  return conflicts.map(({ device_id: device, conflicts: count }) => [device, count]);
}

test('only what is asked for is there', async () => {
  await using database = await createDatabase({ template: true });
  await using sink = openSink(database);
  await sink.put(series('a', NOW, 3));
  assert.deepEqual(await account(sink, NOTHING), {});
  assert.deepEqual(Object.keys(await account(sink, { minutes: 1, conflicts: 1, devices: 1 })), [
    'minutes',
    'conflicts',
    'devices',
  ]);
});

test('the minutes hold what was committed in them, before a fold and after it', async () => {
  await using database = await createDatabase({ template: true });
  await using other = openSink(database, { clientId: 'other' });
  await other.put(series('other', NOW, 9));
  await using sink = openSink(database, { clientId: 'mine' });
  await sink.put(series('a', NOW, 3));
  await sink.put(
    series('a', NOW, 4),
    message((out) => out.reject('value_missing', 'none')),
  );
  for (const fold of [false, true, true]) {
    if (fold) await sink.maintain();
    const { minutes = [] } = await account(sink, { ...NOTHING, minutes: 5 }, 'mine');
    const sum = (of: (minute: (typeof minutes)[number]) => number) =>
      minutes.reduce((total, minute) => total + of(minute), 0);
    assert.ok(minutes.length === 1 || minutes.length === 2);
    assert.equal(
      sum(({ messages }) => messages.settled),
      2,
    );
    assert.equal(
      sum(({ messages }) => messages.dead_lettered),
      1,
    );
    assert.deepEqual([sum(({ points }) => points.stored), sum(({ points }) => points.duplicate)], [4, 3]);
  }
  await database.query(`UPDATE tidegate.ingest_minutes SET minute = minute - interval '25 hours'`);
  assert.deepEqual((await account(sink, { ...NOTHING, minutes: 1_440 }, 'mine')).minutes, []);
  await sink.maintain();
  assert.deepEqual(await database.query('SELECT FROM tidegate.ingest_minutes'), []);
});

for (const onDuplicate of ['keep_first', 'keep_last'] as const) {
  test(`a second value under a key is listed by series (${onDuplicate}), in one batch, in several, in a closed chunk`, async () => {
    await using database = await createDatabase({ template: true });
    await using sink = openSink(database, { onDuplicate });
    await sink.put(value('a', NOW, 1), value('a', NOW, 2), value('b', NOW, 1));
    assert.deepEqual(await conflictsOf(sink), [['a', 1]]);
    await sink.maintain();
    await sink.put(value('a', NOW, 5), value('b', NOW, 2), value('b', NOW, 2), value('a', NOW + SECOND, 1));
    assert.deepEqual(await conflictsOf(sink), [
      ['a', 2],
      ['b', 1],
    ]);
    await database.query(`UPDATE tidegate.chunks SET state = 'closing'`);
    await database.query('UPDATE tidegate.chunk_map SET version = version + 1');
    await sink.put(
      value('c', NOW, 1),
      value('a', NOW + SECOND, 7),
      value('b', NOW, onDuplicate === 'keep_first' ? 1 : 2),
    );
    await sink.maintain();
    assert.deepEqual(await conflictsOf(sink), [
      ['a', 3],
      ['b', 1],
    ]);
    const [row] = await database.query(
      'SELECT sum(points_conflict)::int AS conflicts FROM tidegate.ingest_totals',
    );
    assert.deepEqual(row, { conflicts: 4 });
  });
}

test('what devices brought in the last hour, those with most first', async () => {
  await using database = await createDatabase({ template: true });
  await using sink = openSink(database);
  await sink.put(series('few', NOW, 2), series('a/ünit', NOW, 5));
  await sink.maintain();
  await sink.put(series('a/ünit', NOW, 7), value('few', NOW, 99));
  const expected = [
    { device_id: 'a/ünit', stored: 7, duplicate: 5, conflict: 0 },
    { device_id: 'few', stored: 2, duplicate: 0, conflict: 1 },
  ];
  assert.deepEqual((await account(sink, { ...NOTHING, devices: 10 })).devices, expected);
  await sink.maintain();
  assert.deepEqual((await account(sink, { ...NOTHING, devices: 10 })).devices, expected);
  assert.equal((await account(sink, { ...NOTHING, devices: 1 })).devices?.length, 1);
  await database.query(`UPDATE tidegate.device_sums SET slot = slot - interval '3 hours'`);
  await sink.maintain();
  assert.deepEqual((await account(sink, { ...NOTHING, devices: 10 })).devices, []);
});
