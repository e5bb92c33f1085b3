import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { payloadDigest, topicDigest } from '../../../src/mqtt/digest.ts';
import type { LedgerEntry } from '../../../src/pipeline/types.ts';
import { startBroker, needsMosquitto, publish } from '../../support/broker.ts';
import { startObserved } from './observed-subscriber.ts';
import {
  NO_SESSION,
  PINGREQ,
  PINGRESP,
  PUBACK,
  publication,
  SESSION_PRESENT,
  SUBSCRIBE,
  startScriptedBroker,
} from './scripted-broker.ts';
import { memorySessions } from './sessions.ts';
import { startProxy, through } from '../../support/proxy.ts';

const puback = (packetId: number): number[] => [0x40, 2, packetId >> 8, packetId & 0xff];

/** A message of topic "t" that an earlier life settled. */
function settled(ordinal: number, packetId: number, payload: string): LedgerEntry {
  const digests = { topicDigest: topicDigest('t'), payloadDigest: payloadDigest(Buffer.from(payload)) };
  return { epoch: 1, ordinal, packetId, ...digests, duplicate: false };
}

suite('a message that is sent again', () => {
  test('was settled by an earlier life: acknowledged, not handed on', async () => {
    await using broker = await startScriptedBroker({ connack: SESSION_PRESENT });
    await using observed = await startObserved(broker.url, {
      sessions: memorySessions(1, [settled(0, 1, 'on'), settled(2, 3, 'on')]),
    });
    for (const id of [1, 2, 3]) broker.send(publication(id, 'on', { dup: true }));
    await observed.until(() => observed.counts.redelivered === 2);
    assert.deepEqual(
      observed.deliveries.map(({ packetId, identity }) => [packetId, identity?.ordinal]),
      [[2, 3]],
      'the one between them was in hand, and was not committed by its writer',
    );
    assert.deepEqual([...(await broker.packet(PUBACK))], puback(1));
    observed.deliveries[0]?.ack();
    assert.deepEqual([...(await broker.packet(PUBACK))], puback(2));
    assert.deepEqual([...(await broker.packet(PUBACK))], puback(3));
  });

  test('is still in hand: its acknowledgement goes to the connection that brought it last', async () => {
    await using broker = await startScriptedBroker({ connack: [NO_SESSION, SESSION_PRESENT] });
    await using observed = await startObserved(broker.url, { sessions: memorySessions() });
    broker.send([...publication(1, 'on'), ...publication(2, 'on')]);
    await observed.received(2);
    broker.cut();
    await observed.logged(/subscribed at/, 2);
    broker.send([...publication(1, 'on', { dup: true }), ...publication(2, 'on', { dup: true })]);
    await observed.until(() => observed.counts.redelivered === 2);
    assert.equal(observed.deliveries.length, 2);
    for (const delivery of observed.deliveries.toReversed()) delivery.ack();
    for (const id of [1, 2]) assert.deepEqual([...(await broker.packet(PUBACK))], puback(id));
  });

  test('on a live connection: taken once, acknowledged once, whether it is settled or not', async () => {
    await using broker = await startScriptedBroker();
    await using observed = await startObserved(broker.url, { sessions: memorySessions() });
    broker.send([...publication(1, 'on'), ...publication(1, 'on', { dup: true })]);
    await observed.until(() => observed.counts.resent === 1);
    observed.deliveries[0]?.ack();
    assert.deepEqual([...(await broker.packet(PUBACK))], puback(1));
    broker.send([...publication(1, 'on', { dup: true }), ...publication(2, 'off')]);
    await observed.received(2);
    assert.equal(observed.counts.resent, 2);
    observed.deliveries[1]?.ack();
    assert.deepEqual(
      [...(await broker.packet(PUBACK))],
      puback(2),
      'a second PUBACK could hit another message',
    );
  });

  test('an identifier used again for an equal payload is a new message without DUP', async () => {
    await using broker = await startScriptedBroker({ connack: SESSION_PRESENT });
    await using observed = await startObserved(broker.url, {
      sessions: memorySessions(1, [settled(0, 1, 'on')]),
    });
    broker.send(publication(1, 'on'));
    await observed.received(1);
    assert.equal(observed.counts.redelivered, 0);
  });

  test('an identifier used again whose first sending was lost is a new message: later ones came before it', async () => {
    await using broker = await startScriptedBroker({ connack: SESSION_PRESENT });
    await using observed = await startObserved(broker.url, {
      sessions: memorySessions(1, [settled(0, 1, 'on'), settled(1, 2, 'on')]),
    });
    broker.send([...publication(2, 'on', { dup: true }), ...publication(1, 'on', { dup: true })]);
    await observed.received(1);
    assert.deepEqual([observed.deliveries[0]?.packetId, observed.counts.redelivered], [1, 1]);
  });

  test('from outside of the window is a new message', async () => {
    await using broker = await startScriptedBroker({ connack: SESSION_PRESENT });
    await using observed = await startObserved(broker.url, {
      sessions: memorySessions(1, [settled(0, 1, 'on'), settled(40_000, 2, 'on')]),
    });
    broker.send([...publication(1, 'on', { dup: true }), ...publication(2, 'on', { dup: true })]);
    await observed.until(() => observed.counts.redelivered === 1);
    assert.deepEqual(
      observed.deliveries.map(({ packetId }) => packetId),
      [1],
    );
  });

  test('without a ledger is a new message', async () => {
    await using broker = await startScriptedBroker({ connack: [NO_SESSION, SESSION_PRESENT] });
    await using observed = await startObserved(broker.url);
    broker.send(publication(1, 'on'));
    await observed.received(1);
    observed.deliveries[0]?.ack();
    await broker.packet(PUBACK);
    broker.cut();
    await observed.logged(/subscribed at/, 2);
    broker.send(publication(1, 'on', { dup: true }));
    await observed.received(2);
    assert.ok(observed.deliveries.every(({ identity }) => identity === null));
  });

  test('by mosquitto over cut connections: each is handed on once', needsMosquitto, async () => {
    await using broker = await startBroker();
    await using proxy = await startProxy(broker.port);
    await using observed = await startObserved(through(proxy, broker.url), { sessions: memorySessions() });
    const numbers = Array.from({ length: 200 }, (_, index) => ({ topic: 'test/a', payload: `${index % 3}` }));
    await publish(broker.url, numbers);
    await observed.received(200);
    for (const delivery of observed.deliveries.slice(0, 50)) delivery.ack();
    proxy.reset();
    // All that was not acknowledged; of the others, those whose PUBACK was lost.
    await observed.until(() => observed.counts.redelivered >= 150);
    for (const delivery of observed.deliveries) delivery.ack();
    await publish(broker.url, [{ topic: 'test/a', payload: 'sentinel' }]);
    await observed.until(() => observed.texts().includes('sentinel'));
    assert.equal(observed.deliveries.length, 201);
  });
});

