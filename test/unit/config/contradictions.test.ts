import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfig } from '../../../src/config/load.ts';
import { yamlFile } from './yaml-file.ts';

const env = { TIDEGATE_DATABASE_URL: 'postgres://tidegate@localhost/tidegate' };

const REFUSED: readonly (readonly [yaml: string, first: string, second: string])[] = [
  ['mqtt: {url: "mqtt://a", urls: ["mqtt://b"]}', 'mqtt.urls', 'mqtt.url'],
  ['mqtt: {share_group: g}', 'mqtt.share_group', 'mqtt.client_id'],
  ['ingest: {workers: 2}', 'ingest.workers', 'mqtt.share_group'],
  [`mqtt: {url: "mqtts://a", tls: {key: ${import.meta.filename}}}`, 'mqtt.tls.key', 'mqtt.tls.cert'],
  [`mqtt: {url: "mqtts://a", tls: {cert: ${import.meta.filename}}}`, 'mqtt.tls.cert', 'mqtt.tls.key'],
  [`mqtt: {tls: {ca: ${import.meta.filename}}}`, 'mqtt.tls.ca', 'mqtt.url'],
  [
    'mqtt: {urls: ["ws://a"], tls: {reject_unauthorized: false}}',
    'mqtt.tls.reject_unauthorized',
    'mqtt.urls',
  ],
  ['ingest: {batch: {max_points: 100001}}', 'ingest.batch.max_points', 'ingest.queue.max_points'],
  ['ingest: {batch: {max_bytes: 65MiB}}', 'ingest.batch.max_bytes', 'ingest.queue.max_bytes'],
  ['ingest: {limits: {message_bytes: 65MiB}}', 'ingest.limits.message_bytes', 'ingest.queue.max_bytes'],
  ['ingest: {batch: {min_wait: 5s, max_wait: 1s}}', 'ingest.batch.min_wait', 'ingest.batch.max_wait'],
  ['http: {host: 0.0.0.0}', 'http.host', 'http.tokens'],
  ['http: {host: "::"}', 'http.host', 'http.tokens'],
  ['http: {host: 127.0.0.1.example}', 'http.host', 'http.tokens'],
  [
    `http: {tokens: [{name: a, sha256: ${'0'.repeat(64)}}, {name: a, sha256: ${'1'.repeat(64)}}]}`,
    'http.tokens\\[0\\].name',
    'http.tokens\\[1\\].name',
  ],
  [`http: {tls: {key: ${import.meta.filename}}}`, 'http.tls.key', 'http.tls.cert'],
  [`http: {tls: {cert: ${import.meta.filename}}}`, 'http.tls.cert', 'http.tls.key'],
  ['http: {live_clients: 1000}', 'http.live_clients', 'http.max_connections'],
  ['routes: []', 'routes', 'components'],
  [
    'policies: {aggregates: {1min: {end_offset: 59min}}}',
    'policies.aggregates.1min.start_offset',
    'policies.aggregates.1min.end_offset',
  ],
  [
    'policies: {aggregates: {1min: {start_offset: 1d}}, retention: {raw: 1d}}',
    'policies.aggregates.1min.start_offset',
    'policies.retention.raw',
  ],
  [
    'policies: {retention: {1hour: 30d}}',
    'policies.aggregates.1day.start_offset',
    'policies.retention.1hour',
  ],
  [
    'policies: {aggregates: {1hour: {enabled: false}}, retention: {15min: 30d}}',
    'policies.aggregates.1day.start_offset',
    'policies.retention.15min',
  ],
  [
    'policies: {aggregates: {1min: {start_offset: 3d}}, series: [{}, {retention: 3d}]}',
    'policies.aggregates.1min.start_offset',
    'policies.series\\[1\\].retention',
  ],
  [
    'policies: {retention: {raw: 30d}, series: [{retention: 20d}, {retention: 40d}]}',
    'policies.series\\[1\\].retention',
    'policies.retention.raw',
  ],
  ['policies: {series: [{route: nowhere}]}', 'policies.series\\[0\\].route', 'routes'],
];

for (const [yaml, first, second] of REFUSED) {
  test(`refused: ${yaml.replace(import.meta.filename, 'FILE')}`, (t) => {
    const file = yamlFile(t, yaml);
    assert.throws(
      () => loadConfig({ file, env }),
      (error: Error) => {
        assert.match(
          error.message.slice(file.length),
          new RegExp(`^:1:\\d+: ${first} and ${second} [^\\n]+$`),
        );
        return true;
      },
    );
  });
}

const TAKEN: readonly string[] = [
  'mqtt: {share_group: g, client_id: tidegate}',
  'mqtt: {share_group: g, client_id: tidegate}\ningest: {workers: 4}',
  `mqtt: {url: "wss://a", tls: {key: ${import.meta.filename}, cert: ${import.meta.filename}}}`,
  'mqtt: {urls: ["mqtt://a", "MQTTS://b"], tls: {servername: c}}',
  'ingest: {batch: {min_wait: 5s, max_wait: 5s}}',
  'ingest: {batch: {min_wait: 5s}}',
  'ingest: {queue: {max_points: 10, max_bytes: 1MiB}}',
  'http: {host: 0.0.0.0, allow_anonymous: true}',
  `http: {host: 0.0.0.0, tokens: [{name: a, sha256: ${'0'.repeat(64)}}]}`,
  'http: {host: 127.0.1.1}',
  'http: {host: localhost}',
  'http: {host: "::1"}',
  'http: {host: 0.0.0.0}\ncomponents: [ingest]',
  'routes: []\ncomponents: [api]',
  'policies: {aggregates: {1min: {end_offset: 58min}}, retention: {raw: 1d}}',
  'policies: {retention: {1hour: 31d}}',
  'policies: {aggregates: {1day: {enabled: false}}, retention: {1hour: 2d}}',
  'policies: {aggregates: {1min: {start_offset: 3d}}, series: [{retention: 3d, aggregates: false}]}',
  'policies: {retention: {raw: 30d}, series: [{retention: 30d}]}',
  'policies: {series: [{route: "devices/{device_id}"}]}',
  'policies: {series: [{route: elsewhere}]}\ncomponents: [scheduler]',
];

for (const yaml of TAKEN) {
  test(`taken: ${yaml.replaceAll(import.meta.filename, 'FILE')}`, (t) => {
    loadConfig({ file: yamlFile(t, yaml), env });
  });
}

test('a contradiction with a key that is wrong by itself is not told', (t) => {
  const file = yamlFile(t, 'ingest: {batch: {max_points: 20}, queue: {max_points: few}}');
  assert.throws(
    () => loadConfig({ file, env }),
    (error: Error) => {
      assert.match(error.message, /^[^\n]*max_points is "few"[^\n]*$/);
      return true;
    },
  );
});
