import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type ConnectionOptions, clientOptions } from '../../../src/mqtt/mqtt-options.ts';

const options: ConnectionOptions = {
  clientId: 'tidegate',
  username: null,
  password: null,
  protocolVersion: 5,
  keepaliveSeconds: 60,
  sessionExpirySeconds: 3_600,
  receiveMaximum: 100,
  maximumPacketBytes: 1_000_000,
  tls: { ca: 'CA', cert: 'CERT', key: 'KEY', servername: 'broker', rejectUnauthorized: true },
};

suite('clientOptions', () => {
  test('asks MQTT 5 for a session that stays, with our window', () => {
    const built = clientOptions(options, 'mqtt://host:1884');
    assert.equal(built.host, 'host');
    assert.equal(built.port, 1884);
    assert.equal(built.clean, false);
    assert.deepEqual(built.properties, {
      sessionExpiryInterval: 3_600,
      receiveMaximum: 100,
      maximumPacketSize: 1_000_000,
    });
  });

  test('sends MQTT 3.1.1 no properties', () => {
    assert.equal(clientOptions({ ...options, protocolVersion: 4 }, 'mqtt://host').properties, undefined);
  });

  test('lets MQTT.js make no buffer for each packet identifier', () => {
    assert.equal(clientOptions(options, 'mqtt://host').writeCache, false);
  });

  test('starts clean only where nothing is to be kept', () => {
    assert.equal(clientOptions({ ...options, sessionExpirySeconds: 0 }, 'mqtt://host').clean, true);
    assert.equal(clientOptions({ ...options, keepSession: false }, 'mqtt://host').clean, true);
  });

  test('gives certificates to TLS only, or MQTT.js would turn mqtt:// into mqtts://', () => {
    assert.equal(clientOptions(options, 'mqtt://host').cert, undefined);
    const tls = clientOptions(options, 'mqtts://host');
    assert.deepEqual(
      [tls.protocol, tls.ca, tls.cert, tls.key, tls.servername],
      ['mqtts', 'CA', 'CERT', 'KEY', 'broker'],
    );
    assert.partialDeepStrictEqual(clientOptions(options, 'wss://host/mqtt').wsOptions, {
      ca: 'CA',
      servername: 'broker',
    });
  });

  test('keeps path and query of a WebSocket', () => {
    assert.equal(clientOptions(options, 'ws://host:9001/mqtt?a=1').path, '/mqtt?a=1');
    assert.equal(clientOptions(options, 'ws://host').path, '/');
  });

  test('gives sockets an IPv6 address bare, and URLs in brackets', () => {
    assert.equal(clientOptions(options, 'mqtt://[::1]:1883').host, '::1');
    assert.equal(clientOptions(options, 'ws://[::1]:9001').host, '[::1]');
  });

  test('a user and password in the URL go first', () => {
    const given = { ...options, username: 'u', password: 'p' };
    const { username, password } = clientOptions(given, 'mqtt://a%40b:c%3Ad@host');
    assert.deepEqual([username, password], ['a@b', 'c:d']);
    assert.equal(clientOptions(given, 'mqtt://host').password, 'p');
  });

  test('refuses other schemes and what is no URL, without printing a password', () => {
    for (const url of ['http://u:secret@host', 'u:secret@host:99999999', 'mqtt://u:secret@host:99999999']) {
      assert.throws(
        () => clientOptions(options, url),
        (error: Error & { code?: string }) =>
          error.code === 'config_invalid' && !error.message.includes('secret'),
        url,
      );
    }
  });
});
