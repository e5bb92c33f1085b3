import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { type Config, loadConfig, rereading } from '../../../src/config/load.ts';
import { KEYS } from '../../../src/config/schema.ts';
import { TidegateError } from '../../../src/errors.ts';
import { temporaryFolder, yamlFile } from './yaml-file.ts';

const DATABASE = { TIDEGATE_DATABASE_URL: 'postgres://tidegate@localhost/tidegate' };

function load(t: TestContext, text: string, env: Record<string, string> = {}): Config {
  return loadConfig({ file: yamlFile(t, text), env: { ...DATABASE, ...env } });
}

/** The lines of the error, without the folder of the file. */
function mistakes(t: TestContext, text: string, env: Record<string, string> = {}): string[] {
  const file = yamlFile(t, text);
  try {
    loadConfig({ file, env: { ...DATABASE, ...env } });
  } catch (error) {
    assert.ok(error instanceof TidegateError, String(error));
    assert.equal(error.code, 'config_invalid');
    return error.message.replaceAll(file, 'tidegate.yaml').split('\n');
  }
  return [];
}

test('without a file everything has its default', () => {
  const config = loadConfig({ env: DATABASE });
  assert.deepEqual(config.mqtt.urls, ['mqtt://localhost:1883']);
  assert.equal(config.mqtt.protocol_version, 5);
  assert.equal(config.mqtt.keepalive, 60_000);
  assert.equal(config.ingest.queue.max_bytes, 67_108_864);
  assert.equal(config.ingest.max_age, null);
  assert.equal(config.policies.chunk_interval, 86_400_000);
  assert.equal(config.policies.aggregates['1day'].start_offset, 30 * 86_400_000);
  assert.equal(config.policies.retention.raw, null, 'nothing is deleted by default');
  assert.deepEqual(config.policies.series, []);
  assert.deepEqual(config.components, ['ingest', 'scheduler', 'api']);
  assert.deepEqual(
    config.routes.map((route) => route.name),
    ['devices/{device_id}/{metric_name}', 'devices/{device_id}'],
  );
  assert.equal('url' in config.mqtt, false, 'urls says it all');
});

test('every key has a variable of its own', () => {
  assert.equal(new Set(KEYS.map((key) => key.env)).size, KEYS.length);
  assert.ok(KEYS.some((key) => key.env === 'TIDEGATE_INGEST_BATCH_MAX_POINTS'));
});

test('a variable goes before a credential, a credential before the file', (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'mqtt_password'), 'of the credential\n');
  const text = 'mqtt: {password: of the file, username: of the file, client_id: of the file}';
  const config = load(t, text, { CREDENTIALS_DIRECTORY: folder, TIDEGATE_MQTT_CLIENT_ID: 'of the variable' });
  const { password, username, client_id } = config.mqtt;
  assert.deepEqual([password, username, client_id], ['of the credential', 'of the file', 'of the variable']);
});

test('texts that look like numbers or words of YAML stay what was written', (t) => {
  const config = load(t, 'mqtt: {password: 012345, client_id: true}');
  assert.equal(config.mqtt.password, '012345');
  assert.equal(config.mqtt.client_id, 'true');
});

test('empty keys, empty sections and null are not set', (t) => {
  const config = load(t, 'mqtt:\n  url:\n  username: ~\n  tls:\nlog:\ningest: {max_age: null}\nroutes:\n');
  assert.deepEqual(config, loadConfig({ env: DATABASE }));
  assert.deepEqual(load(t, ''), config);
});

test('lists and objects come as YAML, JSON or, for words, with commas', (t) => {
  const config = load(t, '', {
    TIDEGATE_MQTT_URLS: 'mqtt://a, mqtt://b',
    TIDEGATE_COMPONENTS: '[api]',
    TIDEGATE_ROUTES: '[{"topic": "x/{device_id}", "qos": 0, "flatten": true, "null_words": [null, "-"]}]',
    TIDEGATE_HTTP_TOKENS: `[{name: me, sha256: ${'a'.repeat(64)}}]`,
  });
  assert.deepEqual(config.mqtt.urls, ['mqtt://a', 'mqtt://b']);
  assert.deepEqual(config.components, ['api']);
  assert.deepEqual(config.http.tokens, [{ name: 'me', sha256: 'a'.repeat(64), scope: 'read', devices: [] }]);
  const [route] = config.routes;
  assert.deepEqual([route?.qos, route?.flatten, route?.null_words], [0, true, ['null', '-']]);
});

test('protocol versions by number or name', (t) => {
  for (const [text, version] of [
    ['5', 5],
    ['5.0', 5],
    ['4', 4],
    ['3.1.1', 4],
  ] as const) {
    assert.equal(load(t, `mqtt: {protocol_version: ${text}}`).mqtt.protocol_version, version);
  }
});

test('booleans of a route keep the words that were not named', (t) => {
  const { routes } = load(t, 'routes: [{topic: "{device_id}", booleans: {true: [on, 1]}}]');
  assert.deepEqual(routes[0]?.booleans.true, ['on', '1']);
  assert.ok(routes[0]?.booleans.false.includes('off'));
});

