import {
  backPayload,
  deviceStatePayload,
  discoveryPayload,
  silentPayload,
  type Who,
} from './announcements.ts';
import type { EventName, Topics } from './topics.ts';
import type { DeviceEvent, DeviceNews, DeviceRecord } from './types.ts';

/** What publishes; it may say later, or never. */
export interface Speaker {
  /** Messages that wait for their turn. */
  readonly waiting: number;
  say(announcement: {
    readonly subject: 'event' | 'discovery';
    readonly topic: string;
    readonly payload: string;
    readonly retain: boolean;
  }): void;
}

/** Where devices are looked up. */
interface Devices {
  find(deviceId: string): DeviceRecord | null;
  known(): Iterable<string>;
}

/** Devices are told to Home Assistant while fewer messages wait than this: with any number of them memory stays bounded. */
const AHEAD = 400;

/** Says aloud what becomes known of devices: as events, and as states for Home Assistant. */
export class Announcer {
  readonly #topics: Topics;
  readonly #who: Who;
  readonly #speaker: Speaker;
  readonly #devices: Devices;
  readonly #now: () => number;
  /** Devices to tell Home Assistant of. */
  readonly #pending = new Set<string>();

  /** `now`: microseconds since 1970. */
  constructor(topics: Topics, who: Who, speaker: Speaker, devices: Devices, now: () => number) {
    this.#topics = topics;
    this.#who = who;
    this.#speaker = speaker;
    this.#devices = devices;
    this.#now = now;
  }

  /** To be called every second with what is new. */
  tell({ silent, back, learned }: DeviceNews): void {
    for (const event of silent) this.#tellEvent('device_silent', event, silentPayload(event, this.#now()));
    for (const event of back) this.#tellEvent('device_back', event, backPayload(event, this.#now()));
    if (this.#topics.discovery(null) === null) return;
    for (const deviceId of learned) this.#pending.add(deviceId);
    for (const deviceId of this.#pending) {
      if (this.#speaker.waiting >= AHEAD) return;
      this.#pending.delete(deviceId);
      this.#tellDevice(deviceId);
    }
  }

  /** Tells everything anew: at the start, and where the broker may have lost what it retained. */
  tellAll(): void {
    if (this.#topics.discovery(null) === null) return;
    if (this.#topics.status !== null)
      this.#retain(this.#topics.discovery(null), discoveryPayload(this.#topics, this.#who, null));
    for (const deviceId of this.#devices.known()) this.#pending.add(deviceId);
  }

  /** They are no devices any more, or not under this name. */
  forget(deviceIds: readonly string[]): void {
    for (const deviceId of deviceIds) {
      this.#pending.delete(deviceId);
      // An empty retained message is none.
      this.#retain(this.#topics.discovery(deviceId), '');
      this.#retain(this.#topics.device(deviceId), '');
    }
  }

  #tellEvent(name: EventName, { deviceId }: DeviceEvent, payload: string): void {
    const topic = this.#topics.event(name);
    if (topic !== null) this.#speaker.say({ subject: 'event', topic, payload, retain: false });
    if (this.#topics.discovery(null) !== null) this.#pending.add(deviceId);
  }

  #tellDevice(deviceId: string): void {
    const device = this.#devices.find(deviceId);
    if (device === null || device.state === 'learning') return;
    const { state, lastArrival, expectedInterval } = device;
    this.#retain(this.#topics.discovery(deviceId), discoveryPayload(this.#topics, this.#who, deviceId));
    this.#retain(
      this.#topics.device(deviceId),
      deviceStatePayload(deviceId, state === 'silent', lastArrival, expectedInterval),
    );
  }

  #retain(topic: string | null, payload: string): void {
    if (topic !== null) this.#speaker.say({ subject: 'discovery', topic, payload, retain: true });
  }
}
