import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { change, message, point, SECOND, type TestMessage } from '../../unit/pipeline/messages.ts';
import { startPipeline } from '../../unit/pipeline/ports.ts';
import { count, fate, never, openSink } from './sinks.ts';

let database: TestDatabase;
before(async () => {
  database = await createDatabase({ template: true });
});
after(() => database.drop());

const NOW = Math.floor(Date.now() / 1000) * SECOND;

test('a constraint of the operator sets the culprit alone apart, with what PostgreSQL said', async () => {
  await using own = await createDatabase({ template: true });
  await own.query('ALTER TABLE tidegate.points ADD CONSTRAINT sane CHECK (value < 1000)');
  await using sink = openSink(own);
  const { pipeline, fatal } = startPipeline(sink);
  const all: TestMessage[] = Array.from({ length: 20 }, (_, index) =>
    message((out) => out.number('device', 'x', NOW + index * SECOND, index === 13 ? 5_000 : index, 'gauge'), {
      topic: `topic/${index}`,
      payload: Uint8Array.of(0, index, 255),
      receivedAt: NOW + 123_456,
    }),
  );
  for (const one of all) pipeline.receive(one);
  assert.equal(await pipeline.drain(never()), true);
  assert.deepEqual(fatal, []);
  assert.equal(await count(own, 'iot_data'), 19);
  const letters = await own.query(
    `SELECT topic, payload, code, detail, points, qos, retained, client_id, received_at FROM iot_dead_letters`,
  );
  assert.deepEqual(letters, [
    {
      topic: 'topic/13',
      payload: Buffer.of(0, 13, 255),
      code: 'database_rejected',
      detail: letters[0]?.['detail'],
      points: 1,
      qos: 1,
      retained: false,
      client_id: 'test',
      received_at: new Date(NOW / 1000 + 123),
    },
  ]);
  assert.match(String(letters[0]?.['detail']), /^23514: .*"sane"/);
  assert.deepEqual(new Set(all.map((one) => one.acks())), new Set([1]));
  const { stats } = pipeline.state();
  assert.deepEqual([stats.balanced, stats.points.stored, stats.points.dead_lettered], [true, 19, 1]);
  assert.deepEqual((await sink.totals()).totals.messages.dead_lettered, 1);
});

test('a table that is dropped stops the daemon: nothing is acknowledged', async () => {
  await using own = await createDatabase({ template: true });
  await own.query('ALTER TABLE tidegate.points RENAME TO gone');
  await using sink = openSink(own);
  const { pipeline, fatal } = startPipeline(sink);
  const one = point('device', 'x', NOW, 1);
  pipeline.receive(one);
  assert.equal(await pipeline.drain(never()), false);
  assert.equal(one.acks(), 0);
  assert.match(String(fatal[0]), /points/);
});

test('new series past max_series are dead letters, known ones go on', async () => {
  await using own = await createDatabase({ template: true });
  await using sink = openSink(own, { maxSeries: 2 });
  await sink.put(point('one', 'x', NOW, 1));
  const mixed = message(
    (out) => {
      out.number('one', 'x', NOW + 1, 2, 'gauge');
      out.number('two', 'x', NOW + 1, 2, 'gauge');
      out.number('three', 'x', NOW + 1, 2, 'gauge');
      out.text('four', 'x', NOW + 1, 'on', true);
    },
    { topic: 'mixed' },
  );
  const report = await sink.put(mixed, point('two', 'x', NOW + 2, 3));
  assert.deepEqual(fate(report), [3, 0, 0]);
  assert.deepEqual(report.totals.messages, { settled: 1, ignored: 0, dead_lettered: 1, dropped: 0 });
  assert.deepEqual(
    report.refused.map(({ code, points }) => [code, points]),
    [['series_limit', 2]],
  );
  assert.deepEqual(await own.query('SELECT topic, code, points FROM iot_dead_letters'), [
    { topic: 'mixed', code: 'series_limit', points: 2 },
  ]);
  assert.deepEqual(await own.query('SELECT device_id, points::int FROM iot_series ORDER BY 1'), [
    { device_id: 'one', points: 2 },
    { device_id: 'two', points: 2 },
  ]);
  await using larger = openSink(own, { maxSeries: 3 });
  assert.deepEqual(fate(await larger.put(point('three', 'x', NOW, 1))), [1, 0, 0]);
});

test('texts are stored when they change, for a daemon that has just started too', async () => {
  const texts = () =>
    database.query<{ value: string }>(
      `SELECT value FROM iot_text WHERE device_id = 'door' ORDER BY timestamp`,
    );
  {
    await using sink = openSink(database);
    const report = await sink.put(
      change('door', 'x', NOW, 'open'),
      change('door', 'x', NOW + 1, 'open'),
      change('door', 'x', NOW + 2, 'closed'),
    );
    assert.deepEqual([report.unchanged, report.totals.points.dropped], [1, 1]);
    assert.equal((await sink.put(change('door', 'x', NOW + 3, 'closed'))).unchanged, 1);
  }
  await using sink = openSink(database);
  assert.equal((await sink.put(change('door', 'x', NOW + 4, 'closed'))).unchanged, 1);
  assert.equal(
    (await sink.put(change('door', 'x', NOW - 5, 'closed'))).unchanged,
    0,
    'older: a change of its time',
  );
  assert.equal((await sink.put(change('door', 'x', NOW + 5, 'open'))).unchanged, 0);
  assert.deepEqual(
    (await texts()).map(({ value }) => value),
    ['closed', 'open', 'closed', 'open'],
  );
});

test('texts keep every character that PostgreSQL can keep', async () => {
  await using sink = openSink(database);
  const values = [
    '',
    '"quoted", {braces}',
    'back\\slash',
    "o'clock",
    'NULL',
    'Grüße 🌊',
    'line\nbreak\ttab',
    '\u0001',
  ];
  await sink.put(...values.map((value, index) => change('characters', 'x', NOW + index, value)));
  const found = await database.query<{ value: string }>(
    `SELECT value FROM iot_text WHERE device_id = 'characters' ORDER BY timestamp`,
  );
  assert.deepEqual(
    found.map(({ value }) => value),
    values,
  );
});

test('names keep every character, too', async () => {
  await using sink = openSink(database);
  for (const name of ['a "b", {c}', '\\', "it's", 'NULL', '', 'Grüße 🌊', 'x'.repeat(500)]) {
    await sink.put(point(name, name, NOW, 1));
    assert.deepEqual(await database.query('SELECT metric_name FROM iot_data WHERE device_id = $1', [name]), [
      { metric_name: name },
    ]);
  }
});
