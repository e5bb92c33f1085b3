import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { WriteError } from '../../../src/errors.ts';
import type { Batch } from '../../../src/pipeline/types.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { batches, change, message, point, SECOND } from '../../unit/pipeline/messages.ts';
import { type CommitProxy, startCommitProxy } from './commit-proxy.ts';
import { assertBalanced, count, fate, never, openSink, type TestSink } from './sinks.ts';

let database: TestDatabase;
let proxy: CommitProxy;
before(async () => {
  database = await createDatabase({ template: true });
  proxy = await startCommitProxy(database.url);
});
after(async () => {
  await proxy[Symbol.asyncDispose]();
  await database.drop();
});

const NOW = Math.floor(Date.now() / 1000) * SECOND;

/** Points with and without a time, a text, a dead letter, and a count of its own. */
function example(device: string): Batch {
  const batch = batches()(
    point(device, 'x', NOW, 1),
    point(device, 'x', NOW + SECOND, 2),
    message((out) => out.number(device, 'arrived', Number.NaN, 3, 'gauge'), { receivedAt: NOW }),
    change(device, 'state', NOW, 'on'),
    message((out) => out.reject('value_missing', 'none'), { topic: device }),
  );
  return { ...batch, apart: { ignored: 1, dropped: 0, droppedPoints: 0 } };
}

/** What is lost is known to nobody: the write fails, and asks for another attempt. */
async function writeAndLose(sink: TestSink, batch: Batch, what: 'commit' | 'answer'): Promise<void> {
  proxy.lose(what);
  await assert.rejects(sink.write(batch, never()), (error) => {
    assert.ok(error instanceof WriteError);
    assert.deepEqual([error.action, error.sqlstate], ['retry', null]);
    return true;
  });
}

async function assertStoredOnce(device: string): Promise<void> {
  assert.equal(await count(database, 'iot_data WHERE device_id = $1', device), 3);
  assert.equal(await count(database, 'iot_text WHERE device_id = $1', device), 1);
  assert.equal(await count(database, 'iot_dead_letters WHERE topic = $1', device), 1);
  assert.equal(await count(database, 'tidegate.batches WHERE client_id = $1', device), 1);
}

test('a COMMIT that took place is looked up, not repeated, and tells what it stored then', async () => {
  await using sink = openSink(proxy, { clientId: 'answered' });
  const batch = example('answered');
  await writeAndLose(sink, batch, 'answer');
  await assertStoredOnce('answered');
  const report = await sink.write(batch, never());
  assert.deepEqual(fate(report), [4, 0, 0]);
  assertBalanced(batch, report);
  await assertStoredOnce('answered');
  assert.deepEqual((await sink.totals()).totals, report.totals);
});

test('a COMMIT that did not take place is repeated', async () => {
  await using sink = openSink(proxy, { clientId: 'unanswered' });
  const batch = example('unanswered');
  await writeAndLose(sink, batch, 'commit');
  assert.equal(await count(database, 'iot_data WHERE device_id = $1', 'unanswered'), 0);
  const report = await sink.write(batch, never());
  assert.deepEqual(fate(report), [4, 0, 0]);
  await assertStoredOnce('unanswered');
});

for (const lost of ['commit', 'answer'] as const) {
  test(`a plain batch, which commits by itself: stored once, its ${lost} lost`, async () => {
    const device = `plain ${lost}`;
    await using sink = openSink(proxy, { clientId: device });
    const next = batches();
    await sink.write(next(point(device, 'x', NOW, 1)), never());
    const batch = next(
      message((out) => out.number(device, 'x', Number.NaN, 2, 'gauge'), { receivedAt: NOW }),
    );
    await writeAndLose(sink, batch, lost);
    await sink.maintain();
    assert.deepEqual(fate(await sink.write(batch, never())), [1, 0, 0]);
    assert.equal(await count(database, 'iot_data WHERE device_id = $1', device), 2);
    await sink.maintain();
    assert.equal((await sink.totals()).totals.points.stored, 2);
  });
}

test('lost again and again: still once', async () => {
  await using sink = openSink(proxy, { clientId: 'again' });
  const batch = example('again');
  await writeAndLose(sink, batch, 'commit');
  await writeAndLose(sink, batch, 'commit');
  await writeAndLose(sink, batch, 'answer');
  assert.deepEqual(fate(await sink.write(batch, never())), [4, 0, 0]);
  await assertStoredOnce('again');
});

test('the journal keeps the row of a batch in doubt until it is looked up', async () => {
  await using sink = openSink(proxy, { clientId: 'kept' });
  const batch = example('kept');
  await writeAndLose(sink, batch, 'answer');
  await sink.maintain();
  const report = await sink.write(batch, never());
  assert.deepEqual(fate(report), [4, 0, 0]);
  await assertStoredOnce('kept');
  await sink.maintain();
  assert.equal(await count(database, `tidegate.batches WHERE client_id = 'kept'`), 0);
  assert.deepEqual((await sink.totals()).totals, report.totals);
  assert.deepEqual(
    await database.query(
      `SELECT metric_name, points::int FROM iot_series WHERE device_id = 'kept' ORDER BY 1`,
    ),
    [
      { metric_name: 'arrived', points: 1 },
      { metric_name: 'state', points: 1 },
      { metric_name: 'x', points: 2 },
    ],
  );
});

test('a text that was committed in doubt is known to be the latest', async () => {
  await using sink = openSink(proxy, { clientId: 'latest' });
  const next = batches();
  await sink.write(next(change('latest', 'x', NOW, 'on')), never());
  const batch = next(change('latest', 'x', NOW + 1, 'off'));
  await writeAndLose(sink, batch, 'answer');
  await sink.write(batch, never());
  const report = await sink.write(next(change('latest', 'x', NOW + 2, 'on')), never());
  assert.equal(report.unchanged, 0);
  assert.deepEqual(
    await database.query(`SELECT value FROM iot_text WHERE device_id = 'latest' ORDER BY timestamp`),
    [{ value: 'on' }, { value: 'off' }, { value: 'on' }],
  );
});

test('the first attempt is still committing when the second begins: stored once', async () => {
  // A deferred trigger holds the COMMIT on the server for as long as the test holds a lock.
  await database.query(`CREATE FUNCTION public.hold() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_advisory_xact_lock_shared(99); RETURN NULL; END $$`);
  await database.query(`CREATE CONSTRAINT TRIGGER hold AFTER INSERT ON tidegate.batches
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.client_id = 'slow') EXECUTE FUNCTION public.hold()`);
  const keeper = await database.connect();
  await keeper.query('SELECT pg_advisory_lock(99)');
  await using sink = openSink(database, { clientId: 'slow' });
  const batch = example('slow');
  const abort = new AbortController();
  const first = assert.rejects(sink.write(batch, abort.signal));
  const waits = `pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
  while ((await count(database, waits)) < 1);
  abort.abort();
  await first;
  const second = sink.write(batch, never());
  while ((await count(database, waits)) < 2);
  await keeper.query('SELECT pg_advisory_unlock(99)');
  assert.deepEqual(fate(await second), [4, 0, 0]);
  await assertStoredOnce('slow');
});
