import { setTimeout as sleep } from 'node:timers/promises';
import { backoffDelay, RECONNECTING } from './backoff.ts';
import { Publisher, type PublisherOptions } from './publisher.ts';

export interface VictronKeepaliveOptions {
  /** Brokers, tried in turn. */
  readonly urls: readonly string[];
  readonly clientId: string;
  readonly login: NonNullable<PublisherOptions['login']>;
  /** Portal ids (VRM) of the systems. */
  readonly portals: readonly string[];
  /** Venus OS falls silent 60 s after the last request. */
  readonly intervalMs: number;
  readonly logger: PublisherOptions['logger'];
}

/** Asks for all values, as nothing is retained. */
const ALL = '';
/** And later only that it goes on: https://github.com/victronenergy/dbus-flashmq, section "Keep-alive". */
const ONLY_CHANGES = '{"keepalive-options":["suppress-republish"]}';

/** Asks Venus OS to go on publishing, on a connection of its own, for as long as it runs. */
export class VictronKeepalive {
  readonly #options: VictronKeepaliveOptions;
  readonly #stopping = new AbortController();
  #ended: Promise<void> = Promise.resolve();

  constructor(options: VictronKeepaliveOptions) {
    this.#options = options;
  }

  /** Never fails: a broker that is away or refuses is told of in the log, and tried again. */
  start(): void {
    this.#ended = this.#run(this.#stopping.signal);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#ended;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const publisher = await this.#connected(signal);
    if (publisher === null) return;
    const { portals, intervalMs } = this.#options;
    for (let payload = ALL; !signal.aborted; payload = ONLY_CHANGES) {
      for (const portal of portals) await publisher.publish(`R/${portal}/keepalive`, payload, signal);
      await pause(intervalMs, signal);
    }
    await publisher.close();
  }

  /** Null where it was stopped before. */
  async #connected(signal: AbortSignal): Promise<Publisher | null> {
    const { urls, clientId, login, logger } = this.#options;
    for (let attempt = 0; !signal.aborted; attempt++) {
      const url = urls[attempt % urls.length] ?? '';
      const publisher = new Publisher({ url, clientId, login, qos: 0, maxInFlight: 100, logger });
      try {
        await publisher.connect(signal);
        return publisher;
      } catch (error) {
        if (signal.aborted) return null;
        logger.warn({}, `Victron keepalive: ${error instanceof Error ? error.message : String(error)}`);
        await pause(backoffDelay(attempt, RECONNECTING), signal);
      }
    }
    return null;
  }
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch(() => {});
}
