import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { probeBroker } from '../../../src/mqtt/probe.ts';
import { needsMosquitto, publish, startBroker } from '../../support/broker.ts';
import { type ObservedOptions, startObserved } from './observed-subscriber.ts';

const message = (payload: string, topic = 'test/a') => ({ topic, payload });

suite('retained messages', () => {
  for (const protocolVersion of [4, 5] as const) {
    const options: ObservedOptions = { protocolVersion };
    const { skip } = protocolVersion === 5 ? needsMosquitto : { skip: false };

    test(`skip, protocol version ${protocolVersion}`, { skip }, async () => {
      await using broker = await startBroker();
      await publish(broker.url, [message('old')], { retain: true });
      await using observed = await startObserved(broker.url, { ...options, retained: 'skip' });
      await publish(broker.url, [message('new')], { retain: true });
      await observed.received(1);
      assert.deepEqual(observed.texts(), ['new'], 'a retained message published now is news');
      assert.equal(observed.deliveries[0]?.retain, false);
      // MQTT 5 does not even send it; MQTT 3.1.1 does, and it is counted.
      assert.equal(observed.counts.dropped, protocolVersion === 5 ? 0 : 1);
    });

    test(`store, protocol version ${protocolVersion}`, { skip }, async () => {
      await using broker = await startBroker();
      await publish(broker.url, [message('old')], { retain: true });
      await using observed = await startObserved(broker.url, options);
      await observed.received(1);
      assert.deepEqual([observed.texts(), observed.deliveries[0]?.retain], [['old'], true]);
    });
  }

  test('if_changed: after a lost session only what this process did not have', async () => {
    await using broker = await startBroker();
    const protocolVersion = broker.kind === 'aedes' ? 4 : 5;
    await using observed = await startObserved(broker.url, { protocolVersion, retained: 'if_changed' });
    await publish(broker.url, [message('1'), message('1'), message('1', 'test/b')], { retain: true });
    await observed.received(3);
    assert.deepEqual(observed.texts(), ['1', '1', '1'], 'equal live messages are all stored');
    for (const delivery of observed.deliveries) delivery.ack();

    observed.subscriber.disconnect('the broker is to forget the session');
    await broker.kill();
    await broker.restart();
    await publish(broker.url, [message('1'), message('2', 'test/b')], { retain: true });
    observed.subscriber.reconnect();
    await observed.received(4);
    assert.deepEqual(observed.texts(), ['1', '1', '1', '2']);
    assert.equal(observed.counts.dropped, 1);
  });

  test(
    'subscribed anew after silence, a session that still stands brings nothing twice',
    needsMosquitto,
    async () => {
      await using broker = await startBroker();
      await publish(broker.url, [message('old')], { retain: true });
      await using observed = await startObserved(broker.url, {
        silenceTimeoutMs: 50,
        onDelivery: (delivery) => delivery.ack(),
      });
      await observed.logged(/^subscribed/, 3);
      await publish(broker.url, [message('new')]);
      await observed.received(2);
      assert.deepEqual(observed.texts(), ['old', 'new']);
    },
  );
});

suite('subscriptions', () => {
  test('overlapping filters bring a message once', async () => {
    await using broker = await startBroker();
    await using observed = await startObserved(broker.url, {
      protocolVersion: broker.kind === 'aedes' ? 4 : 5,
      filters: [
        { filter: 'test/+', qos: 0 },
        { filter: 'test/#', qos: 1 },
        { filter: 'test/a', qos: 1 },
      ],
    });
    await publish(broker.url, [message('1'), message('2')]);
    await observed.received(2);
    assert.deepEqual(observed.texts(), ['1', '2']);
    assert.deepEqual(observed.subscriber.granted()?.subscriptions, [
      { filter: 'test/#', asked: 1, granted: 1 },
    ]);
  });

  test('more filters than fit into one SUBSCRIBE', async () => {
    await using broker = await startBroker();
    const filters = Array.from({ length: 20 }, (_, index) => ({
      filter: `test/${index}/+`,
      qos: 1 as const,
    }));
    await using observed = await startObserved(broker.url, {
      protocolVersion: broker.kind === 'aedes' ? 4 : 5,
      filters,
    });
    assert.equal(observed.subscriber.granted()?.subscriptions.length, 20);
    await publish(
      broker.url,
      filters.map((_, index) => message(String(index), `test/${index}/x`)),
    );
    await observed.received(20);
  });

  test('the members of a share group divide the messages', needsMosquitto, async () => {
    await using broker = await startBroker();
    const member = (clientId: string): ObservedOptions => ({
      clientId,
      shareGroup: 'group',
      onDelivery: (delivery) => delivery.ack(),
    });
    await using one = await startObserved(broker.url, member('one'));
    await using two = await startObserved(broker.url, member('two'));
    const messages = Array.from({ length: 20 }, (_, index) => message(String(index)));
    await publish(broker.url, messages);
    const all = (): string[] => [...one.texts(), ...two.texts()];
    await Promise.race([one.until(() => all().length >= 20), two.until(() => all().length >= 20)]);
    assert.deepEqual(
      all()
        .map(Number)
        .sort((a, b) => a - b),
      messages.map((_, index) => index),
    );
    assert.ok(one.deliveries.length > 0 && two.deliveries.length > 0);
  });

  test(
    'a probe says what is granted and leaves the daemon and its session alone',
    needsMosquitto,
    async () => {
      await using broker = await startBroker({ config: ['max_keepalive 30'] });
      await using observed = await startObserved(broker.url);
      const grant = await probeBroker({
        urls: [broker.url],
        clientId: 'tidegate-test',
        username: null,
        password: null,
        protocolVersion: 5,
        shareGroup: 'group',
        keepaliveSeconds: 60,
        sessionExpirySeconds: 3_600,
        receiveMaximum: 100,
        maximumPacketBytes: 1_000_000,
        retained: 'store',
        silenceTimeoutMs: null,
        startupTimeoutMs: 5_000,
        tls: {},
        filters: [{ filter: 'test/#', qos: 1 }],
        logger: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
        observer: { dropped: () => {}, resent: () => {} },
        onFatal: () => {},
      });
      assert.partialDeepStrictEqual(grant, {
        protocolVersion: 5,
        sessionPresent: false,
        sessionExpirySeconds: 3_600,
        keepaliveSeconds: 30,
        subscriptions: [{ filter: 'test/#', asked: 1, granted: 1 }],
      });
      await publish(broker.url, [message('x')]);
      await observed.received(1);
      assert.equal(observed.subscriber.state().reconnects, 0);
    },
  );
});

test('messages of one millisecond are received one after another', async (context) => {
  const now = 1_767_225_600_000;
  context.mock.timers.enable({ apis: ['Date'], now });
  await using broker = await startBroker();
  await using observed = await startObserved(broker.url, {
    protocolVersion: broker.kind === 'aedes' ? 4 : 5,
  });
  await publish(broker.url, [message('1'), message('2'), message('3')]);
  await observed.received(3);
  assert.deepEqual(
    observed.deliveries.map(({ receivedAt }) => receivedAt - now * 1000),
    [0, 2, 4],
  );
});
