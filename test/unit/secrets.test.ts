import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Config, loadConfig } from '../../src/config/load.ts';
import { secretsOf } from '../../src/secrets.ts';

const configOf = (url: string, mqttPassword = 'first'): Config =>
  loadConfig({ env: { TIDEGATE_DATABASE_URL: url, TIDEGATE_MQTT_PASSWORD: mqttPassword } });

test('a password is the one that is read now; while nothing can be read, the one before', () => {
  let read = (): Config => configOf('postgres://gate:second@db/iot', 'another');
  const secrets = secretsOf(configOf('postgres://gate:first@db/iot'), () => read());
  assert.equal(secrets.databaseUrl(), 'postgres://gate:second@db/iot');
  assert.equal(secrets.ownerUrl(), 'postgres://gate:second@db/iot');
  assert.equal(secrets.mqttPassword(), 'another');
  read = () => {
    throw new Error('half written');
  };
  assert.equal(secrets.databaseUrl(), 'postgres://gate:second@db/iot');
  assert.equal(secrets.mqttPassword(), 'another');
});

test('nothing else of the URL changes while the daemon runs, nor goes a password to another server', () => {
  const first = 'postgres://gate:first@db/iot';
  for (const other of [
    'postgres://gate:second@elsewhere/iot',
    'postgres://gate:second@db/test',
    'postgres://another:second@db/iot',
    'postgres://gate:second@db/iot?sslmode=disable',
  ]) {
    assert.equal(secretsOf(configOf(first), () => configOf(other)).databaseUrl(), first);
  }
});
