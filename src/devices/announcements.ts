/** What is published of a daemon and of its devices, as JSON. Times in ISO 8601, durations in seconds. */

import type { Topics } from './topics.ts';
import type { DeviceEvent } from './types.ts';

export interface Who {
  readonly clientId: string;
  readonly version: string;
}

export type OwnState = 'online' | 'away' | 'offline';

/** `since`: microseconds since 1970, or null where the broker says it at a time that nobody knows yet. */
export function statusPayload(
  who: Who,
  state: OwnState,
  reason: string | null,
  since: number | null,
): string {
  return JSON.stringify({
    state,
    ...(reason === null ? {} : { reason }),
    client_id: who.clientId,
    version: who.version,
    ...(since === null ? {} : { since: iso(since) }),
  });
}

/** `now`: microseconds since 1970. */
export function silentPayload(event: DeviceEvent, now: number): string {
  return JSON.stringify({ event: 'device_silent', ...described(event), at: iso(now) });
}

export function backPayload(event: DeviceEvent, now: number): string {
  const silentFor = Math.max(0, Math.round((now - event.lastArrival) / 1_000) / 1_000);
  return JSON.stringify({ event: 'device_back', ...described(event), silent_for: silentFor, at: iso(now) });
}

/** The state of a device for Home Assistant: when it was last heard only where it is silent. */
export function deviceStatePayload(
  deviceId: string,
  silent: boolean,
  lastArrival: number,
  expectedInterval: number | null,
): string {
  return JSON.stringify({
    state: silent ? 'silent' : 'ok',
    device_id: deviceId,
    expected_interval: expectedInterval === null ? null : rounded(expectedInterval),
    ...(silent ? { last_seen: iso(lastArrival) } : {}),
  });
}

/**
 * One configuration for a device and all of its entities (Home Assistant, "MQTT", device discovery payload; 2024.11).
 * With null this daemon itself. An entity is unavailable while the daemon that knows is not online.
 */
export function discoveryPayload(topics: Topics, who: Who, deviceId: string | null): string {
  const own = topics.objectId(null);
  const id = topics.objectId(deviceId);
  const state = deviceId === null ? topics.status : topics.device(deviceId);
  const isOn = deviceId === null ? "value_json.state == 'online'" : "value_json.state != 'silent'";
  return JSON.stringify({
    device: {
      identifiers: [id],
      name: deviceId === null ? `Tidegate ${who.clientId}` : deviceId,
      ...(deviceId === null ? { manufacturer: 'Tidegate', sw_version: who.version } : { via_device: own }),
    },
    origin: { name: 'Tidegate', sw_version: who.version },
    components: {
      [`${id}_connection`]: {
        platform: 'binary_sensor',
        unique_id: `${id}_connection`,
        name: deviceId === null ? 'Connection' : 'Publishes',
        device_class: 'connectivity',
        entity_category: 'diagnostic',
        state_topic: state,
        value_template: `{{ 'ON' if ${isOn} else 'OFF' }}`,
        json_attributes_topic: state,
        ...(deviceId === null || topics.status === null
          ? {}
          : {
              availability_topic: topics.status,
              availability_template: "{{ 'online' if value_json.state == 'online' else 'offline' }}",
            }),
      },
    },
    qos: 1,
  });
}

function described({ deviceId, lastArrival, expectedInterval }: DeviceEvent): object {
  return { device_id: deviceId, last_seen: iso(lastArrival), expected_interval: rounded(expectedInterval) };
}

function rounded(seconds: number): number {
  return Math.round(seconds * 1_000) / 1_000;
}

function iso(microseconds: number): string {
  return new Date(microseconds / 1_000).toISOString();
}
