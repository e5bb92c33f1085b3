import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { Voice } from '../../../src/mqtt/voice.ts';
import { needsMosquitto, publish, startBroker, type TestBroker } from '../../support/broker.ts';
import { eventually } from '../../support/eventually.ts';
import { listenTo } from '../../support/listener.ts';
import { startScriptedBroker } from './scripted-broker.ts';
import { startProxy, through } from '../../support/proxy.ts';
import { observe, type ObservedOptions, startObserved } from './observed-subscriber.ts';

const STATUS = 'tidegate/test/status';

function voiceOf(logs: string[] = []): Voice {
  const words = (payload: string) => ({ subject: 'status' as const, topic: STATUS, payload, retain: true });
  const log = (_: object, text: string) => void logs.push(text);
  return new Voice({
    status: { lost: words('lost'), online: () => words('online'), left: (reason) => words(`left ${reason}`) },
    logger: { debug: log, info: log, warn: log, error: log },
    observer: () => {},
  });
}

const event = (payload: string) => ({
  subject: 'event' as const,
  topic: 'tidegate/test/event',
  payload,
  retain: false,
});

/** A broker that lets nobody publish but to test/#. */
async function guardedBroker(queue: number): Promise<TestBroker> {
  const folder = await mkdtemp(join(tmpdir(), 'tidegate-acl-'));
  await writeFile(join(folder, 'acl'), 'topic readwrite test/#\n');
  const config = [`acl_file ${join(folder, 'acl')}`, `max_queued_messages ${queue}`];
  const broker = await startBroker({ kind: 'mosquitto', config });
  await rm(folder, { recursive: true });
  return broker;
}

for (const protocolVersion of [4, 5] as const) {
  suite(`what is said of the connection, protocol version ${protocolVersion}`, needsMosquitto, () => {
    const options = (voice: Voice): ObservedOptions => ({ protocolVersion, voice });

    test('online at the start, the last words at the end, retained', async () => {
      await using broker = await startBroker();
      await using listener = await listenTo(broker.url, 'tidegate/#');
      {
        await using observed = await startObserved(broker.url, options(voiceOf()));
        await eventually('online', () => listener.payloads(STATUS).includes('online'));
        observed.subscriber.disconnect('to see what it says');
        await eventually('left', () => listener.payloads(STATUS).includes('left full'));
        observed.subscriber.reconnect();
        await eventually('back', () => listener.payloads(STATUS).length === 3);
      }
      assert.deepEqual(listener.payloads(STATUS), ['online', 'left full', 'online', 'left stopped']);
      await using late = await listenTo(broker.url, STATUS);
      await eventually('it is retained', () => late.payloads(STATUS).length === 1);
      assert.deepEqual(late.payloads(STATUS), ['left stopped']);
    });

    test('a connection that is cut: the broker says the will, we say online again', async () => {
      await using broker = await startBroker();
      await using listener = await listenTo(broker.url, STATUS);
      await using proxy = await startProxy(broker.port);
      await using observed = await startObserved(through(proxy, broker.url), options(voiceOf()));
      await eventually('online', () => listener.payloads(STATUS).length === 1);
      proxy.reset();
      await eventually('online again', () => listener.payloads(STATUS).length === 3);
      assert.deepEqual(listener.payloads(STATUS), ['online', 'lost', 'online']);
      assert.equal(observed.subscriber.state().reconnects, 1);
    });

    test('events do not get lost with a connection, and do not hold up what is received', async () => {
      await using broker = await startBroker();
      await using listener = await listenTo(broker.url, 'tidegate/test/event');
      const voice = voiceOf();
      await using observed = await startObserved(broker.url, {
        ...options(voice),
        onDelivery: (delivery) => delivery.ack(),
      });
      for (let round = 0; round < 500; round++) voice.say(event(`${round}`));
      await publish(
        broker.url,
        Array.from({ length: 500 }, (_, round) => ({ topic: 'test/a', payload: `${round}` })),
      );
      await observed.received(500);
      await eventually('every event', () => listener.payloads('tidegate/test/event').length === 500);
      assert.deepEqual(
        listener.payloads('tidegate/test/event'),
        Array.from({ length: 500 }, (_, round) => `${round}`),
      );
    });
  });
}

test('our own messages are no data, even where a route covers them', needsMosquitto, async () => {
  await using broker = await startBroker();
  const voice = voiceOf();
  await using observed = await startObserved(broker.url, {
    voice,
    filters: [{ filter: '#', qos: 1 }],
    isOwn: (topic) => topic.startsWith('tidegate/test/'),
  });
  voice.say(event('mine'));
  await eventually('both came back', () => observed.counts.dropped === 2);
  await publish(broker.url, [{ topic: 'tidegate/other', payload: 'theirs' }]);
  await observed.received(1);
  assert.deepEqual(observed.texts(), ['theirs']);
});

// With 0 mosquitto 2.0.11 cuts the connection at every message that it refuses.
for (const queue of [1_000, 0]) {
  test(
    `where we may not publish it is said once, and receiving goes on (queue of ${queue})`,
    needsMosquitto,
    async () => {
      await using broker = await guardedBroker(queue);
      const logs: string[] = [];
      const voice = voiceOf(logs);
      await using observed = await startObserved(broker.url, {
        voice,
        onDelivery: (delivery) => delivery.ack(),
      });
      for (let round = 0; round < 3; round++) voice.say(event(`${round}`));
      await eventually('all is answered', () => voice.waiting === 0);
      voice.say(event('again'));
      assert.equal(voice.waiting, 0);
      assert.equal(
        logs.filter((line) => /not let us publish to .*event: Not authorized \(0x87\)/.test(line)).length,
        1,
      );
      assert.equal(
        logs.filter((line) => /not let us publish to .*status: Not authorized \(0x87\)/.test(line)).length,
        1,
      );
      assert.equal(logs.length, 2);
      if (queue > 0) assert.equal(observed.subscriber.state().reconnects, 0);
      await publish(broker.url, [{ topic: 'test/a', payload: 'x' }]);
      await observed.received(1);
    },
  );
}

for (const [protocolVersion, willConnack] of [
  [4, [0x20, 2, 0, 5]],
  [5, [0x20, 3, 0, 0x87, 0]],
] as const) {
  test(`a broker that refuses the will, protocol version ${protocolVersion}: it is left out`, async () => {
    await using broker = await startScriptedBroker({ protocolVersion, willConnack });
    const logs: string[] = [];
    await using observed = await startObserved(broker.url, { protocolVersion, voice: voiceOf(logs) });
    assert.equal(observed.subscriber.state().subscribed, true);
    assert.equal(logs.length, 1);
    assert.match(
      logs[0] ?? '',
      /not let us publish to .*status: it refuses a connection that has its Last Will/,
    );
  });

  test(`a broker that refuses us, protocol version ${protocolVersion}: it is said as ever`, async () => {
    await using broker = await startScriptedBroker({ protocolVersion, connack: willConnack });
    const observed = observe(broker.url, { protocolVersion, voice: voiceOf() });
    await assert.rejects(observed.start(), { code: 'broker_refused' });
    await observed.subscriber.close();
  });
}

test('an end before the broker is reached is quiet', async () => {
  const observed = observe('mqtt://127.0.0.1:1', { voice: voiceOf(), startupTimeoutMs: 50 });
  await assert.rejects(observed.start(), /broker_unreachable|no connection/);
  await observed.subscriber.close();
});
