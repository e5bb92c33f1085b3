import type { Config } from './config/load.ts';
import { statusPayload } from './devices/announcements.ts';
import { Announcer } from './devices/announcer.ts';
import { DeviceMonitor } from './devices/device-monitor.ts';
import { ListeningClock } from './devices/listening-clock.ts';
import { Topics } from './devices/topics.ts';
import type { DeviceNews, DeviceState, DeviceStore } from './devices/types.ts';
import { type StatusWords, Voice, type VoiceOptions } from './mqtt/voice.ts';
import type { Logger } from './pipeline/types.ts';
import { LogLimit } from './telemetry/log-limit.ts';
import type { Heard } from './workers/messages.ts';

export interface WatchingParts {
  readonly config: Config;
  readonly logger: Logger;
  readonly version: string;
  readonly observer: WatchObserver;
}

/** Told of what is watched: metrics hang on it. */
interface WatchObserver {
  silent(devices: number): void;
  announced: VoiceOptions['observer'];
}

const TICK = 1_000;
/** Records that one save writes: with any number of devices it stays so many rows every five seconds. */
const SAVED_AT_ONCE = 1_000;
const LOG_INTERVAL = 10_000;
/** Devices that a line of the log names. */
const NAMED = 10;

/** The devices of the component `ingest`, and what is said aloud of them and of the daemon itself. */
export class Watching {
  readonly #parts: WatchingParts;
  readonly #monitor: DeviceMonitor;
  readonly #announcer: Announcer;
  readonly #limit = new LogLimit(LOG_INTERVAL, () => performance.now());
  #store: DeviceStore | null = null;
  #timer: NodeJS.Timeout | null = null;
  /** Whether messages can come: another number for each connection, or null. */
  #listening: () => number | null = () => null;
  /** For the subscriber. */
  readonly voice: Voice;
  readonly topics: Topics;

  constructor(parts: WatchingParts) {
    const { config, version, observer, logger } = parts;
    const { devices, mqtt } = config;
    this.#parts = parts;
    this.topics = topicsOf(config, mqtt.client_id);
    const who = { clientId: mqtt.client_id, version };
    this.#monitor = new DeviceMonitor(
      {
        limit: devices.max,
        silentFactor: devices.silent_factor,
        silentAfterMin: devices.silent_after_min,
      },
      new ListeningClock(
        () => performance.now(),
        wallClock,
        () => this.#listening(),
      ),
    );
    let told = false;
    this.voice = new Voice({
      status: this.topics.status === null ? null : statusWords(this.topics.status, who),
      logger,
      observer: observer.announced,
      onLine: (sessionPresent) => {
        // A broker that has lost our session may have lost what it retained.
        if (!told || !sessionPresent) this.#announcer.tellAll();
        told = true;
      },
    });
    this.#announcer = new Announcer(this.topics, who, this.voice, this.#monitor, wallClock);
  }

  /** For the pipeline; undefined where no devices are watched. */
  get devices(): DeviceMonitor | undefined {
    return this.#parts.config.devices.max === 0 ? undefined : this.#monitor;
  }

  /** What workers heard. */
  hear(heard: readonly Heard[]): void {
    if (this.devices === undefined) return;
    const message = { retain: false, backlog: false, duplicate: false };
    for (const [deviceId, receivedAt, timestamp] of heard)
      this.#monitor.heard(deviceId, { ...message, receivedAt }, timestamp);
  }

  state(): { readonly counts: Readonly<Record<DeviceState, number>>; readonly unwatched: number } {
    return { counts: this.#monitor.counts(), unwatched: this.#monitor.unwatched };
  }

  /** Before the first message. Rejects where the store cannot be read. */
  async start(store: DeviceStore, listening: () => number | null): Promise<void> {
    this.#listening = listening;
    this.#store = store;
    if (this.devices !== undefined) {
      this.#monitor.correct(await store.corrections());
      this.#monitor.restore(await store.load(this.#parts.config.devices.max));
    }
    this.#timer = setInterval(() => this.#tick(), TICK);
  }

  /** Writes what changed, and follows corrections; every few seconds. Rejects where the database is away. */
  async save(): Promise<void> {
    if (this.#store === null || this.devices === undefined) return;
    const corrections = await this.#store.corrections();
    this.#announcer.forget(this.#monitor.correct(corrections));
    const records = this.#monitor.takeChanged(SAVED_AT_ONCE);
    try {
      const written = await this.#store.save(records);
      this.#monitor.putBackRecent(records.filter(({ deviceId }) => !written.has(deviceId)));
    } catch (error) {
      this.#monitor.putBack(records);
      throw error;
    }
  }

  /** No more news. What changed can still be saved. */
  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
  }

  #tick(): void {
    const news = this.#monitor.tick();
    this.#announcer.tell(news);
    if (news.silent.length > 0) this.#parts.observer.silent(news.silent.length);
    this.#log(news);
  }

  #log({ silent, back }: DeviceNews): void {
    const { logger } = this.#parts;
    const line = (what: string, events: DeviceNews['silent']) => {
      const count = events.length === 0 ? 0 : this.#limit.pass(what, events.length);
      if (count === 0) return null;
      const devices = events.slice(0, NAMED).map(({ deviceId }) => deviceId);
      const others = count > devices.length ? ` and ${count - devices.length} more` : '';
      return { fields: { devices, count }, text: `${what}: ${devices.join(', ')}${others}` };
    };
    const fell = line('Devices fell silent', silent);
    if (fell !== null) logger.warn(fell.fields, fell.text);
    const came = line('Devices are heard again', back);
    if (came !== null) logger.info(came.fields, came.text);
  }
}

/** What the daemon `clientId` says, and where. */
export function topicsOf({ mqtt }: Config, clientId: string): Topics {
  const { status, events, home_assistant: homeAssistant } = mqtt;
  return new Topics(
    {
      status: status.enabled ? status.topic : null,
      events: events.enabled ? events.topic : null,
      homeAssistant:
        homeAssistant.prefix === null
          ? null
          : { prefix: homeAssistant.prefix, deviceTopic: homeAssistant.device_topic },
    },
    clientId,
  );
}

function statusWords(
  topic: string,
  who: { readonly clientId: string; readonly version: string },
): StatusWords {
  const said = (...words: [Parameters<typeof statusPayload>[1], string | null, number | null]) => ({
    subject: 'status' as const,
    topic,
    payload: statusPayload(who, ...words),
    retain: true,
  });
  return {
    lost: said('offline', 'lost', null),
    online: () => said('online', null, wallClock()),
    // It comes back by itself as soon as there is room.
    left: (reason) => said(reason === 'full' ? 'away' : 'offline', reason, wallClock()),
  };
}

function wallClock(): number {
  return Date.now() * 1_000;
}
