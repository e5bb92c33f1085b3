import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { nearest } from '../../../src/config/nearest.ts';

test('the candidate with the fewest changes is the nearest', () => {
  const names = ['mqtt.url', 'mqtt.urls', 'mqtt.keepalive', 'ingest.batch.max_points'];
  assert.equal(nearest('mqtt.keep_alive', names), 'mqtt.keepalive');
  assert.equal(nearest('mqtt_url', names), 'mqtt.url');
  assert.equal(nearest('batch.max_points', names), 'ingest.batch.max_points');
});

test('a word is nearest to itself', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.string(), { minLength: 1 }), fc.nat(), (words, pick) => {
      const word = words[pick % words.length] ?? '';
      assert.equal(nearest(word, words), word);
    }),
  );
});
