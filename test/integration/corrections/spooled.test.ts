import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import type { WriteReport } from '../../../src/pipeline/types.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { batches, SECOND, type TestMessage } from '../../unit/pipeline/messages.ts';
import { assertBalanced, at, never, openSink, series, type TestSink } from '../postgres/sinks.ts';
import { correct } from './corrections.ts';

let database: TestDatabase;
beforeEach(async () => {
  database = await createDatabase({ template: true });
});
afterEach(() => database.drop());

const START = at('2024-01-01T00:00:00Z');
const next = batches();

/** Writes messages that were received at `receivedAt` and lay in the spool since. */
async function drain(sink: TestSink, receivedAt: number, ...messages: TestMessage[]): Promise<WriteReport> {
  const batch = next(...messages);
  const deliveries = batch.deliveries.map((delivery) => ({ ...delivery, receivedAt }));
  const report = await sink.write(
    { ...batch, deliveries, records: [{ id: batch.id, messages: deliveries.length, apart: batch.apart }] },
    never(),
  );
  assertBalanced(batch, report);
  return report;
}

async function stored(): Promise<Record<string, number>> {
  const rows = await database.query<{ name: string; points: number }>(
    `SELECT device_id || ' ' || metric_name AS name, points::int FROM iot_series ORDER BY 1`,
  );
  return Object.fromEntries(rows.map(({ name, points }) => [name, points]));
}

const now = (): number => Date.now() * 1_000;
/** Long enough for the clocks of the server and of this process to agree on what came first. */
const LATER = 60 * SECOND;

test('what lay in the spool while its device was deleted is dropped and counted; what came later is stored', async () => {
  await using sink = openSink(database);
  await sink.put(series('gone', START, 3), series('stays', START, 3));
  await correct(database, (of) => of.delete({ device: 'gone', metric: null, from: null, to: null }, false));
  const report = await drain(
    sink,
    now() - LATER,
    series('gone', START + 10 * SECOND, 4),
    series('stays', START + 10 * SECOND, 4),
  );
  assert.deepEqual(
    [
      report.deleted,
      report.totals.points.dropped,
      report.totals.points.stored,
      report.totals.messages.settled,
    ],
    [4, 4, 4, 2],
  );
  assert.deepEqual(await stored(), { 'stays x': 7 });
  const later = await drain(sink, now() + LATER, series('gone', START + 20 * SECOND, 2));
  assert.equal(later.deleted, 0);
  assert.deepEqual(await stored(), { 'gone x': 2, 'stays x': 7 });
});

test('a range, and a metric that a glob means, are left out alone', async () => {
  await using sink = openSink(database);
  await sink.put(series('d', START, 1));
  const range = { from: '2024-01-01T00:00:02Z', to: '2024-01-01T00:00:04Z' };
  await correct(database, (of) => of.delete({ device: 'd', metric: 'x', ...range }, false));
  const ranged = await drain(sink, now() - LATER, series('d', START, 6));
  assert.equal(ranged.deleted, 2);
  assert.deepEqual(await stored(), { 'd x': 4 });
  await correct(database, (of) => of.delete({ device: 'd', metric: '*x*', from: null, to: null }, false));
  const other = await drain(sink, now() - LATER, series('d', START, 6), series('x', START, 1));
  assert.equal(other.deleted, 6);
  assert.deepEqual(await stored(), { 'x x': 1 });
});

test('a device that was renamed and deleted: its messages under the former name are meant too', async () => {
  await using sink = openSink(database);
  await sink.put(series('old', START, 1));
  await correct(database, (of) => of.rename('old', 'new', false));
  await correct(database, (of) => of.delete({ device: 'new', metric: null, from: null, to: null }, false));
  const report = await drain(sink, now() - LATER, series('old', START, 3), series('new', START, 3));
  assert.equal(report.deleted, 6);
  assert.deepEqual(await stored(), {});
});

test('metrics that hold characters with a meaning in patterns are compared as they are', async () => {
  await using sink = openSink(database);
  await sink.put(series('a_b', START, 1));
  await correct(database, (of) => of.delete({ device: 'a_b', metric: null, from: null, to: null }, false));
  const report = await drain(sink, now() - LATER, series('a_b', START, 1), series('aXb', START, 1));
  assert.equal(report.deleted, 1);
  assert.deepEqual(await stored(), { 'aXb x': 1 });
});
