import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type BrokerOptions, needsMosquitto, publish, startBroker } from '../../support/broker.ts';
import { observe, startObserved } from './observed-subscriber.ts';
import { PUBACK, startScriptedBroker } from './scripted-broker.ts';
import { startProxy, through } from '../../support/proxy.ts';

const numbered = (count: number, from = 0) =>
  Array.from({ length: count }, (_, index) => ({ topic: 'test/a', payload: String(from + index) }));

const inOrder = (count: number) => Array.from({ length: count }, (_, index) => String(index));

suite('acknowledgement after the commit', () => {
  const brokers: { name: string; broker: BrokerOptions; protocolVersion: 4 | 5; skip: string | false }[] = [
    { name: 'mosquitto, MQTT 5', broker: { kind: 'mosquitto' }, protocolVersion: 5, ...needsMosquitto },
    {
      name: 'mosquitto, MQTT 3.1.1',
      broker: { kind: 'mosquitto', config: ['max_inflight_messages 0'] },
      protocolVersion: 4,
      ...needsMosquitto,
    },
    { name: 'aedes, MQTT 3.1.1', broker: { kind: 'aedes' }, protocolVersion: 4, skip: false },
  ];
  for (const { name, broker: options, protocolVersion, skip } of brokers) {
    test(`${name}: what was not acknowledged comes again, what was does not`, { skip }, async () => {
      await using broker = await startBroker(options);
      await using proxy = await startProxy(broker.port);
      await using observed = await startObserved(through(proxy, broker.url), { protocolVersion });

      await publish(broker.url, numbered(500));
      await observed.received(500);
      assert.deepEqual(observed.texts(), inOrder(500));
      const first = observed.deliveries.splice(0);
      assert.ok(first.every(({ duplicate, qos }) => !duplicate && qos === 1));

      proxy.reset();
      await observed.received(500);
      assert.deepEqual(observed.texts(), inOrder(500));
      // aedes forgets both.
      if (broker.kind === 'mosquitto') {
        assert.ok(observed.deliveries.every(({ duplicate }) => duplicate));
        assert.deepEqual(
          observed.deliveries.map(({ packetId }) => packetId),
          first.map(({ packetId }) => packetId),
        );
      }

      // The connection of these is gone: they must not acknowledge anything.
      for (const delivery of first) delivery.ack();
      for (const delivery of observed.deliveries.slice(0, 499).toReversed()) delivery.ack();
      await observed.subscriber.close();

      // One was left. That it comes first, and then what is published now, shows that the broker holds nothing else.
      await using next = await startObserved(broker.url, { protocolVersion });
      await publish(broker.url, [{ topic: 'test/a', payload: 'sentinel' }]);
      await next.received(2);
      assert.deepEqual(next.texts(), ['499', 'sentinel']);
    });
  }

  test('the broker sends no more than receive_maximum ahead', needsMosquitto, async () => {
    await using broker = await startBroker();
    await using observed = await startObserved(broker.url, { receiveMaximum: 10 });
    await publish(broker.url, numbered(50));
    // QoS 0 is not bound by the window: once it is here, the rest would be too.
    await publish(broker.url, [{ topic: 'test/a', payload: 'sentinel' }], { qos: 0 });
    await observed.until(() => observed.texts().includes('sentinel'));
    assert.deepEqual(observed.texts(), [...inOrder(10), 'sentinel']);
  });

  test('PUBACKs go out in the order of arrival, finished in whatever order', async () => {
    await using broker = await startScriptedBroker();
    await using observed = await startObserved(broker.url);
    // PUBLISH, QoS 1, topic "t", no properties, empty payload; the packet identifier is the parameter.
    for (const id of [1, 2, 3]) broker.send([0x32, 6, 0, 1, 0x74, 0, id, 0]);
    await observed.received(3);
    for (const at of [2, 0, 1]) observed.deliveries[at]?.ack();
    for (const id of [1, 2, 3]) assert.deepEqual([...(await broker.packet(PUBACK))], [0x40, 2, 0, id]);
  });

  test('a message sent again while it is in hand is taken once and acknowledged once', async () => {
    await using broker = await startScriptedBroker();
    await using observed = await startObserved(broker.url);
    broker.send([0x32, 6, 0, 1, 0x74, 0, 1, 0]);
    broker.send([0x3a, 6, 0, 1, 0x74, 0, 1, 0]);
    await observed.until(() => observed.counts.resent === 1);
    broker.send([0x32, 6, 0, 1, 0x74, 0, 2, 0]);
    await observed.received(2);
    for (const delivery of observed.deliveries) delivery.ack();
    for (const id of [1, 2]) assert.deepEqual([...(await broker.packet(PUBACK))], [0x40, 2, 0, id]);
  });

  test('messages that come with the CONNACK are taken', async () => {
    const connack = [0x20, 3, 1, 0, 0];
    await using broker = await startScriptedBroker({ connack: [...connack, 0x32, 6, 0, 1, 0x74, 0, 1, 0] });
    await using observed = await startObserved(broker.url);
    await observed.received(1);
    observed.deliveries[0]?.ack();
    assert.deepEqual([...(await broker.packet(PUBACK))], [0x40, 2, 0, 1]);
  });

  test('an exception of the pipeline stops neither the parser nor the others', async () => {
    await using broker = await startBroker();
    const protocolVersion = broker.kind === 'aedes' ? 4 : 5;
    await using observed = observe(broker.url, {
      protocolVersion,
      onDelivery: (delivery) => {
        if (Buffer.from(delivery.payload).toString() === '1') throw new Error('broken');
        delivery.ack();
      },
    });
    await observed.start();
    await publish(broker.url, numbered(3));
    await observed.received(3);
    await observed.logged(/not acknowledged/);
    await observed.subscriber.close();
    await using next = await startObserved(broker.url, { protocolVersion });
    await next.received(1);
    assert.deepEqual(next.texts(), ['1']);
  });

  test('after stopReceiving nothing is handed on, acknowledgements still go out, the rest stays', async () => {
    await using broker = await startBroker();
    const protocolVersion = broker.kind === 'aedes' ? 4 : 5;
    await using observed = await startObserved(broker.url, { protocolVersion });
    await publish(broker.url, numbered(5));
    await observed.received(5);
    await observed.subscriber.stopReceiving();
    await publish(broker.url, numbered(5, 5));
    for (const delivery of observed.deliveries) delivery.ack();
    await observed.subscriber.close();
    await observed.subscriber.close();
    assert.equal(observed.deliveries.length, 5);

    await using next = await startObserved(broker.url, { protocolVersion });
    await next.received(5);
    assert.deepEqual(next.texts(), ['5', '6', '7', '8', '9']);
  });

  test('what is acknowledged in the turn of leaving still goes out', async () => {
    await using broker = await startBroker();
    const protocolVersion = broker.kind === 'aedes' ? 4 : 5;
    await using observed = await startObserved(broker.url, { protocolVersion });
    await publish(broker.url, numbered(2));
    await observed.received(2);
    for (const delivery of observed.deliveries) delivery.ack();
    observed.subscriber.disconnect('the queue is full');
    await publish(broker.url, [{ topic: 'test/a', payload: 'sentinel' }]);
    observed.subscriber.reconnect();
    await observed.received(3);
    assert.deepEqual(observed.texts(), ['0', '1', 'sentinel']);
  });

  test('QoS 0: paused inside of a delivery nothing more comes, resumed all, in order', async () => {
    await using broker = await startBroker();
    await using proxy = await startProxy(broker.port);
    let paused = false;
    await using observed = observe(through(proxy, broker.url), {
      protocolVersion: broker.kind === 'aedes' ? 4 : 5,
      filters: [{ filter: 'test/#', qos: 0 }],
      onDelivery: () => {
        assert.equal(paused, false);
        if (observed.deliveries.length !== 3) return;
        observed.subscriber.pause();
        paused = true;
      },
    });
    await observed.start();
    await publish(broker.url, numbered(100), { qos: 0 });
    await observed.received(3);
    // A last message passes the proxy while we hold the parser: it must not be handed on.
    const before = proxy.passed;
    await publish(broker.url, numbered(100, 100), { qos: 0 });
    while (proxy.passed === before) await new Promise(setImmediate);
    assert.equal(observed.deliveries.length, 3);
    paused = false;
    observed.subscriber.resume();
    await observed.received(200);
    assert.deepEqual(observed.texts(), inOrder(200));
    assert.ok(observed.deliveries.every(({ qos, packetId }) => qos === 0 && packetId === null));
  });
});
