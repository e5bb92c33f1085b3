import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { test } from 'node:test';
import { Aedes } from 'aedes';
import { needsMosquitto, publish, startBroker } from '../../support/broker.ts';
import { eventually } from '../../support/eventually.ts';
import { startObserved } from './observed-subscriber.ts';
import { memorySessions } from './sessions.ts';

test('filters of which the broker refuses one: those before are wanted on, and nothing else comes', async () => {
  const aedes = await Aedes.createBroker({
    authorizeSubscribe: (_client, subscription, done) =>
      done(null, subscription.topic.startsWith('secret/') ? null : subscription),
  });
  const server = createServer((socket) => aedes.handle(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    const filters = [{ filter: 'plant/+', qos: 1 }] as const;
    await using observed = await startObserved(url, { protocolVersion: 4, filters });
    const { subscriber } = observed;
    const refused = subscriber.resubscribe([
      { filter: 'open/+', qos: 1 },
      { filter: 'secret/+', qos: 1 },
    ]);
    await assert.rejects(refused, { code: 'subscription_refused', message: /secret\/\+/ });
    assert.equal(subscriber.aligned, true);
    await publish(url, [
      { topic: 'open/a', payload: '1' },
      { topic: 'plant/a', payload: '2' },
    ]);
    await eventually('the old filter', () => observed.deliveries.length > 0);
    assert.deepEqual(
      observed.deliveries.map(({ topic }) => topic),
      ['plant/a'],
    );
    await subscriber.resubscribe([{ filter: 'open/+', qos: 1 }]);
    await publish(url, [
      { topic: 'plant/a', payload: '3' },
      { topic: 'open/a', payload: '4' },
    ]);
    await eventually('the new filter', () => observed.deliveries.length > 1);
    assert.deepEqual(
      observed.deliveries.map(({ topic }) => topic),
      ['plant/a', 'open/a'],
    );
    assert.equal(subscriber.state().reconnects, 0);
  } finally {
    server.close();
    await new Promise<void>((resolve) => aedes.close(() => resolve()));
  }
});

test(
  'what an earlier life subscribed is given up: another share group, none any more, a route',
  needsMosquitto,
  async () => {
    await using broker = await startBroker();
    const filter = { filter: 'plant/+', qos: 1 } as const;
    let known: readonly string[] = [];
    let epoch = 0;
    const lives = [
      { shareGroup: 'first', filters: [filter], subscribed: ['$share/first/plant/+'] },
      { shareGroup: 'second', filters: [filter], subscribed: ['$share/second/plant/+'] },
      {
        shareGroup: null,
        filters: [filter, { filter: 'other/+', qos: 1 }],
        subscribed: ['other/+', 'plant/+'],
      },
      { shareGroup: null, filters: [filter], subscribed: ['plant/+'] },
    ] as const;
    for (const { shareGroup, filters, subscribed } of lives) {
      const sessions = memorySessions(epoch, [], undefined, known);
      await using observed = await startObserved(broker.url, { shareGroup, filters, sessions });
      await eventually('it is written down', () => {
        return observed.subscriber.aligned && String(sessions.told.at(-1) ?? known) === String(subscribed);
      });
      for (const told of sessions.told)
        assert.ok(
          subscribed.every((one) => told.includes(one)),
          String(told),
        );
      await publish(broker.url, [
        { topic: 'other/a', payload: 'other' },
        { topic: 'plant/a', payload: 'once' },
        { topic: 'plant/a', payload: 'last' },
      ]);
      await observed.until(() => observed.texts().includes('last'));
      const wanted = filters.length > 1 ? ['other', 'once', 'last'] : ['once', 'last'];
      assert.deepEqual(observed.texts(), wanted);
      for (const delivery of observed.deliveries) delivery.ack();
      known = sessions.told.at(-1) ?? known;
      epoch = sessions.begun.at(-1) ?? epoch;
    }
  },
);
