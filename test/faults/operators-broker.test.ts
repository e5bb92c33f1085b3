import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { connectAsync } from 'mqtt';
import { needsMosquitto, publish, startBroker, type TestBroker } from '../support/broker.ts';
import { assertBalanced, metric, settled, startDaemon } from '../support/daemon.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { createHost } from '../support/host.ts';
import { addresses } from '../support/program.ts';
import { startTraffic } from '../support/traffic.ts';

/** They wait much: side by side they take as long as the longest. */
suite('what operators do to the broker', { ...needsMosquitto, concurrency: true }, () => {
  const LOST = { name: 'mqtt_sessions_lost_total' };

  test('it restarts empty: subscribed anew, and what was lost is named', async () => {
    await using broker = await startBroker();
    await using database = await createDatabase({ template: true });
    await using daemon = await startDaemon({ env: addresses(broker, database.url) });
    await store(broker, database, 1);
    assert.equal(await metric(daemon, LOST), 0);
    await broker.stop();
    await eventually('not ready', async () => !(await daemon.ready()));
    await broker.restart();
    await eventually('ready again', () => daemon.ready());
    assert.equal(await metric(daemon, LOST), 1);
    assert.match(daemon.output(), /lost our session, and what waited in it is gone\. See .*persistence/);
    await store(broker, database, 2);
    assertBalanced(await settled(daemon));
    assert.equal(await daemon.stop(), 0);
  });

  test('it forgets the session while the daemon is away: the next life says so', async () => {
    await using broker = await startBroker();
    await using database = await createDatabase({ template: true });
    const env = addresses(broker, database.url);
    await using first = await startDaemon({ env });
    await store(broker, database, 1);
    assert.equal(await first.stop(), 0);
    // As an administrator, or the end of the session's time, would.
    const forgetting = await connectAsync(broker.url, { clientId: 'tidegate', clean: true });
    await forgetting.endAsync();
    await using next = await startDaemon({ env });
    assert.equal(await metric(next, LOST), 1);
    assert.match(next.output(), /lost our session/);
    assert.doesNotMatch(first.output(), /lost our session/, 'the first had none to lose');
    await store(broker, database, 2);
    assertBalanced(await settled(next));
    assert.equal(await next.stop(), 0);
  });

  test('its name does not resolve: tried again until it does', async () => {
    await using broker = await startBroker({ persistence: true });
    await using database = await createDatabase({ template: true });
    await using host = await createHost();
    const url = broker.url.replace('127.0.0.1', 'broker.test');
    await using daemon = await startDaemon({
      env: { ...addresses({ kind: broker.kind, url }, database.url), ...host.env },
    });
    for (const [turn, names] of (['ENOTFOUND', 'EAI_AGAIN'] as const).entries()) {
      await host.change(daemon, { names });
      await broker.restart();
      await daemon.logged(
        new RegExp(`${names} broker.test \\(the host in mqtt.url has no address.*connecting to`),
      );
      assert.equal(await daemon.ready(), false);
      assert.equal(await metric(daemon, { name: 'mqtt_connected' }), 0);
      await publish(broker.url, [message(turn)]);
      await host.change(daemon, {});
      await eventually('ready again', () => daemon.ready());
      await stored(database, turn);
    }
    assert.equal(await daemon.stop(), 0);
  });

  test('two daemons have one client id: one ends and says why, the other goes on', async () => {
    await using broker = await startBroker();
    await using database = await createDatabase({ template: true });
    const env = addresses(broker, database.url);
    await using one = await startDaemon({ env });
    await using traffic = startTraffic(broker.url, { pauseMs: 200 });
    await traffic.more(200);
    await using other = await startDaemon({ env });
    const code = await Promise.race([one.exited(), other.exited()]);
    assert.equal(code, 1);
    const [ended, left] = one.running ? [other, one] : [one, other];
    assert.match(
      ended.output(),
      /^tidegate: session_taken: .*client id of its own \(mqtt\.client_id\)\.\n$/m,
    );
    await eventually('the other is subscribed', () => left.ready());
    await traffic.more(200);
    await traffic.assertStored(database, left);
    assertBalanced(await settled(left));
    assert.equal(await left.stop(), 0);
  });
});

const message = (value: number) => ({
  topic: 'devices/pump/turns',
  payload: `{"value":${value},"timestamp":${1_767_225_600 + value}}`,
});

async function store(broker: TestBroker, database: TestDatabase, value: number): Promise<void> {
  await publish(broker.url, [message(value)]);
  await stored(database, value);
}

async function stored(database: TestDatabase, value: number): Promise<void> {
  await eventually(`${value} is stored`, async () => {
    const rows = await database.query('SELECT FROM iot_data WHERE value = $1', [value]);
    return rows.length === 1;
  });
}
