import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connackGrant, shortfalls } from '../../../src/mqtt/grant.ts';
import type { ConnectionOptions } from '../../../src/mqtt/mqtt-options.ts';

const options: ConnectionOptions = {
  clientId: 'tidegate',
  username: null,
  password: null,
  protocolVersion: 5,
  keepaliveSeconds: 60,
  sessionExpirySeconds: 604_800,
  receiveMaximum: 5_000,
  maximumPacketBytes: 1_000_000,
  tls: {},
};

test('a CONNACK that says nothing grants what was asked', () => {
  const grant = connackGrant({ cmd: 'connack', sessionPresent: true }, options, 'mqtt://host');
  assert.deepEqual(grant, {
    url: 'mqtt://host',
    protocolVersion: 5,
    sessionPresent: true,
    sessionExpirySeconds: 604_800,
    keepaliveSeconds: 60,
    maximumQos: 2,
    receiveMaximum: null,
    maximumPacketBytes: null,
    subscriptions: [],
  });
  assert.deepEqual(shortfalls(grant, options), []);
});

test('what it says counts, and what is less is named with its consequence', () => {
  const properties = {
    sessionExpiryInterval: 7_200,
    serverKeepAlive: 30,
    maximumQoS: 1,
    receiveMaximum: 100,
  };
  const connack = connackGrant({ cmd: 'connack', sessionPresent: false, properties }, options, 'mqtt://host');
  const grant = { ...connack, subscriptions: [{ filter: 'a/#', asked: 1 as const, granted: 0 }] };
  assert.equal(grant.keepaliveSeconds, 30);
  assert.equal(grant.maximumQos, 1);
  assert.equal(grant.receiveMaximum, 100);
  const found = shortfalls(grant, options);
  assert.equal(found.length, 2);
  assert.match(found[0] ?? '', /7200 s instead of 604800 s/);
  assert.match(found[1] ?? '', /QoS 0 instead of 1 to a\/#/);
});

test('MQTT 3.1.1 does not say how long a session stays', () => {
  const old = { ...options, protocolVersion: 4 as const };
  const grant = connackGrant({ cmd: 'connack', sessionPresent: false }, old, 'mqtt://host');
  assert.equal(grant.sessionExpirySeconds, null);
  assert.deepEqual(shortfalls(grant, old), []);
});