test('every mistake is told at once, each with its place', (t) => {
  const text = `mqtt:
  keep_alive: 5
  keepalive: 1s
  password: {a: b}
ingest:
  batch: 5
  qos0: [newest]
  limits: {nesting: 1e3}
routes:
  - topic: a/{device_id}
    devic_id: x
    qos: 2
  - foo
mqqt: {url: x}
policies: {chunk_interval: 7h}
`;
  const env = { TIDEGATE_DATABASE_URL: '', TIDEGATE_HTTP_PORT: '99999', TIDEGATE_MQTT_ULR: 'x' };
  const expected = [
    /^tidegate\.yaml:2:3: mqtt\.keep_alive is not a known key; the nearest one is mqtt\.keepalive$/,
    /^tidegate\.yaml:4:3: mqtt\.password has keys below it, but takes a text$/,
    /^tidegate\.yaml:6:3: ingest\.batch needs keys below it: max_points, /,
    /^tidegate\.yaml:14:1: mqqt is not a known key; the nearest one is mqtt$/,
    /^tidegate\.yaml:3:3: mqtt\.keepalive is "1s"; allowed: .* at least 5s, at most 65535s$/,
    /^tidegate\.yaml: database\.url is missing \(or TIDEGATE_DATABASE_URL\); needed: postgres:/,
    /^tidegate\.yaml:7:3: ingest\.qos0 is \["newest"\]; allowed: one of drop_newest, drop_oldest$/,
    /^tidegate\.yaml:8:12: ingest\.limits\.nesting is "1e3"; allowed: a whole number, /,
    /^tidegate\.yaml:15:12: policies\.chunk_interval is "7h"; allowed: whole days or a divisor of a day/,
    /^TIDEGATE_HTTP_PORT: http\.port is "99999"; allowed: a whole number, at most 65535$/,
    /^tidegate\.yaml:11:5: routes\[0\]\.devic_id is not a known key; the nearest one is device_id$/,
    /^tidegate\.yaml:12:5: routes\[0\]\.qos is "2"; allowed: 0 or 1$/,
    /^tidegate\.yaml:13:5: routes\[1\] is "foo"; allowed: an object of name, topic, .*, preset, base$/,
    /^TIDEGATE_MQTT_ULR: is not a known variable; the nearest one is TIDEGATE_MQTT_URL$/,
  ];
  const lines = mistakes(t, text, env);
  assert.equal(lines.length, expected.length, lines.join('\n'));
  for (const [index, pattern] of expected.entries()) {
    assert.match(lines[index] ?? '', pattern);
  }
});

test('secrets are masked in mistakes', (t) => {
  const text = `mqtt: {url: "http://me:hunter2@host", password: [hunter2]}
database: {migrate_url: hunter2}
http: {tokens: [{name: me, sha256: hunter2}, hunter2]}
`;
  const lines = mistakes(t, text, { TIDEGATE_DATABASE_URL: 'mysql://me:hunter2@host/db' });
  assert.equal(lines.length, 6);
  assert.equal(lines.join('\n').includes('hunter2'), false, lines.join('\n'));
  assert.match(lines.join('\n'), /TIDEGATE_DATABASE_URL: database\.url is "mysql:\/\/me:\*\*\*@host\/db"/);
});

test('a file that is not YAML is told with line and column, without its text', (t) => {
  const lines = mistakes(t, 'mqtt:\n  password: @hunter2\n  url: a\n  url: b\n');
  assert.deepEqual(lines, [
    'tidegate.yaml:2:13: not valid YAML: Plain value cannot start with reserved character @',
    'tidegate.yaml:4:3: not valid YAML: Map keys must be unique',
  ]);
  assert.match(mistakes(t, '- a\n')[0] ?? '', /must hold keys such as mqtt/);
  assert.match(mistakes(t, 'mqtt: *x\n')[0] ?? '', /not valid YAML: .*alias/i);
});

test('a missing file is told by its name', (t) => {
  const file = join(temporaryFolder(t), 'none.yaml');
  assert.throws(
    () => loadConfig({ file, env: DATABASE }),
    (error) => {
      return (
        error instanceof TidegateError && error.code === 'config_unreadable' && error.message.includes(file)
      );
    },
  );
});

test('a key that would reach a prototype is an unknown key', (t) => {
  const lines = mistakes(
    t,
    '__proto__: {polluted: true}\nmqtt: {constructor: {prototype: {polluted: true}}}\n',
  );
  assert.equal(lines.length, 2);
  assert.equal(({} as { polluted?: true }).polluted, undefined);
});

test('it is read again where the file or a credential says something else, and only there', (t) => {
  const file = yamlFile(t, 'log: { level: warn }');
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'mqtt_password'), 'one');
  const reread = rereading({ file, env: { ...DATABASE, CREDENTIALS_DIRECTORY: folder } });
  const first = reread();
  assert.equal(reread(), first);
  writeFileSync(join(folder, 'mqtt_password'), 'two');
  assert.equal(reread().mqtt.password, 'two');
  writeFileSync(file, 'log: { level: loud }');
  assert.throws(reread, { code: 'config_invalid' });
  writeFileSync(file, 'log: { level: error }');
  assert.equal(reread().log.level, 'error');
  assert.equal(reread(), reread());
});
