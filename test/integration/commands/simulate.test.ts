import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { after, before, suite, test } from 'node:test';
import { connectAsync, type MqttClient } from 'mqtt';
import { addSimulate } from '../../../src/commands/simulate.ts';
import { freePort, startBroker, type TestBroker } from '../../support/broker.ts';
import { runCommand } from './command-run.ts';

suite('tidegate simulate', () => {
  let broker: TestBroker;
  let listener: MqttClient;
  let received: { topic: string; payload: string; qos: number }[] = [];
  let look = (): void => {};

  const until = async (condition: () => boolean): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    look = () => {
      if (condition()) resolve();
    };
    look();
    await promise;
  };

  before(async () => {
    broker = await startBroker();
    listener = await connectAsync(broker.url);
    await listener.subscribeAsync('devices/#', { qos: 1 });
    listener.on('message', (topic, payload, { qos }) => {
      received.push({ topic, payload: payload.toString(), qos });
      look();
    });
  });
  after(async () => {
    await listener.endAsync(true);
    await broker[Symbol.asyncDispose]();
  });

  test('publishes as many messages as asked, and says so', async () => {
    received = [];
    const args = ['--url', broker.url, '--count', '250', '--rate', '0', '--devices', '7', '--metrics', 'a,b'];
    const run = runCommand(addSimulate, ['simulate', ...args]);
    assert.equal(await run.ended, 0);
    assert.match(run.stdout(), /^Published 250 messages at QoS 1 to mqtt:\/\/127/);
    await until(() => received.length === 250);
    assert.equal(new Set(received.map(({ topic }) => topic)).size, 14);
    assert.ok(received.every(({ qos }) => qos === 1));
    assert.equal(new Set(received.map(({ topic, payload }) => topic + payload)).size, 250);
  });

  test('publishes at QoS 0 in another shape, to the broker of the environment', async () => {
    received = [];
    const args = ['simulate', '--count', '20', '--rate', '1000', '--qos', '0', '--shape', 'object'];
    const run = runCommand(addSimulate, args, { env: { TIDEGATE_MQTT_URL: broker.url } });
    assert.equal(await run.ended, 0);
    await until(() => received.length === 20);
    assert.ok(received.every(({ topic, qos }) => qos === 0 && topic.split('/').length === 2));
  });

  test('publishes one message of the user', async () => {
    received = [];
    const args = ['simulate', '--url', broker.url, '--topic', 'devices/mine/heat', '--payload', 'größer, 1'];
    const run = runCommand(addSimulate, args);
    assert.equal(await run.ended, 0);
    assert.match(run.stdout(), /^Published 1 message at QoS 1 to \S+\.\n$/);
    await until(() => received.length === 1);
    assert.deepEqual(received, [{ topic: 'devices/mine/heat', payload: 'größer, 1', qos: 1 }]);
  });

  test('goes on until it is stopped, and leaves nothing unacknowledged', async () => {
    received = [];
    const run = runCommand(addSimulate, ['simulate', '--url', broker.url, '--rate', '500']);
    await until(() => received.length >= 30);
    run.stop();
    assert.equal(await run.ended, 0);
    const published = Number(/Published (\d+)/.exec(run.stdout())?.[1]);
    await until(() => received.length === published);
    assert.doesNotMatch(run.stdout(), /not acknowledged/);
  });

  test('comes back to a broker that was restarted', async () => {
    await using other = await startBroker();
    const run = runCommand(addSimulate, ['simulate', '--url', other.url, '--rate', '200', '--count', '60']);
    await firstMessage(other.url);
    await other.restart();
    assert.equal(await run.ended, 0);
    assert.match(run.stdout(), /^Published 60 messages/);
    assert.match(run.stderr(), /connecting again/);
  });

  test('one clear line where the broker is not there, refuses, or is none', async () => {
    const url = `mqtt://user:secret@127.0.0.1:${await freePort()}`;
    const absent = runCommand(addSimulate, ['simulate', '--url', url, '--count', '1']);
    assert.equal(await absent.ended, 1);
    assert.match(
      absent.stderr(),
      /^tidegate: broker_unreachable: mqtt:\/\/user:\*\*\*@127\S+: .*ECONNREFUSED.*\n$/,
    );

    const mute = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
    await once(mute, 'listening');
    const { port } = mute.address() as { port: number };
    const closed = runCommand(addSimulate, ['simulate', '--url', `mqtt://127.0.0.1:${port}`, '--count', '1']);
    assert.equal(await closed.ended, 1);
    assert.match(closed.stderr(), /^tidegate: broker_unreachable: .*\n$/);
    mute.close();

    const wrong = runCommand(addSimulate, ['simulate', '--url', 'http://127.0.0.1', '--count', '1']);
    assert.equal(await wrong.ended, 2);
    assert.match(wrong.stderr(), /^tidegate: config_invalid: /);
  });

  test('can be stopped while the broker does not answer', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as { port: number };
    const connected = once(silent, 'connection');
    const run = runCommand(addSimulate, ['simulate', '--url', `mqtt://127.0.0.1:${port}`]);
    await connected;
    run.stop();
    assert.equal(await run.ended, 1);
    silent.close();
  });

  test('says what is wrong with its arguments', async () => {
    const wrong: [string[], RegExp][] = [
      [['--topic', 'a'], /--topic and --payload belong together/],
      [['--topic', 'a/#', '--payload', '1'], /has no \+ and no #/],
      [['--qos', '2'], /Allowed choices are 0, 1/],
      [['--metrics', 'a,,b'], /Allowed: names/],
      [['--rate', '-1'], /Allowed: 0, or/],
      [['--devices', '0'], /Allowed: a whole number from 1/],
    ];
    for (const [args, message] of wrong) {
      const run = runCommand(addSimulate, ['simulate', '--url', broker.url, ...args]);
      assert.equal(await run.ended, 2, args.join(' '));
      assert.match(run.stderr(), message);
    }
  });

  async function firstMessage(url: string): Promise<void> {
    const client = await connectAsync(url, { reconnectPeriod: 0 });
    const { promise, resolve } = Promise.withResolvers<void>();
    client.once('message', () => resolve());
    await client.subscribeAsync('devices/#');
    await promise;
    await client.endAsync(true);
  }
});
