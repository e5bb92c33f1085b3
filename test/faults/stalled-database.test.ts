import assert from 'node:assert/strict';
import { test } from 'node:test';
import { publish, startBroker } from '../support/broker.ts';
import { assertBalanced, metric, settled, startDaemon } from '../support/daemon.ts';
import { createDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { addresses } from '../support/program.ts';
import { startProxy, through } from '../support/proxy.ts';

const MIB = 256;
const BURST = 1_000;
const START = Date.now() - 3_600_000;

test('the database does not answer: QoS 0 that does not fit is dropped and counted at once, the connection stays', async () => {
  await using broker = await startBroker();
  await using database = await createDatabase({ template: true });
  await using proxy = await startProxy(Number(new URL(database.url).port));
  await using daemon = await startDaemon({
    env: {
      ...addresses(broker, through(proxy, database.url)),
      // Reading pauses for a quarter of it before messages are dropped.
      TIDEGATE_MQTT_KEEPALIVE: '5s',
      TIDEGATE_INGEST_QUEUE_MAX_POINTS: '20000',
    },
  });
  const lost = () => metric(daemon, { name: 'dropped_total', labels: { reason: 'qos0_overflow' } });
  proxy.blackHole();
  let sent = 0;
  const burst = async (): Promise<void> => {
    const messages = Array.from({ length: BURST }, () => reading(sent++));
    await publish(broker.url, messages, { qos: 0 });
  };
  await eventually('messages are dropped', async () => {
    await burst();
    return (await lost()) > 0;
  });
  const [before, memory] = [await lost(), daemon.peakMemory()];
  await eventually('as many again are dropped', async () => {
    await burst();
    return (await lost()) > before + 20 * BURST;
  });
  assert.match(daemon.output(), /dropping QoS 0/);
  assert.ok(!(daemon.peakMemory() > MIB), `${daemon.peakMemory()} MiB, ${memory} when it began to drop`);
  assert.equal(await metric(daemon, { name: 'mqtt_connected' }), 1);

  proxy.heal();
  await eventually('ready again', () => daemon.ready());
  const stats = await eventually('what was dropped is in the account', async () => {
    const sheet = await settled(daemon);
    return sheet.messages.dropped === (await lost()) && sheet;
  });
  assertBalanced(stats);
  assert.equal(stats.messages.received, stats.messages.settled + stats.messages.dropped);
  const [row] = await database.query('SELECT count(*)::int AS rows FROM iot_data');
  assert.deepEqual(row, { rows: stats.messages.settled });
  assert.doesNotMatch(daemon.output(), /left the broker|connecting to/);
  assert.equal(await daemon.stop(), 0);
});

const reading = (index: number) => ({
  topic: `devices/device-${index % 100}/number`,
  payload: JSON.stringify({ value: index, timestamp: START + index }),
});
