import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfig } from '../../src/config/load.ts';
import { reloadOf } from '../../src/reload.ts';
import { yamlFile } from './config/yaml-file.ts';

const DATABASE = 'database: {url: "postgres://gate:one@db/iot"}\n';

test('what changes while it runs, and what does not, key by key', (t) => {
  const config = (yaml: string) => loadConfig({ file: yamlFile(t, yaml), env: {} });
  const running = config(`${DATABASE}routes: [{topic: "a/{device_id}"}]\nlog: {level: info}`);
  const read = config(`
database: {url: "postgres://gate:two@db/iot", writers: 4}
routes: [{topic: "b/{device_id}"}]
log: {level: debug}
policies: {retention: {raw: 30d}, chunk_interval: 1h}
mqtt: {client_id: other, password: secret}
ingest: {max_future: 2d}
`);
  const { config: next, changed, restart } = reloadOf(running, read);
  assert.deepEqual([...changed].sort(), [
    'database.url',
    'log.level',
    'mqtt.password',
    'policies.retention.raw',
    'routes',
  ]);
  assert.deepEqual([...restart].sort(), [
    'database.writers',
    'ingest.max_future',
    'mqtt.client_id',
    'policies.chunk_interval',
  ]);
  assert.deepEqual(next.routes, read.routes);
  assert.equal(next.policies.chunk_interval, running.policies.chunk_interval);
  assert.equal(next.mqtt.client_id, 'tidegate');
  assert.equal(running.log.level, 'info', 'the running one is left alone');
  assert.deepEqual(reloadOf(running, running), { config: running, changed: [], restart: [] });
});

test('another database, HTTPS where there was none and the first Sparkplug route need a restart', (t) => {
  const config = (yaml: string) => loadConfig({ file: yamlFile(t, yaml), env: {} });
  const running = config(DATABASE);
  const file = yamlFile(t, 'any');
  const read = config(`
database: {url: "postgres://gate:one@other/iot"}
http: {tls: {cert: ${file}, key: ${file}}}
routes: [{topic: "spBv1.0/#", format: sparkplug_b}]
`);
  const { changed, restart } = reloadOf(running, read);
  assert.deepEqual(changed, []);
  assert.deepEqual([...restart].sort(), ['database.url', 'http.tls.cert', 'http.tls.key', 'routes']);
});

test('the last token does not go while anybody may ask from elsewhere', (t) => {
  const config = (yaml: string) => loadConfig({ file: yamlFile(t, DATABASE + yaml), env: {} });
  const token = `{name: a, sha256: ${'0'.repeat(64)}}`;
  const open = config(`http: {host: 0.0.0.0, tokens: [${token}]}`);
  assert.deepEqual(reloadOf(open, config('')).restart, ['http.host', 'http.tokens']);
  const local = config(`http: {tokens: [${token}]}`);
  assert.deepEqual(reloadOf(local, config('')).changed, ['http.tokens']);
});