suite('epochs', () => {
  test('a lost session begins one before it is subscribed; its identifiers say nothing of the one before', async () => {
    let subscribedAt = -1;
    const sessions = memorySessions(7, [{ ...settled(5, 1, 'on'), epoch: 7 }]);
    await using broker = await startScriptedBroker();
    await using observed = await startObserved(broker.url, { sessions });
    await broker.packet(SUBSCRIBE);
    subscribedAt = sessions.begun.length;
    assert.deepEqual([sessions.begun, subscribedAt], [[8], 1]);
    broker.send(publication(1, 'on', { dup: true }));
    await observed.received(1);
    assert.deepEqual(
      [observed.deliveries[0]?.identity?.epoch, observed.deliveries[0]?.identity?.ordinal],
      [8, 0],
    );
    assert.equal(observed.subscriber.epoch, 8);
  });

  test('while none is durable QoS 1 is declined and QoS 0 is not; then the connection is made anew', async () => {
    const durable = Promise.withResolvers<void>();
    const sessions = memorySessions(0, [], () => durable.promise);
    await using broker = await startScriptedBroker({ connack: [NO_SESSION, SESSION_PRESENT] });
    await using observed = await startObserved(broker.url, { sessions });
    broker.send([...publication(1, 'declined'), 0x30, 6, 0, 1, 0x74, 0, 0x71, 0x30]);
    await observed.received(1);
    assert.deepEqual(observed.texts(), ['q0']);
    durable.resolve();
    await observed.logged(/subscribed at/, 2);
    broker.send(publication(1, 'declined', { dup: true }));
    await observed.received(2);
    assert.deepEqual(observed.texts(), ['q0', 'declined']);
    observed.deliveries[1]?.ack();
    assert.deepEqual([...(await broker.packet(PUBACK))], puback(1), 'the first it hears of');
    assert.deepEqual(sessions.begun, [1]);
  });

  test('begin is tried again', async () => {
    let attempts = 0;
    const sessions = memorySessions(0, [], () =>
      ++attempts < 3 ? Promise.reject(new Error('away')) : Promise.resolve(),
    );
    await using broker = await startScriptedBroker();
    await using observed = await startObserved(broker.url, { sessions });
    broker.send(publication(1, 'on'));
    await observed.received(1);
    assert.deepEqual([attempts, sessions.begun], [3, [1]]);
  });
});

suite('pings', () => {
  test('an answer to a ping behind the acknowledgements forgets what they were for', async () => {
    await using broker = await startScriptedBroker();
    const sessions = memorySessions();
    await using observed = await startObserved(broker.url, { sessions });
    broker.send([...publication(1, 'a'), ...publication(2, 'b'), ...publication(3, 'c')]);
    await observed.received(3);
    observed.deliveries[0]?.ack();
    observed.deliveries[1]?.ack();
    await broker.packet(PINGREQ);
    assert.deepEqual(sessions.forgotten, [], 'nothing before the answer');
    broker.send(PINGRESP);
    broker.send(publication(4, 'd'));
    await observed.received(4);
    assert.deepEqual(sessions.forgotten, [[1, 2]], 'the third is not acknowledged');
  });

  test('what waited in the session is marked until the broker answers with room in the window', async () => {
    await using broker = await startScriptedBroker({ connack: SESSION_PRESENT });
    await using observed = await startObserved(broker.url, {
      sessions: memorySessions(1),
      receiveMaximum: 2,
    });
    await broker.packet(PINGREQ);
    broker.send([...publication(1, 'a'), ...publication(2, 'b'), ...PINGRESP]);
    await observed.received(2);
    observed.deliveries[0]?.ack();
    // Two were in hand when the first ping was answered: more may wait.
    await broker.packet(PINGREQ);
    broker.send([...publication(3, 'c'), ...PINGRESP]);
    await observed.received(3);
    for (const delivery of observed.deliveries) delivery.ack();
    await broker.packet(PINGREQ);
    broker.send([...PINGRESP, ...publication(4, 'd'), ...publication(5, 'e', { dup: true })]);
    await observed.received(5);
    assert.deepEqual(
      observed.deliveries.map(({ backlog }) => backlog),
      [true, true, true, false, true],
    );
    await observed.logged(/^caught up: 3 messages/);
  });
});
