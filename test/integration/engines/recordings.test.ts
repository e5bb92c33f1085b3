import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDatabase } from '../../support/database.ts';
import { needsRecordings, recordings } from '../../support/recordings.ts';
import { DAY } from '../../unit/pipeline/messages.ts';
import { openSink, points } from '../postgres/sinks.ts';
import { openPostgres } from './engines.ts';

const MONTH = 28;

test('recorded series come back from compression to the bit', needsRecordings, async () => {
  await using database = await createDatabase({ template: true });
  await using sink = openSink(database, { chunks: { interval: MONTH * DAY } });
  const expected = new Map<string, Map<number, number>>();
  for (const [device, readings] of recordings()) {
    const series = new Map<number, number>();
    for (const { timestamp, value } of readings) {
      const time = Date.parse(`${timestamp.replace(' ', 'T')}Z`) * 1000;
      // The first reading of a time stays.
      if (!series.has(time)) series.set(time, Number(value));
    }
    expected.set(device, series);
    await sink.put(points([...series].map(([time, value]) => ({ device, metric: 'x', time, value }))));
  }
  const engine = openPostgres(database, { chunkInterval: (MONTH * DAY) / 1000 });
  for (const { name, source, state } of await engine.chunks()) {
    if (source === 'points' && state === 'open') await engine.compress(name);
  }
  const rows = await database.query<{ device_id: string; time: string; value: number }>(
    `SELECT device_id, extract(epoch FROM timestamp) * 1000000 AS time, value FROM iot_data ORDER BY timestamp`,
  );
  const found = Map.groupBy(rows, (row) => row.device_id);
  for (const [device, series] of expected) {
    const read = found.get(device)?.map(({ time, value }) => [Math.round(Number(time)), value]);
    assert.deepEqual(
      read,
      [...series].sort(([left], [right]) => left - right),
      device,
    );
  }
  const { length } = (await engine.chunks()).filter(
    ({ source, state }) => source === 'points' && state === 'sealed',
  );
  assert.ok(length > 2, 'most of it was compressed');
});
