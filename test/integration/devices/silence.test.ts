import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { startBroker, publish, needsMosquitto, type TestBroker } from '../../support/broker.ts';
import { startDaemon } from '../../support/daemon.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import { type Listener, listenTo } from '../../support/listener.ts';
import { addresses } from '../../support/program.ts';
import { openSink, series } from '../postgres/sinks.ts';
import { NEW_YEAR } from '../../unit/pipeline/messages.ts';

const STATUS = 'tidegate/tidegate/status';

const environment = (broker: TestBroker, database: TestDatabase) => ({
  ...addresses(broker, database.url),
  TIDEGATE_DEVICES_SILENT_FACTOR: '2',
  TIDEGATE_DEVICES_SILENT_AFTER_MIN: '1s',
  TIDEGATE_MQTT_HOME_ASSISTANT_PREFIX: 'homeassistant',
});

/** A device as an earlier life of the daemon knew it: it published every so many seconds. */
async function known(database: TestDatabase, device: string, seconds: number) {
  await using sink = openSink(database);
  await sink.put(series(device, NEW_YEAR, 1));
  await database.query(
    `INSERT INTO tidegate.device_states (device_id, client_id, state, last_arrival, messages, intervals, skews)
     VALUES ($1, 'tidegate', 'ok', now() - interval '1 hour', 100, array_fill($2::real, ARRAY[16]), '{}')`,
    [device, seconds],
  );
}

const states = (listener: Listener, topic = STATUS) =>
  listener.payloads(topic).map((payload) => JSON.parse(payload) as { state: string; reason?: string });
const events = (listener: Listener, name: string) =>
  listener
    .payloads(`tidegate/tidegate/events/${name}`)
    .map((payload) => JSON.parse(payload) as Record<string, unknown>);

suite('devices and the daemon, said aloud', needsMosquitto, () => {
  test('online at the start, offline on SIGTERM, and by the broker on SIGKILL', async () => {
    await using broker = await startBroker();
    await using database = await createDatabase({ template: true });
    await using listener = await listenTo(broker.url, 'tidegate/#');
    const env = addresses(broker, database.url);
    const first = await startDaemon({ env });
    await eventually('online', () => states(listener).length === 1);
    assert.equal(await first.stop(), 0);
    await eventually('offline', () => states(listener).length === 2);
    const second = await startDaemon({ env });
    await eventually('online again', () => states(listener).length === 3);
    await second.kill();
    await eventually('the will', () => states(listener).length === 4);
    assert.deepEqual(
      states(listener).map(({ state, reason }) => [state, reason ?? null]),
      [
        ['online', null],
        ['offline', 'stopped'],
        ['online', null],
        ['offline', 'lost'],
      ],
    );
    await using late = await listenTo(broker.url, STATUS);
    await eventually('it is retained', () => states(late).length === 1);
    assert.equal(states(late)[0]?.state, 'offline');
  });

  test('a device that does not come falls silent, and is heard again, in events, database, API and Home Assistant', async () => {
    await using broker = await startBroker();
    await using database = await createDatabase({ template: true });
    await known(database, 'hall/door', 1);
    await using listener = await listenTo(broker.url, '#');
    await using daemon = await startDaemon({
      env: environment(broker, database),
      config: 'routes: [{topic: "in/{device_id#}", metric_name: x}]',
    });
    await eventually('silence', () => events(listener, 'device_silent').length === 1);
    assert.equal(events(listener, 'device_silent')[0]?.['device_id'], 'hall/door');
    const shown = async () => {
      const response = await fetch(`${daemon.url}/api/devices/hall%2Fdoor`);
      assert.equal(response.status, 200);
      return ((await response.json()) as { data: { state: string } }).data;
    };
    await eventually('the API says so', async () => (await shown()).state === 'silent');
    const [silentState] = await eventually('Home Assistant is told', () => {
      const found = listener.messages.filter(
        ({ topic, payload }) =>
          topic.startsWith('tidegate/tidegate/devices/hall_door_') && /silent/.test(payload),
      );
      return found.length > 0 && found;
    });
    assert.ok(silentState);
    const config = listener.messages.find(({ topic }) =>
      /^homeassistant\/device\/tidegate_tidegate_hall_door_\w+\/config$/.test(topic),
    );
    assert.match(config?.payload ?? '', new RegExp(`"state_topic":"${silentState.topic}"`));

    await publish(broker.url, [{ topic: 'in/lobby', payload: '1' }]);
    await publish(broker.url, [{ topic: 'in/hall/door', payload: '2' }]);
    await eventually('it is heard', () => events(listener, 'device_back').length === 1);
    const back = events(listener, 'device_back')[0];
    assert.deepEqual([back?.['device_id'], back?.['expected_interval']], ['hall/door', 1]);
    assert.ok(Number(back?.['silent_for']) > 3_600);
    const metrics = await (await fetch(`${daemon.url}/metrics`)).text();
    assert.match(metrics, /^tidegate_devices\{state="learning"\} 1$/m);
    assert.match(metrics, /^tidegate_announcements_total\{subject="event",outcome="sent"\} [12]$/m);
  });

  test('while the broker is away no device falls silent', async () => {
    await using broker = await startBroker({ persistence: true });
    await using database = await createDatabase({ template: true });
    await known(database, 'watched', 3);
    await using daemon = await startDaemon({ env: environment(broker, database) });
    await broker.stop();
    // Not before 7.5 seconds; it would have been silent after 6.
    await daemon.logged(/"attempt":5/);
    const metrics = await (await fetch(`${daemon.url}/metrics`)).text();
    assert.match(metrics, /^tidegate_device_silences_total 0$/m);
    await broker.restart();
    await using listener = await listenTo(broker.url, 'tidegate/#');
    await eventually('after it, it does', () => events(listener, 'device_silent').length === 1);
  });
});
