import assert from 'node:assert/strict';
import { test } from 'node:test';
import { publish, startBroker, type TestMessage } from '../../support/broker.ts';
import { assertBalanced, startDaemon } from '../../support/daemon.ts';
import { createDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import { addresses } from '../../support/program.ts';
import { keptFor } from '../../support/session.ts';

const MESSAGES = 100_000;
const DEVICES = 1_000;
/** Packet identifiers end at 65,535, and mosquitto sends us what it cannot forward yet. */
const AT_ONCE = 10_000;

test('100,000 messages of 1,000 devices: all stored, the sheet adds up, nothing left at the broker', async () => {
  await using broker = await startBroker();
  await using database = await createDatabase({ template: true });
  await using daemon = await startDaemon({ env: addresses(broker, database.url) });
  const start = Date.now() - MESSAGES;
  for (let from = 0; from < MESSAGES; from += AT_ONCE) {
    await publish(
      broker.url,
      Array.from({ length: AT_ONCE }, (_, index) => message(from + index, start)),
    );
  }
  const stats = await eventually('all messages are settled', async () => {
    const sheet = await daemon.stats();
    return sheet.messages.settled >= MESSAGES && sheet;
  });
  assertBalanced(stats);
  assert.equal(stats.messages.received, MESSAGES);
  assert.equal(stats.points.stored, MESSAGES);
  assert.ok(!(daemon.peakMemory() > 256), `${daemon.peakMemory()} MiB`);

  const [found] = await database.query(
    `SELECT count(*)::int AS rows, count(DISTINCT value)::int AS "values", min(value), max(value),
       count(DISTINCT device_id)::int AS devices
     FROM iot_data`,
  );
  const expected = { rows: MESSAGES, values: MESSAGES, min: 0, max: MESSAGES - 1, devices: DEVICES };
  assert.deepEqual(found, expected);
  const [series] = await database.query(
    'SELECT count(*)::int AS series, sum(points)::int AS points, min(points)::int AS least FROM iot_series',
  );
  assert.deepEqual(series, { series: DEVICES, points: MESSAGES, least: MESSAGES / DEVICES });

  assert.equal(await daemon.stop(), 0);
  assert.deepEqual(await keptFor(broker), []);
});

function message(index: number, start: number): TestMessage {
  return {
    topic: `devices/device-${index % DEVICES}/temperature`,
    payload: JSON.stringify({ value: index, timestamp: start + index }),
  };
}
