import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, suite, test } from 'node:test';
import { publish, startBroker, type TestMessage } from '../support/broker.ts';
import { assertBalanced, startDaemon } from '../support/daemon.ts';
import { createDatabase, startTestPostgres, type TestPostgres } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { addresses } from '../support/program.ts';

const MIB = 256;
const LARGE = 1_000_000;
const START = Date.now() - 3_600_000;

suite('with the database away, memory stays within its bound', () => {
  let postgres: TestPostgres;
  before(async () => {
    postgres = await startTestPostgres();
  });
  after(() => postgres[Symbol.asyncDispose]());

  test('QoS 1, 1 MB a message: the broker keeps what does not fit, all is stored later', async (t) => {
    const COUNT = 300;
    await using broker = await startBroker();
    await using database = await createDatabase({ server: postgres.url, template: true });
    await using daemon = await startDaemon({
      // Reading pauses for a quarter of it before the broker is left.
      env: { ...addresses(broker, database.url), TIDEGATE_MQTT_KEEPALIVE: '5s' },
    });
    await postgres.stop();
    for (let from = 0; from < COUNT; from += 20) {
      await publish(
        broker.url,
        Array.from({ length: 20 }, (_, index) => large(from + index)),
      );
    }
    await daemon.logged(/leaving the broker/);
    const { messages } = await daemon.stats();
    assert.ok(messages.in_flight * LARGE >= 60e6, `${messages.in_flight} in flight`);
    assert.equal(await daemon.ready(), false);
    assert.ok(!(daemon.peakMemory() > MIB), `${daemon.peakMemory()} MiB while the database is away`);

    await postgres.start();
    // What had not been acknowledged when the broker was left comes again, and is known again.
    const garbage = Math.ceil(COUNT / 3);
    await eventually('all is stored', async () => {
      const [row] = await database.query<{ letters: number; values: number }>(
        `SELECT (SELECT count(DISTINCT topic)::int FROM iot_dead_letters) AS letters,
           (SELECT count(*)::int FROM iot_data WHERE metric_name = 'number') AS "values"`,
      );
      return row?.letters === garbage && row.values === COUNT - garbage;
    });
    const stats = await eventually('the rest is settled', async () => {
      const sheet = await daemon.stats();
      return sheet.messages.in_flight === 0 && sheet;
    });
    assertBalanced(stats);
    const { settled, dead_lettered: deadLettered, ignored, received } = stats.messages;
    assert.equal(settled + deadLettered, COUNT);
    assert.equal(settled + deadLettered + ignored, received);
    t.diagnostic(`peak resident memory ${daemon.peakMemory().toFixed(0)} MiB`);
    assert.ok(!(daemon.peakMemory() > MIB), `${daemon.peakMemory()} MiB in all`);
    assert.equal(await daemon.stop(), 0);
  });

  test('QoS 0: what does not fit is dropped and counted, the connection stays', async () => {
    const BURST = 1_000;
    await postgres.start();
    await using broker = await startBroker();
    await using database = await createDatabase({ server: postgres.url, template: true });
    await using daemon = await startDaemon({
      env: { ...addresses(broker, database.url), TIDEGATE_MQTT_KEEPALIVE: '5s' },
    });
    await postgres.stop();
    let sent = 0;
    const burst = async (): Promise<void> => {
      const messages = Array.from({ length: BURST }, () => reading(sent++));
      await publish(broker.url, messages, { qos: 0 });
    };
    await eventually('messages are dropped', async () => {
      await burst();
      return /dropping QoS 0/.test(daemon.output());
    });
    await burst();
    assert.ok(!(daemon.peakMemory() > MIB), `${daemon.peakMemory()} MiB`);

    await postgres.start();
    await eventually('ready again', () => daemon.ready());
    const settled = await eventually('all is settled', async () => {
      const sheet = await daemon.stats();
      return sheet.messages.in_flight === 0 && sheet;
    });
    assertBalanced(settled);
    assert.ok(settled.messages.dropped > 0, JSON.stringify(settled));
    await publish(broker.url, [reading(sent)], { qos: 0 });
    await eventually('a later message is stored', async () => {
      const rows = await database.query('SELECT FROM iot_data WHERE value = $1', [sent]);
      return rows.length === 1;
    });
    const [row] = await database.query('SELECT count(*)::int AS rows FROM iot_data');
    const { messages } = await daemon.stats();
    assert.deepEqual(row, { rows: messages.settled });
    assert.ok(messages.received <= sent + 1);
    assert.doesNotMatch(daemon.output(), /left the broker|connecting to/);
    assert.equal(await daemon.stop(), 0);
  });
});

/** Every third is garbage that no compression makes small; the others carry a point and much that is none. */
function large(index: number): TestMessage {
  const topic = `devices/large-${index}/number`;
  const payload =
    index % 3 === 0
      ? createHash('shake256', { outputLength: LARGE }).update(topic).digest()
      : `{"value":${index},"timestamp":"2026-01-02T00:00:00Z","padding":"${'x'.repeat(LARGE)}"}`;
  return { topic, payload };
}

function reading(index: number): TestMessage {
  return {
    topic: `devices/device-${index % 100}/number`,
    payload: JSON.stringify({ value: index, timestamp: START + index }),
  };
}
