import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfig } from '../../../src/config/load.ts';
import { reloadOf } from '../../../src/reload.ts';
import { workerConfig, workerId, workerNumber } from '../../../src/workers/identity.ts';
import { yamlFile } from '../config/yaml-file.ts';

test('a worker is known by its client id, and another client is none', () => {
  assert.equal(workerNumber('gate', workerId('gate', 12)), 12);
  for (const id of ['gate', 'gate-2', 'gate-worker-', 'gate-worker-02', 'gate-worker-2b', 'other-worker-2'])
    assert.equal(workerNumber('gate', id), null, id);
});

test('it receives and stores, with a session and a spool of its own, and nothing else', (t) => {
  const file = yamlFile(
    t,
    `
database: {url: "postgres://gate@db/iot"}
mqtt: {client_id: gate, share_group: g, victron: {portals: [c0619ab9c5f4]}}
ingest: {workers: 3, max_future: 2d}
routes: [{topic: "a/{device_id}", metric_name: m}]
spool: {path: /var/spool/gate}
`,
  );
  const config = loadConfig({ file, env: {} });
  const own = workerConfig(config, 3);
  assert.deepEqual(own.components, ['ingest']);
  assert.equal(own.mqtt.client_id, 'gate-worker-3');
  assert.equal(own.mqtt.share_group, 'g');
  assert.equal(own.mqtt.victron.portals, null);
  assert.equal(own.ingest.workers, 1);
  assert.equal(own.ingest.max_future, config.ingest.max_future);
  assert.equal(own.spool.path, '/var/spool/gate/worker-3');
  // It came through the channel, and is held against what it reads itself.
  const { changed, restart } = reloadOf(structuredClone(own), workerConfig(loadConfig({ file, env: {} }), 3));
  assert.deepEqual([changed, restart], [[], []]);
});
