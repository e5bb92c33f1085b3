import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { SECOND } from '../../unit/pipeline/messages.ts';
import { count, fate, openSink, series } from './sinks.ts';

let database: TestDatabase;
before(async () => {
  database = await createDatabase({ template: true });
});
after(() => database.drop());

const NOW = Math.floor(Date.now() / 1000) * SECOND;

test('many points of a series become segments, few become rows', async () => {
  await using sink = openSink(database);
  assert.deepEqual(fate(await sink.put(series('dense', NOW, 100), series('sparse', NOW, 15))), [115, 0, 0]);
  assert.equal(await count(database, 'tidegate.points'), 15);
  assert.equal(await count(database, 'tidegate.segments'), 1);
  assert.equal(await count(database, `iot_data WHERE device_id = 'dense'`), 100);
  assert.deepEqual(fate(await sink.put(series('dense', NOW + 90 * SECOND, 30, 91))), [20, 10, 0]);
  assert.equal(await count(database, 'tidegate.segments'), 2);
  assert.deepEqual(fate(await sink.put(series('dense', NOW, 120, 1))), [0, 120, 0]);
  assert.deepEqual(fate(await sink.put(series('dense', NOW, 5, 2))), [0, 0, 5]);
});
