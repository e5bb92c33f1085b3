import assert from 'node:assert/strict';
import { pbkdf2Sync, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { connectAsync } from 'mqtt';
import { TidegateError } from '../../../src/errors.ts';
import { freePort, needsMosquitto, publish, startBroker } from '../../support/broker.ts';
import { type TestCertificates, makeCertificates, needsOpenssl } from '../../support/certificates.ts';
import { type ObservedOptions, observe, startObserved } from './observed-subscriber.ts';
import { startScriptedBroker, SUBSCRIBE } from './scripted-broker.ts';
import { startProxy, through } from '../../support/proxy.ts';

/** The error that `start` rejects with: one line that names the URL. */
async function refusal(url: string, options: ObservedOptions = {}): Promise<TidegateError> {
  await using observed = observe(url, options);
  try {
    await observed.start();
  } catch (error) {
    assert.ok(error instanceof TidegateError);
    assert.ok(!error.message.includes('\n'));
    return error;
  }
  throw new Error('start was expected to fail');
}

/** That a message comes through. */
async function works(url: string, options: ObservedOptions, publishTo: string): Promise<void> {
  await using observed = await startObserved(url, { ...options, onDelivery: (delivery) => delivery.ack() });
  await publish(publishTo, [{ topic: 'test/a', payload: 'hello' }]);
  await observed.received(1);
  assert.deepEqual(observed.texts(), ['hello']);
}

suite('refusals at start', () => {
  test('a password: right, wrong and none', needsMosquitto, async () => {
    const directory = await mkdtemp(join(tmpdir(), 'tidegate-password-'));
    try {
      const salt = randomBytes(12);
      const hash = pbkdf2Sync('secret', salt, 101, 64, 'sha512');
      const path = join(directory, 'passwords');
      await writeFile(path, `device:$7$101$${salt.toString('base64')}$${hash.toString('base64')}\n`, {
        mode: 0o600,
      });
      await using broker = await startBroker({ config: ['allow_anonymous false', `password_file ${path}`] });
      const { port } = broker;

      for (const protocolVersion of [4, 5] as const) {
        const wrong = await refusal(`mqtt://device:sesame@127.0.0.1:${port}`, { protocolVersion });
        assert.equal(wrong.code, 'broker_refused');
        assert.match(
          wrong.message,
          new RegExp(`^mqtt://device:\\*\\*\\*@127.0.0.1:${port}: refused: Not authorized`),
        );
        assert.equal((await refusal(broker.url, { protocolVersion })).code, 'broker_refused');
        const right = { protocolVersion, username: 'device', password: 'secret' };
        await works(broker.url, right, `mqtt://device:secret@127.0.0.1:${port}`);
      }
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  for (const [protocolVersion, suback] of [
    [5, [1, 0x87]],
    [4, [1, 0x80]],
  ] as const) {
    test(`a refused subscription, protocol version ${protocolVersion}`, async () => {
      await using broker = await startScriptedBroker({ protocolVersion, suback });
      const filters = [
        { filter: 'allowed/+', qos: 1 },
        { filter: 'forbidden/+', qos: 1 },
      ] as const;
      const error = await refusal(broker.url, { protocolVersion, filters });
      assert.equal(error.code, 'subscription_refused');
      assert.match(error.message, /: forbidden\/\+: .*\(0x8[07]\)$/);
    });
  }

  test('a broker that does not speak MQTT 5 says which version to take', async () => {
    await using broker = await startBroker({ kind: 'aedes' });
    const error = await refusal(broker.url);
    assert.equal(error.code, 'broker_refused');
    assert.match(error.message, /mqtt\.protocol_version: 4/);
  });

  test('nobody there: unreachable after the startup timeout, naming each URL', async () => {
    const urls = [`mqtt://127.0.0.1:${await freePort()}`, `mqtt://u:secret@127.0.0.1:${await freePort()}`];
    const error = await refusal('', { urls, startupTimeoutMs: 200 });
    assert.equal(error.code, 'broker_unreachable');
    assert.match(error.message, /ECONNREFUSED.*; mqtt:\/\/u:\*\*\*@127.0.0.1:\d+: .*ECONNREFUSED/);
  });

  test('a server that says nothing is unreachable too', async () => {
    await using broker = await startBroker({ kind: 'aedes' });
    await using proxy = await startProxy(broker.port);
    proxy.blackHole();
    const error = await refusal(through(proxy, broker.url), { startupTimeoutMs: 200 });
    assert.equal(error.code, 'broker_unreachable');
  });

  test('a broker that is there is waited for, however late it answers the subscription', async () => {
    await using slow = await startScriptedBroker({ suback: null });
    await using observed = observe(slow.url, { startupTimeoutMs: 2_000 });
    const started = observed.start();
    const request = await slow.packet(SUBSCRIBE);
    // As long again, so the time of the first is over.
    const nobody = `mqtt://127.0.0.1:${await freePort()}`;
    assert.equal((await refusal(nobody, { startupTimeoutMs: 2_000 })).code, 'broker_unreachable');
    slow.send([0x90, 4, request[2] ?? 0, request[3] ?? 0, 0, 1]);
    await started;
    assert.equal(observed.subscriber.state().subscribed, true);
  });

  test('a broker that is busy is tried again', async () => {
    await using busy = await startScriptedBroker({ connack: [0x20, 3, 0, 0x89, 0] });
    await using ready = await startScriptedBroker();
    await using observed = await startObserved('', { urls: [busy.url, ready.url] });
    assert.equal(observed.subscriber.state().url, ready.url);
    assert.match(observed.logs[0] ?? '', /Server busy \(0x89\); connecting to .* in 0\.0 s/);
  });

  test('closed while it still tries', async () => {
    await using observed = observe(`mqtt://127.0.0.1:${await freePort()}`);
    const started = assert.rejects(observed.start(), { code: 'broker_unreachable' });
    await observed.logged(/ECONNREFUSED/);
    await observed.subscriber.close();
    await started;
  });
});

suite('TLS and WebSocket', { skip: needsOpenssl.skip || needsMosquitto.skip }, () => {
  const tlsConfig = ({ authority, server }: TestCertificates): string[] => [
    `cafile ${authority.certPath}`,
    `certfile ${server.certPath}`,
    `keyfile ${server.keyPath}`,
  ];

  test('a private authority is trusted when it is named, and only then', async () => {
    await using certificates = await makeCertificates();
    const plain = await freePort();
    await using broker = await startBroker({
      scheme: 'mqtts',
      config: [...tlsConfig(certificates), `listener ${plain} 127.0.0.1`],
    });
    const { authority, stranger } = certificates;
    await works(broker.url, { tls: { ca: authority.cert } }, `mqtt://127.0.0.1:${plain}`);
    await works(broker.url, { tls: { rejectUnauthorized: false } }, `mqtt://127.0.0.1:${plain}`);
    assert.equal((await refusal(broker.url)).code, 'broker_tls');
    assert.equal((await refusal(broker.url, { tls: { ca: stranger.cert } })).code, 'broker_tls');
    const otherName = await refusal(broker.url, { tls: { ca: authority.cert, servername: 'elsewhere' } });
    assert.equal(otherName.code, 'broker_tls');
    assert.match(otherName.message, /elsewhere/);
    assert.equal((await refusal(broker.url, { tls: { ca: 'no certificate' } })).code, 'broker_tls');
  });

  test('mutual TLS: our certificate is asked for', async () => {
    await using certificates = await makeCertificates();
    const plain = await freePort();
    await using broker = await startBroker({
      scheme: 'mqtts',
      config: [...tlsConfig(certificates), 'require_certificate true', `listener ${plain} 127.0.0.1`],
    });
    const { authority, client, stranger } = certificates;
    const ca = authority.cert;
    await works(broker.url, { tls: { ca, cert: client.cert, key: client.key } }, `mqtt://127.0.0.1:${plain}`);
    assert.equal((await refusal(broker.url, { tls: { ca } })).code, 'broker_tls');
    const unknown = await refusal(broker.url, { tls: { ca, cert: stranger.cert, key: stranger.key } });
    assert.equal(unknown.code, 'broker_tls');
    const mismatch = await refusal(broker.url, { tls: { ca, cert: client.cert, key: stranger.key } });
    assert.equal(mismatch.code, 'broker_tls');
  });

  test('ws:// and wss://', async () => {
    await using certificates = await makeCertificates();
    const [plain, secure] = [await freePort(), await freePort()];
    await using broker = await startBroker({
      scheme: 'ws',
      config: [
        'protocol websockets',
        `listener ${plain} 127.0.0.1`,
        `listener ${secure} 127.0.0.1`,
        'protocol websockets',
        ...tlsConfig(certificates),
      ],
    });
    const publishTo = `mqtt://127.0.0.1:${plain}`;
    await works(broker.url, {}, publishTo);
    const url = `wss://localhost:${secure}/mqtt`;
    await works(url, { tls: { ca: certificates.authority.cert } }, publishTo);
    assert.equal((await refusal(url)).code, 'broker_tls');
  });
});

suite('losing and finding the broker', () => {
  test(
    'the second URL takes over when the first is down, and the other way round',
    needsMosquitto,
    async () => {
      await using first = await startBroker();
      await using second = await startBroker();
      await first.stop();
      await using observed = await startObserved('', { urls: [first.url, second.url] });
      assert.equal(observed.subscriber.state().url, second.url);
      await first.restart();
      await second.stop();
      await observed.logged(/^subscribed/, 2);
      assert.equal(observed.subscriber.state().url, first.url);
      assert.equal(observed.subscriber.state().reconnects, 1);
      await publish(first.url, [{ topic: 'test/a', payload: 'x' }]);
      await observed.received(1);
    },
  );

  for (const persistence of [true, false]) {
    test(`a broker restart, the session ${persistence ? 'kept' : 'lost'}`, async () => {
      await using broker = await startBroker({ persistence });
      const protocolVersion = broker.kind === 'aedes' ? 4 : 5;
      await using observed = await startObserved(broker.url, { protocolVersion });
      assert.equal(observed.subscriber.granted()?.subscriptions.length, 1);
      await broker.stop();
      await observed.logged(/connecting to/);
      assert.deepEqual(
        [observed.subscriber.state().connected, observed.subscriber.state().subscribed],
        [false, false],
      );
      await broker.restart();
      await observed.logged(/^subscribed/, 2);
      assert.equal(observed.subscriber.granted()?.sessionPresent, persistence);
      assert.equal(observed.subscriber.granted()?.subscriptions.length, persistence ? 0 : 1);
      assert.equal(
        observed.logs.some((line) => /lost our session/.test(line)),
        !persistence,
      );
      await publish(broker.url, [{ topic: 'test/a', payload: 'x' }]);
      await observed.received(1);
    });
  }

  for (const protocolVersion of [4, 5] as const) {
    const name = `a second client with our id is fatal, protocol version ${protocolVersion}`;
    test(name, needsMosquitto, async () => {
      await using broker = await startBroker();
      await using observed = await startObserved(broker.url, { protocolVersion });
      const other = await connectAsync(broker.url, {
        clientId: 'tidegate-test',
        protocolVersion,
        clean: false,
        reconnectPeriod: 10,
      });
      const error = await observed.fatal();
      await other.endAsync(true);
      assert.equal(error.code, 'session_taken');
      assert.equal(observed.subscriber.state().connected, false);
    });
  }

  test('a broker that says so makes it fatal at once', async () => {
    await using broker = await startScriptedBroker();
    await using observed = await startObserved(broker.url);
    broker.send([0xe0, 1, 0x8e]);
    assert.equal((await observed.fatal()).code, 'session_taken');
    assert.equal(observed.subscriber.state().reconnects, 0);
  });

  test('a subscription refused later is fatal', async () => {
    await using first = await startScriptedBroker();
    await using second = await startScriptedBroker({ suback: [0x87] });
    await using observed = await startObserved('', { urls: [first.url, second.url] });
    // DISCONNECT: server shutting down.
    first.send([0xe0, 1, 0x8b]);
    assert.equal((await observed.fatal()).code, 'subscription_refused');
  });

  test('a refused login after the start is tried again', async () => {
    await using first = await startScriptedBroker();
    await using refusing = await startScriptedBroker({ connack: [0x20, 3, 0, 0x87, 0] });
    await using observed = await startObserved('', { urls: [first.url, refusing.url] });
    first.send([0xe0, 1, 0x8b]);
    await observed.logged(/^subscribed/, 2);
    assert.ok(observed.logs.some((line) => /refused: Not authorized/.test(line)));
    assert.equal(observed.subscriber.state().url, first.url);
  });

  test('left and come back: what was published meanwhile waits in the session', async () => {
    await using broker = await startBroker();
    const protocolVersion = broker.kind === 'aedes' ? 4 : 5;
    await using observed = await startObserved(broker.url, { protocolVersion });
    observed.subscriber.disconnect('the queue is full');
    assert.equal(observed.subscriber.state().connected, false);
    await publish(broker.url, [{ topic: 'test/a', payload: 'meanwhile' }]);
    assert.equal(observed.deliveries.length, 0);
    observed.subscriber.reconnect();
    await observed.received(1);
    assert.deepEqual(observed.texts(), ['meanwhile']);
  });

  test('silence: the connection and the subscriptions are made anew', async () => {
    await using broker = await startBroker();
    const protocolVersion = broker.kind === 'aedes' ? 4 : 5;
    await using observed = await startObserved(broker.url, { protocolVersion, silenceTimeoutMs: 100 });
    await observed.logged(/no message for 0 s; connecting/);
    await observed.logged(/^subscribed/, 2);
    assert.equal(observed.subscriber.granted()?.subscriptions.length, 1);
    await publish(broker.url, [{ topic: 'test/a', payload: 'x' }]);
    await observed.received(1);
  });

  test('close ends even when the network swallows everything', async () => {
    await using broker = await startBroker();
    await using proxy = await startProxy(broker.port);
    await using observed = await startObserved(through(proxy, broker.url), {
      protocolVersion: broker.kind === 'aedes' ? 4 : 5,
    });
    proxy.blackHole();
    await observed.subscriber.close();
    assert.equal(observed.subscriber.state().connected, false);
  });
});
