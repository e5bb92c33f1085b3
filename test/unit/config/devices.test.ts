import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfig } from '../../../src/config/load.ts';
import { TidegateError } from '../../../src/errors.ts';

function load(env: Record<string, string>) {
  return loadConfig({ env: { TIDEGATE_DATABASE_URL: 'postgres://tidegate@localhost/tidegate', ...env } });
}

function mistake(env: Record<string, string>): string {
  try {
    load(env);
  } catch (error) {
    assert.ok(error instanceof TidegateError && error.code === 'config_invalid', String(error));
    return error.message;
  }
  return '';
}

test('by default status and events are said, Home Assistant is not told', () => {
  const { mqtt, devices } = load({});
  assert.deepEqual(mqtt.status, { enabled: true, topic: 'tidegate/{client_id}/status' });
  assert.deepEqual(mqtt.events, { enabled: true, topic: 'tidegate/{client_id}/events/{event}' });
  assert.equal(mqtt.home_assistant.prefix, null);
  assert.deepEqual(devices, { max: 100_000, silent_factor: 3, silent_after_min: 60_000 });
});

test('a topic that nobody can publish to is refused with what may stand in it', () => {
  for (const topic of ['a/+/b', 'a/#', '$SYS/x', 'a/{device}', 'a/{client_id', '{}'])
    assert.match(
      mistake({ TIDEGATE_MQTT_STATUS_TOPIC: topic }),
      /mqtt\.status\.topic .*a topic without wildcards; \{client_id\} may stand in it/,
      topic,
    );
  assert.equal(mistake({ TIDEGATE_MQTT_STATUS_TOPIC: 'plant/{client_id}/x{client_id}' }), '');
  assert.match(
    mistake({ TIDEGATE_MQTT_HOME_ASSISTANT_PREFIX: '{client_id}' }),
    /a topic without wildcards\.?$/,
  );
});

test('devices must not share one topic', () => {
  const env = { TIDEGATE_MQTT_HOME_ASSISTANT_DEVICE_TOPIC: 'tidegate/devices' };
  assert.equal(mistake(env), '');
  assert.match(
    mistake({ ...env, TIDEGATE_MQTT_HOME_ASSISTANT_PREFIX: 'homeassistant' }),
    /without \{device\} all devices would have one topic/,
  );
});
