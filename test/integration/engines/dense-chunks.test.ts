/** Chunks that have segments of dense batches while they are open: compressed, listed, merged, deleted. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { point, SECOND } from '../../unit/pipeline/messages.ts';
import { at, count, fate, openSink, points, series, type TestSink } from '../postgres/sinks.ts';
import { engineOptions, openPostgres, runJob } from './engines.ts';

let database: TestDatabase;
before(async () => {
  database = await createDatabase({ template: true });
});
after(() => database.drop());

const engine = (): ReturnType<typeof openPostgres> => openPostgres(database);

async function segments(device: string): Promise<number[]> {
  const rows = await database.query<{ n: number }>(
    `SELECT n FROM tidegate.segments JOIN tidegate.series USING (series_id) WHERE device_id = $1 ORDER BY start_ts`,
    [device],
  );
  return rows.map(({ n }) => n);
}

async function values(device: string): Promise<number[]> {
  const rows = await database.query<{ value: number }>(
    'SELECT value FROM iot_data WHERE device_id = $1 ORDER BY timestamp',
    [device],
  );
  return rows.map(({ value }) => value);
}

/** Dense, sparse and late: 0 to 99 as a segment, three as rows, 200 to 299 as a segment, and between its points one more. */
async function write(sink: TestSink, device: string, day: number): Promise<void> {
  await sink.put(series(device, day, 100));
  await sink.put(series(device, day + 150 * SECOND, 3, 151));
  await sink.put(series(device, day + 200 * SECOND, 100, 201));
  await sink.put(points([{ device, metric: 'x', time: day + 250 * SECOND + 1, value: -1 }]));
}

test('compression puts rows between segments, and takes those within one in', async () => {
  const day = at('2024-03-01T00:00:00Z');
  await using sink = openSink(database, { denseFrom: 16 });
  // Opens the chunk, and has rows only.
  await using sparse = openSink(database, { clientId: 'sparse' });
  await sparse.put(series('rows', day, 1_000));
  await write(sink, 'mixed', day);
  const before = await values('mixed');
  const listed = async () => (await engine().chunks()).find(({ name }) => name === 'points_20240301_000000');
  assert.ok(((await listed())?.rows ?? 0) >= 200, 'segments of an open chunk are counted');
  const report = await engine().compress('points_20240301_000000');
  assert.equal(report.rows, 1_203, 'without the one that lies within a segment, which is late');
  assert.deepEqual(await values('mixed'), before);
  assert.deepEqual(await segments('mixed'), [203], 'its neighbours fit into one row');
  assert.equal((await listed())?.rows, 1_204);
  await runJob(engine(), 'compression');
  assert.deepEqual(await segments('mixed'), [204]);
  assert.deepEqual(await values('mixed'), before);
  assert.equal(await count(database, 'tidegate.points_late'), 0);
  assert.deepEqual(fate(await sink.put(series('mixed', day, 100))), [0, 100, 0]);

  await engine().decompress('points_20240301_000000');
  assert.deepEqual(await values('mixed'), before);
  assert.deepEqual(await segments('mixed'), []);
  // Below the mark, although no segment has it: it becomes a row.
  assert.deepEqual(fate(await sink.put(series('mixed', day + 100 * SECOND, 20, 101))), [20, 0, 0]);
  assert.deepEqual(await segments('mixed'), []);
});

test('keep_last replaces points of a closing chunk, in rows, in segments, and in rows that become late', async () => {
  const day = at('2024-03-10T00:00:00Z');
  await using sink = openSink(database, { denseFrom: 16, onDuplicate: 'keep_last' });
  await using sparse = openSink(database, { clientId: 'sparse' });
  await sparse.put(series('rows', day, 1_000));
  await write(sink, 'closing', day);
  // As where a run broke off.
  await database.query(`UPDATE tidegate.chunks SET state = 'closing' WHERE leaf = 'points_20240310_000000'`);
  await database.query('UPDATE tidegate.chunk_map SET version = version + 1');
  const changed = [10, 151, 250].map((row) => ({
    device: 'closing',
    metric: 'x',
    time: day + row * SECOND,
    value: 1_000 + row,
  }));
  const replaced = await sink.put(
    points([...changed, { device: 'closing', metric: 'x', time: day + 250 * SECOND + 1, value: -2 }]),
  );
  assert.deepEqual(fate(replaced), [0, 0, 4]);
  const after = await values('closing');
  assert.deepEqual([after[10], after[101], after.filter((value) => value === -2).length], [1_010, 1_151, 1]);
  await runJob(engine(), 'compression');
  assert.deepEqual(await values('closing'), after);
  assert.equal(after.length, 204);
});

test('small segments are merged once many have gathered, unless rows lie between them', async () => {
  const day = at('2024-03-20T00:00:00Z');
  await using sink = openSink(database, { denseFrom: 16 });
  await sink.put(series('others', day, 1_000));
  for (let batch = 0; batch < 31; batch++)
    await sink.put(series('many', day + batch * 20 * SECOND, 20, batch * 20));
  await runJob(engine(), 'chunks');
  assert.equal((await segments('many')).length, 31, 'not before there are 32');
  await sink.put(point('many', 'x', day + 640 * SECOND, 640));
  await sink.put(series('many', day + 650 * SECOND, 20, 650));
  const before = await values('many');
  await runJob(engine(), 'chunks');
  assert.deepEqual(await segments('many'), [620, 20]);
  assert.deepEqual(await values('many'), before);
  for (let batch = 0; batch < 32; batch++)
    await sink.put(series('many', day + (700 + batch * 20) * SECOND, 20, 1));
  await runJob(engine(), 'chunks');
  assert.deepEqual(await segments('many'), [620, 660]);
  assert.deepEqual(
    await database.query(
      `SELECT small FROM tidegate.series_heads JOIN tidegate.series USING (series_id) WHERE device_id = 'many'`,
    ),
    [{ small: 1 }],
  );
});

test('retention takes the segments of an open chunk along', async () => {
  const day = at('2023-03-01T00:00:00Z');
  await using sink = openSink(database, { denseFrom: 16 });
  await sink.put(series('old', day, 1_000));
  const raw = Date.now() - day / 1000 - 2 * 86_400_000;
  await database.query(`UPDATE tidegate.aggregates SET watermark = now()`);
  const { retention } = engineOptions(database);
  await runJob(openPostgres(database, { retention: { ...retention, raw } }), 'retention');
  assert.deepEqual(await segments('old'), []);
  assert.equal((await sink.put(series('old', day, 20))).expired, 20);
});
