import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openSink, points, series } from '../postgres/sinks.ts';
import { createHypertableDatabase, WITH_TIMESCALEDB } from './server.ts';

const HOUR = 3_600_000_000;
const OLD = Date.UTC(2020, 0, 1) * 1000;

for (const [schema, extensionSchema] of [
  ['public', 'public'],
  ['plant a', 'extensions'],
] as const) {
  test(`points of any age are stored once, in schema ${schema}`, WITH_TIMESCALEDB, async () => {
    await using database = await createHypertableDatabase({ schema, extensionSchema });
    await using sink = openSink(database, { engine: 'timescaledb', schema });
    const now = Date.now() * 1000;
    const first = await sink.put(series('a', now, 10), series('b', OLD, 5));
    assert.equal(first.totals.points.stored, 15);
    const again = await sink.put(series('a', now, 11), series('b', OLD, 5));
    assert.deepEqual([again.totals.points.stored, again.totals.points.duplicate], [1, 15]);
    const rows = await database.query(
      `SELECT device_id, count(*)::int AS count FROM "${schema}".iot_data GROUP BY 1 ORDER BY 1`,
    );
    assert.deepEqual(rows, [
      { device_id: 'a', count: 11 },
      { device_id: 'b', count: 5 },
    ]);
    const [found] = await database.query<{ count: number }>(
      `SELECT count(*)::int AS count FROM "${schema}".iot_points('b', 'x', '2020-01-01 00:00:02Z', '2021-01-01')`,
    );
    assert.equal(found?.count, 3);
    const [pair] = await database.query<{ count: number }>(
      `SELECT count(*)::int AS count FROM "${schema}".iot_points(ARRAY['a', 'b'], ARRAY['x'], '2020-01-01Z', '2020-01-01 00:00:02Z')`,
    );
    assert.equal(pair?.count, 2);
  });
}

for (const onDuplicate of ['keep_first', 'keep_last'] as const) {
  test(`${onDuplicate} reaches into compressed chunks`, WITH_TIMESCALEDB, async () => {
    await using database = await createHypertableDatabase();
    await using sink = openSink(database, { engine: 'timescaledb', onDuplicate });
    await sink.put(series('a', OLD, 2000), series('b', OLD, 2000));
    await database.query(`SELECT compress_chunk(c) FROM show_chunks('tidegate.points') c`);
    const point = { device: 'a', metric: 'x' };
    const report = await sink.put(
      points([
        { ...point, time: OLD, value: 1 },
        { ...point, time: OLD + 1_000_000, value: 99 },
        { ...point, time: OLD + 500_000, value: -1 },
        { ...point, time: OLD + HOUR, value: 7 },
      ]),
    );
    const { stored, duplicate, conflict } = report.totals.points;
    assert.deepEqual({ stored, duplicate, conflict }, { stored: 2, duplicate: 1, conflict: 1 });
    const rows = await database.query<{ value: number }>(
      `SELECT value FROM iot_points('a', 'x', '2020-01-01', '2020-01-01 00:00:01.5Z') ORDER BY timestamp`,
    );
    assert.deepEqual(
      rows.map(({ value }) => value),
      [1, -1, onDuplicate === 'keep_last' ? 99 : 2],
    );
    const [all] = await database.query<{ count: number }>('SELECT count(*)::int AS count FROM iot_data');
    assert.equal(all?.count, 4002);
  });
}

test(
  'more compressed points than TimescaleDB allows by default can be unpacked in a batch',
  WITH_TIMESCALEDB,
  async () => {
    await using database = await createHypertableDatabase();
    await using sink = openSink(database, { engine: 'timescaledb', onDuplicate: 'keep_last' });
    const devices = Array.from({ length: 150 }, (_, index) => `d${index}`);
    await sink.put(...devices.map((device) => series(device, OLD, 1000)));
    await database.query(`SELECT compress_chunk(c) FROM show_chunks('tidegate.points') c`);
    const report = await sink.put(...devices.map((device) => series(device, OLD, 1, 5)));
    assert.equal(report.totals.points.conflict, 150);
  },
);
