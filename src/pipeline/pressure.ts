import type { Logger, Source } from './types.ts';

export interface PressureOptions {
  readonly maxPoints: number;
  readonly maxBytes: number;
  /** Milliseconds for which reading may stand still: a quarter of the keepalive. */
  readonly maxPause: number;
}

/** Below this share of both bounds, what was stopped goes on. */
const RELIEVED = 0.75;
/** Below this share of the bytes, a daemon that left the broker comes back. */
const RETURN = 0.5;

type State = 'open' | 'paused' | 'dropping' | 'away' | 'stopped';

/**
 * Keeps what is in hand within its bounds (guarantee G5). A full queue makes reading pause. Where that lasts too long, of
 * points: reading goes on, QoS 0 is dropped, and QoS 1 stops at the receive maximum, as nothing is acknowledged. Of bytes,
 * where even what a broker may still send would be too much: the broker is left, whose session keeps what was not
 * acknowledged.
 */
export class Pressure {
  readonly #source: Source;
  readonly #options: PressureOptions;
  readonly #logger: Logger;
  readonly #onRelief: () => void;
  #state: State = 'open';
  #points = 0;
  #bytes = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(source: Source, options: PressureOptions, logger: Logger, onRelief: () => void) {
    this.#source = source;
    this.#options = options;
    this.#logger = logger;
    this.#onRelief = onRelief;
  }

  get state(): 'open' | 'full' | 'away' {
    if (this.#state === 'away') return 'away';
    return this.#state === 'open' || this.#state === 'stopped' ? 'open' : 'full';
  }

  /** Whether a QoS 0 message is still taken. */
  get takesQos0(): boolean {
    return this.#state !== 'dropping' && this.#state !== 'away';
  }

  /** To be told of what is in hand after every message and every write. */
  update(points: number, bytes: number): void {
    this.#points = points;
    this.#bytes = bytes;
    switch (this.#state) {
      case 'open':
        if (this.#full) this.#pause();
        break;
      case 'paused':
        if (this.#below(RELIEVED)) this.#open();
        break;
      case 'dropping':
        if (bytes >= this.#options.maxBytes) this.#pause();
        else if (this.#below(RELIEVED)) this.#open();
        break;
      case 'away':
        if (this.#below(RETURN)) this.#open();
        break;
      case 'stopped':
        break;
    }
  }

  /** For a source that takes no more: it reads on, for the sake of the keepalive, and is told nothing further. */
  stop(): void {
    this.#endTimer();
    if (this.#state === 'paused') this.#source.resume();
    this.#state = 'stopped';
  }

  #endTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  get #full(): boolean {
    return this.#points >= this.#options.maxPoints || this.#bytes >= this.#options.maxBytes;
  }

  #below(share: number): boolean {
    return this.#points < this.#options.maxPoints * share && this.#bytes < this.#options.maxBytes * share;
  }

  #pause(): void {
    this.#state = 'paused';
    this.#source.pause();
    this.#timer = setTimeout(() => this.#pausedTooLong(), this.#options.maxPause);
  }

  #pausedTooLong(): void {
    this.#timer = null;
    if (this.#bytes >= this.#options.maxBytes) {
      this.#state = 'away';
      this.#logger.warn(
        { bytes: this.#bytes, max_bytes: this.#options.maxBytes },
        'The queue is full (ingest.queue.max_bytes): leaving the broker, which keeps QoS 1 messages, until there is room',
      );
      this.#source.disconnect('queue full');
      this.#source.resume();
      return;
    }
    this.#state = 'dropping';
    this.#logger.warn(
      { points: this.#points, max_points: this.#options.maxPoints },
      'The queue is full (ingest.queue.max_points): dropping QoS 0 messages until there is room; QoS 1 waits at the broker',
    );
    this.#source.resume();
  }

  #open(): void {
    const before = this.#state;
    this.#endTimer();
    this.#state = 'open';
    if (before === 'away') this.#source.reconnect();
    else if (before === 'paused') this.#source.resume();
    if (before !== 'paused')
      this.#logger.info({ points: this.#points, bytes: this.#bytes }, 'The queue has room again');
    this.#onRelief();
  }
}
