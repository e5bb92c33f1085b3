import type { SubscriberState } from './subscriber-options.ts';

/** A connection that held so long (milliseconds) was sound: the next attempt after it waits the minimum again. */
const SOUND = 10_000;

export const LOST_SESSION =
  'the broker lost our session, and what waited in it is gone. See that it keeps sessions over a restart (mosquitto: persistence true), and for as long as mqtt.session_expiry says';

/** Whether we are with the broker, and since when: by the wall clock to be shown, by a monotonic one to be reckoned with. */
export class Presence {
  readonly #now: () => number;
  #connected = false;
  #subscribed = false;
  #connections = 0;
  #sessionsLost = 0;
  #since: number;
  #turnedAt = performance.now();

  /** `now` in microseconds since 1970. */
  constructor(now: () => number) {
    this.#now = now;
    this.#since = now();
  }

  get shown(): Pick<SubscriberState, 'connected' | 'subscribed' | 'since' | 'reconnects' | 'sessionsLost'> {
    return {
      connected: this.#connected,
      subscribed: this.#subscribed,
      since: this.#since,
      reconnects: Math.max(0, this.#connections - 1),
      sessionsLost: this.#sessionsLost,
    };
  }

  /** When it was connected or lost, in monotonic milliseconds. */
  get turnedAt(): number {
    return this.#turnedAt;
  }

  get sound(): boolean {
    return this.#connected && performance.now() - this.#turnedAt >= SOUND;
  }

  accepted(): void {
    this.#connected = true;
    this.#connections++;
    this.#turn();
  }

  subscribed(): void {
    this.#subscribed = true;
  }

  lostSession(): void {
    this.#sessionsLost++;
  }

  ended(): void {
    this.#connected = false;
    this.#subscribed = false;
    this.#turn();
  }

  #turn(): void {
    this.#since = this.#now();
    this.#turnedAt = performance.now();
  }
}
