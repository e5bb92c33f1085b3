import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readOverrides, unknownVariables } from '../../../src/config/environment.ts';
import { KEYS } from '../../../src/config/schema.ts';
import { temporaryFolder } from './yaml-file.ts';

test('a variable goes before a credential, and an empty one says nothing', (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'mqtt_password'), 'from file\n');
  writeFileSync(join(folder, 'database_url'), 'postgres://file/db\r\n');
  const overrides = readOverrides(
    { CREDENTIALS_DIRECTORY: folder, TIDEGATE_MQTT_PASSWORD: '', TIDEGATE_DATABASE_URL: 'postgres://env/db' },
    KEYS,
  );
  assert.deepEqual(
    [...overrides],
    [
      ['mqtt.password', { text: 'from file', origin: join(folder, 'mqtt_password') }],
      ['database.url', { text: 'postgres://env/db', origin: 'TIDEGATE_DATABASE_URL' }],
    ],
  );
});

test('only one final newline goes, and only secrets are read', (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'mqtt_password'), ' a\n\n');
  writeFileSync(join(folder, 'http_port'), '99');
  const overrides = readOverrides({ CREDENTIALS_DIRECTORY: folder }, KEYS);
  assert.deepEqual(
    [...overrides.values()].map(({ text }) => text),
    [' a\n'],
  );
});

test('a credential that cannot be read is an error', (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'mqtt_password'));
  assert.throws(() => readOverrides({ CREDENTIALS_DIRECTORY: folder }, KEYS), { code: 'config_unreadable' });
});

test('misspelt variables are found, those of others are left alone', () => {
  const env = {
    TIDEGATE_MQTT_ULR: 'x',
    TIDEGATE_MQTT_URL: 'x',
    TIDEGATE_DEAD_LETTERS_RETENTIONS: 'x',
    TIDEGATE_POLICIES_AGGREGATES_1MIN_START_OFFSET: 'x',
    TIDEGATE_PORT: 'x',
    TIDEGATE_SERVICE_HOST: 'x',
    PATH: '',
  };
  assert.deepEqual(unknownVariables(env, KEYS), ['TIDEGATE_MQTT_ULR', 'TIDEGATE_DEAD_LETTERS_RETENTIONS']);
});
