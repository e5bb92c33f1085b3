import type { Logger } from '../pipeline/types.ts';
import { Publisher, type PublisherOptions } from './publisher.ts';

export interface CommandsOptions extends Omit<PublisherOptions, 'url' | 'qos' | 'maxInFlight'> {
  readonly urls: readonly string[];
  readonly logger: Logger;
}

/** Milliseconds for a connection, and for a command once it is there. */
const PATIENCE = 10_000;
/** Milliseconds after a broker that did not let us in. */
const PAUSE = 30_000;

/** Publishes commands to devices, at QoS 0: by a connection of its own that is made for the first one. */
export class Commands {
  readonly #options: CommandsOptions;
  readonly #stopped = new AbortController();
  #publisher: Publisher | null = null;
  #sending: Promise<void> = Promise.resolve();
  #attempts = 0;
  #notBefore = 0;

  constructor(options: CommandsOptions) {
    this.#options = options;
  }

  /** Resolves to how many of them went out, in order: those that the broker does not take are left. */
  async send(commands: readonly { readonly topic: string; readonly payload: Buffer }[]): Promise<number> {
    let sent = 0;
    const before = this.#sending;
    this.#sending = (async () => {
      await before;
      const publisher = await this.#connected();
      if (publisher === null) return;
      for (const { topic, payload } of commands) {
        const signal = AbortSignal.any([this.#stopped.signal, AbortSignal.timeout(PATIENCE)]);
        await publisher.publish(topic, payload, signal);
        if (signal.aborted) return;
        sent++;
      }
    })();
    await this.#sending;
    return sent;
  }

  async close(): Promise<void> {
    this.#stopped.abort();
    await this.#sending;
    await this.#publisher?.close();
  }

  async #connected(): Promise<Publisher | null> {
    if (this.#publisher !== null) return this.#publisher;
    if (performance.now() < this.#notBefore || this.#stopped.signal.aborted) return null;
    const { urls, ...options } = this.#options;
    const url = urls[this.#attempts++ % urls.length] as string;
    const publisher = new Publisher({ ...options, url, qos: 0, maxInFlight: 1 });
    try {
      await publisher.connect(AbortSignal.any([this.#stopped.signal, AbortSignal.timeout(PATIENCE)]));
      this.#publisher = publisher;
      return publisher;
    } catch (error) {
      this.#notBefore = performance.now() + PAUSE;
      if (!this.#stopped.signal.aborted) {
        const reason = error instanceof Error ? error.message : String(error);
        options.logger.warn({}, `Commands cannot be published: ${reason}`);
      }
      return null;
    }
  }
}
