/** Settings that are fine alone and wrong together. */

import type { Mistake, Path } from './mistakes.ts';
import type { Settings } from './schema.ts';

/**
 * `isSet`: whether a key was given, in the file or the environment, by its name. Of two limits that bound each other a
 * default yields to what was given (src/app-options.ts).
 */
export function contradictions(settings: Settings, isSet: (name: string) => boolean): Mistake[] {
  const { mqtt, ingest, http } = settings;
  const { batch, queue, limits } = ingest;
  const urls = mqtt.urls ?? [mqtt.url];
  const tls = Object.entries(mqtt.tls).find(([, value]) => value !== null && value !== true);
  const checks: [wrong: boolean, first: string, second: string, why: string][] = [
    [
      isSet('mqtt.url') && mqtt.urls !== null,
      'mqtt.urls',
      'mqtt.url',
      'are two ways to say one thing: set one',
    ],
    [
      mqtt.share_group !== null && !isSet('mqtt.client_id'),
      'mqtt.share_group',
      'mqtt.client_id',
      'go together: every daemon of a group needs a client_id of its own',
    ],
    [
      ingest.workers > 1 && mqtt.share_group === null,
      'ingest.workers',
      'mqtt.share_group',
      `go together: ${ingest.workers} workers divide the messages as members of a group; set mqtt.share_group, or one worker`,
    ],
    [
      mqtt.home_assistant.prefix !== null && !mqtt.home_assistant.device_topic.includes('{device}'),
      'mqtt.home_assistant.prefix',
      'mqtt.home_assistant.device_topic',
      'contradict each other: without {device} all devices would have one topic',
    ],
    [
      mqtt.tls.key !== null && mqtt.tls.cert === null,
      'mqtt.tls.key',
      'mqtt.tls.cert',
      'go together: the key has no certificate',
    ],
    [
      mqtt.tls.cert !== null && mqtt.tls.key === null,
      'mqtt.tls.cert',
      'mqtt.tls.key',
      'go together: the certificate has no key',
    ],
    [
      tls !== undefined && !urls.some((url) => /^(mqtts|wss):/i.test(url)),
      `mqtt.tls.${tls?.[0]}`,
      mqtt.urls === null ? 'mqtt.url' : 'mqtt.urls',
      'contradict each other: only mqtts:// and wss:// use TLS',
    ],
    [
      batch.max_points > queue.max_points && isSet('ingest.batch.max_points'),
      'ingest.batch.max_points',
      'ingest.queue.max_points',
      `contradict each other: a batch (${batch.max_points}) must fit into the queue (${queue.max_points})`,
    ],
    [
      batch.max_bytes > queue.max_bytes && isSet('ingest.batch.max_bytes'),
      'ingest.batch.max_bytes',
      'ingest.queue.max_bytes',
      `contradict each other: a batch (${batch.max_bytes}) must fit into the queue (${queue.max_bytes})`,
    ],
    [
      limits.message_bytes > queue.max_bytes && isSet('ingest.limits.message_bytes'),
      'ingest.limits.message_bytes',
      'ingest.queue.max_bytes',
      `contradict each other: a message (${limits.message_bytes}) must fit into the queue (${queue.max_bytes})`,
    ],
    [
      batch.min_wait > batch.max_wait && isSet('ingest.batch.max_wait'),
      'ingest.batch.min_wait',
      'ingest.batch.max_wait',
      `contradict each other: max_wait (${batch.max_wait} ms) must not be shorter than min_wait (${batch.min_wait} ms)`,
    ],
    [
      settings.components.includes('api') &&
        !isLoopback(http.host) &&
        http.tokens.length === 0 &&
        !http.allow_anonymous,
      'http.host',
      'http.tokens',
      `contradict each other: beyond loopback (${http.host}) set tokens, or allow everyone in with http.allow_anonymous: true`,
    ],
    [
      http.live_clients >= http.max_connections,
      'http.live_clients',
      'http.max_connections',
      `contradict each other: whoever listens (${http.live_clients}) must leave connections (${http.max_connections}) for questions`,
    ],
    [
      http.tls.key !== null && http.tls.cert === null,
      'http.tls.key',
      'http.tls.cert',
      'go together: the key has no certificate',
    ],
    [
      http.tls.cert !== null && http.tls.key === null,
      'http.tls.cert',
      'http.tls.key',
      'go together: the certificate has no key',
    ],
    [
      settings.components.includes('ingest') && settings.routes.length === 0,
      'routes',
      'components',
      'contradict each other: without a route there is nothing to ingest',
    ],
  ];
  return checks
    .filter(([wrong]) => wrong)
    .map(([, first, second, text]) => ({ paths: [pathOf(first), pathOf(second)], text }));
}

function pathOf(name: string): Path {
  return name.split('.');
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}
