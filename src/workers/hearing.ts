import type { Topics } from '../devices/topics.ts';
import type { DeviceObserver } from '../pipeline/types.ts';
import type { Heard } from './messages.ts';

/**
 * The ears of a worker: a device's messages come to all workers in turn, so that the daemon alone, which hears of each, can
 * tell its cadence. Within a second a device counts once, there as here.
 */
export class Hearing {
  readonly topics: Pick<Topics, 'isOwn'>;
  /** It is the daemon that speaks. */
  readonly voice = null;
  readonly devices: DeviceObserver | undefined;
  #heard = new Map<string, Heard>();

  /** `topics`: the daemon's. */
  constructor(topics: Pick<Topics, 'isOwn'>, watches: boolean) {
    this.topics = topics;
    if (!watches) return;
    this.devices = {
      heard: (deviceId, { retain, backlog, duplicate, receivedAt }, timestamp) => {
        // What waited somewhere says nothing of its device.
        if (!retain && !backlog && !duplicate) this.#heard.set(deviceId, [deviceId, receivedAt, timestamp]);
      },
    };
  }

  /** Those that were heard since it was last asked. */
  take(): readonly Heard[] {
    const heard = [...this.#heard.values()];
    this.#heard = new Map();
    return heard;
  }

  async start(): Promise<void> {}
  async save(): Promise<void> {}
  stop(): void {}
}
