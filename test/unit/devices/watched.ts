import { DeviceMonitor, type DeviceMonitorOptions } from '../../../src/devices/device-monitor.ts';
import { ListeningClock } from '../../../src/devices/listening-clock.ts';
import type { DeviceNews } from '../../../src/devices/types.ts';
import type { Delivery } from '../../../src/pipeline/types.ts';
import { message, NEW_YEAR } from '../pipeline/messages.ts';

/** A monitor in a world whose time passes when the test says so. */
export class Watched {
  readonly monitor: DeviceMonitor;
  /** Milliseconds, monotonic. */
  #now = 0;
  /** Microseconds by which the clock of the wall is off. */
  #jump = 0;
  /** The connection that messages come by, or null. */
  line: number | null = 0;
  readonly silent: string[] = [];
  readonly back: string[] = [];
  readonly learned: string[] = [];

  constructor(options: Partial<DeviceMonitorOptions> = {}) {
    const clock = new ListeningClock(
      () => this.#now,
      () => this.wall,
      () => this.line,
    );
    this.monitor = new DeviceMonitor(
      { limit: 100, silentFactor: 3, silentAfterMin: 60_000, ...options },
      clock,
    );
    this.#note(this.monitor.tick());
  }

  /** Microseconds since 1970. */
  get wall(): number {
    return NEW_YEAR + this.#now * 1_000 + this.#jump;
  }

  /** Seconds, with a tick each. */
  pass(seconds: number): void {
    for (let left = seconds; left > 0; left -= 1) {
      this.#now += Math.min(1, left) * 1_000;
      this.#note(this.monitor.tick());
    }
  }

  /** The clock of the wall is set. */
  jump(seconds: number): void {
    this.#jump += seconds * 1e6;
  }

  hear(device: string, more: Partial<Omit<Delivery, 'ack'>> = {}, timestamp = Number.NaN): void {
    this.monitor.heard(
      device,
      message(() => {}, { receivedAt: this.wall, ...more }),
      timestamp,
    );
  }

  /** So many messages, one each so many seconds, the first at once. */
  publish(device: string, times: number, seconds: number): void {
    for (let time = 0; time < times; time++) {
      if (time > 0) this.pass(seconds);
      this.hear(device);
    }
  }

  stateOf(device: string): string | null {
    return this.monitor.find(device)?.state ?? null;
  }

  #note({ silent, back, learned }: DeviceNews): void {
    this.silent.push(...silent.map(({ deviceId }) => deviceId));
    this.back.push(...back.map(({ deviceId }) => deviceId));
    this.learned.push(...learned);
  }
}
