import assert from 'node:assert/strict';
import { test } from 'node:test';
import { publish, startBroker, type TestMessage } from '../../support/broker.ts';
import { garbage } from '../../support/corpus.ts';
import { assertBalanced, type Daemon, startDaemon } from '../../support/daemon.ts';
import { createDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import { addresses } from '../../support/program.ts';

test('garbage between good messages: the good are stored, the bad kept as they came, none blocks', async () => {
  await using broker = await startBroker();
  await using database = await createDatabase({ template: true });
  await using daemon = await startDaemon({ env: addresses(broker, database.url) });
  const start = Date.now() - 3_600_000;
  const good = (index: number): TestMessage => ({
    topic: 'devices/good/temperature',
    payload: JSON.stringify({ value: index, timestamp: start + index }),
  });
  await publish(broker.url, [
    ...garbage.flatMap(({ payload }, index) => [
      good(index),
      { topic: `devices/bad-${index}/temperature`, payload },
    ]),
    good(garbage.length),
  ]);
  const stats = await settled(daemon, 2 * garbage.length + 1);
  assert.equal(stats.messages.settled, garbage.length + 1);
  assert.equal(stats.messages.dead_lettered, garbage.length);

  const stored = await database.query<{ value: number }>(
    `SELECT value FROM iot_data WHERE device_id = 'good' AND "timestamp" = $1::timestamptz + value * interval '1 ms'
     ORDER BY value`,
    [new Date(start).toISOString()],
  );
  assert.deepEqual(
    stored.map(({ value }) => value),
    Array.from({ length: garbage.length + 1 }, (_, index) => index),
  );
  const strays = await database.query(
    `SELECT device_id FROM iot_data WHERE device_id <> 'good' UNION ALL SELECT device_id FROM iot_text`,
  );
  assert.deepEqual(strays, []);

  const letters = await database.query<{ topic: string; code: string; payload: Buffer }>(
    'SELECT topic, code, payload FROM iot_dead_letters',
  );
  assert.equal(letters.length, garbage.length);
  for (const [index, { name, payload, code }] of garbage.entries()) {
    const letter = letters.find(({ topic }) => topic === `devices/bad-${index}/temperature`);
    assert.equal(letter?.code, code, name);
    assert.ok(letter?.payload.equals(payload), `${name}: the bytes differ`);
  }
  assert.ok(!(daemon.peakMemory() > 256), `${daemon.peakMemory()} MiB`);
  assert.equal(await daemon.stop(), 0);
});

test('a message that is good in part: its points are stored, and the whole of it is kept', async () => {
  await using broker = await startBroker();
  await using database = await createDatabase({ template: true });
  await using daemon = await startDaemon({ env: addresses(broker, database.url) });
  const payload = '{"timestamp":"2026-01-02T03:04:05.678901Z","inside":21.5,"outside":1e999,"door":true}';
  await publish(broker.url, [{ topic: 'devices/house', payload }]);
  const { messages, points } = await settled(daemon, 1);
  assert.equal(messages.dead_lettered, 1);
  assert.deepEqual(
    { decoded: points.decoded, stored: points.stored, dead_lettered: points.dead_lettered },
    { decoded: 3, stored: 2, dead_lettered: 1 },
  );
  assert.deepEqual(
    await database.query(
      `SELECT device_id, metric_name, value, "timestamp"::text AS time FROM iot_data ORDER BY metric_name`,
    ),
    [
      { device_id: 'house', metric_name: 'door', value: 1, time: '2026-01-02 03:04:05.678901+00' },
      { device_id: 'house', metric_name: 'inside', value: 21.5, time: '2026-01-02 03:04:05.678901+00' },
    ],
  );
  const letters = await database.query(
    `SELECT convert_from(payload, 'UTF8') AS payload, code, points FROM iot_dead_letters`,
  );
  assert.deepEqual(letters, [{ payload, code: 'number_out_of_range', points: 1 }]);
});

test('topics in any script, clocks in any year', async () => {
  await using broker = await startBroker();
  await using database = await createDatabase({ template: true });
  await using daemon = await startDaemon({ env: addresses(broker, database.url) });
  const names = ['Kühlraum 3', '温度 センサー', 'μονάδα', '🌡️', "O'Brien; --", ' ', '%s\\x', '"quoted"'];
  await publish(broker.url, [
    ...names.map((name) => ({
      topic: `devices/${name}/${name}`,
      payload: '{"value":1,"timestamp":"2026-01-02"}',
    })),
    { topic: 'devices/reset/temperature', payload: '{"value":2,"timestamp":"1970-01-01T00:00:05Z"}' },
    { topic: 'devices/reset/temperature', payload: '{"value":3,"timestamp":0}' },
    { topic: 'devices/ahead/temperature', payload: '{"value":4,"timestamp":"2100-01-01T00:00:00Z"}' },
  ]);
  const { messages } = await settled(daemon, names.length + 3);
  assert.equal(messages.dead_lettered, 1);

  const stored = await database.query<{ name: string }>(
    `SELECT device_id AS name FROM iot_data WHERE value = 1 AND metric_name = device_id`,
  );
  assert.deepEqual(new Set(stored.map(({ name }) => name)), new Set(names));
  assert.deepEqual(
    await database.query(
      `SELECT value, extract(epoch FROM "timestamp")::int AS time FROM iot_data WHERE device_id = 'reset' ORDER BY time`,
    ),
    [
      { value: 3, time: 0 },
      { value: 2, time: 5 },
    ],
  );
  // A clock that was never set must not make a partition for each day it believes in.
  const [chunks] = await database.query(
    `SELECT count(*)::int AS old FROM tidegate.chunks WHERE range_start < '2020-01-01'`,
  );
  assert.deepEqual(chunks, { old: 0 });
  assert.deepEqual(await database.query(`SELECT topic, code FROM iot_dead_letters`), [
    { topic: 'devices/ahead/temperature', code: 'timestamp_in_future' },
  ]);
});

/** The balance sheet once so many messages have come to their end. */
async function settled(daemon: Daemon, messages: number) {
  const stats = await eventually(`${messages} messages are settled`, async () => {
    const sheet = await daemon.stats();
    return sheet.messages.received - sheet.messages.in_flight >= messages && sheet;
  });
  assertBalanced(stats);
  assert.equal(stats.messages.received, messages);
  return stats;
}
