import { randomBytes } from 'node:crypto';
import { App } from '../app.ts';
import { type Config, loadConfig } from '../config/load.ts';
import { Publisher } from '../mqtt/publisher.ts';
import type { Logger, PipelineState } from '../pipeline/types.ts';
import { type DemoBroker, startDemoBroker } from './broker.ts';
import { startPostgres } from './embedded-postgres.ts';
import { freePortFrom } from './free-port.ts';
import { type DemoAddresses, removeNotice, writeNotice } from './notice.ts';
import { DEFAULT_METRICS } from './simulator.ts';
import { sendTraffic } from './traffic.ts';

export interface DemoOptions {
  readonly dataFolder: string;
  /** Each port is the wanted one; the next free one is taken where it is not free. */
  readonly brokerPort: number;
  readonly databasePort: number;
  readonly httpPort: number;
  /** Used instead of the embedded ones, which are not started then. */
  readonly brokerUrl: string | null;
  readonly databaseUrl: string | null;
  readonly devices: number;
  /** Messages a second of all devices; 0: no devices. */
  readonly rate: number;
  readonly version: string;
  readonly logger: Logger;
}

/** Names the session at the broker: not that of a daemon, which would be thrown out by it. */
const CLIENT_ID = 'tidegate-demo';
/** Simulated messages that wait for the broker's acknowledgement at most. */
const MAX_IN_FLIGHT = 500;

/** PostgreSQL, broker, daemon and devices in one process, each started after what it needs and stopped before it. */
export class Demo {
  readonly #options: DemoOptions;
  /** What was started, the latest first. */
  readonly #started: ((signal: AbortSignal) => Promise<void>)[] = [];
  #app: App | null = null;
  #addresses: DemoAddresses | null = null;
  #dataFolder: string | null = null;
  #shutdownTimeout = 0;
  #drained = true;

  constructor(options: DemoOptions) {
    this.#options = options;
  }

  /** Null before it is started. */
  get addresses(): DemoAddresses | null {
    return this.#addresses;
  }

  /** Where the embedded PostgreSQL really keeps its data; null where there is none. */
  get dataFolder(): string | null {
    return this.#dataFolder;
  }

  get pipeline(): PipelineState | null {
    return this.#app?.pipeline ?? null;
  }

  /** Milliseconds that `stop` should be given. */
  get shutdownTimeout(): number {
    return this.#shutdownTimeout;
  }

  /** Never resolves; rejects with a TidegateError when the daemon cannot go on. */
  get failure(): Promise<never> {
    return this.#app?.failure ?? new Promise(() => {});
  }

  /** Resolves once messages are stored. Rejects where it cannot be, or when `signal` aborts; all is stopped then. */
  async start(signal: AbortSignal): Promise<void> {
    try {
      const { brokerUrl, databaseUrl } = this.#options;
      const database = databaseUrl ?? (await this.#startDatabase());
      signal.throwIfAborted();
      const embedded = brokerUrl === null ? await this.#startBroker() : null;
      const broker = brokerUrl ?? embedded?.url ?? '';
      const http = await this.#startDaemon(database, broker, embedded, signal);
      if (this.#options.rate > 0) await this.#startDevices(broker, signal);
      this.#addresses = { broker, database, http };
      await this.#leaveNotice(this.#addresses);
    } catch (error) {
      await this.stop(AbortSignal.abort());
      throw error;
    }
  }

  /** Stops the devices first and PostgreSQL last. Resolves to whether all that was received is written. */
  async stop(signal: AbortSignal): Promise<boolean> {
    for (const stop of this.#started.splice(0)) await stop(signal);
    return this.#drained;
  }

  async #startDatabase(): Promise<string> {
    const { dataFolder, databasePort, logger } = this.#options;
    const server = await startPostgres({ dataFolder, port: await freePortFrom(databasePort), logger });
    this.#started.unshift(() => server.stop('fast'));
    this.#dataFolder = server.dataFolder;
    return server.url;
  }

  async #startBroker(): Promise<DemoBroker> {
    const broker = await startDemoBroker(await freePortFrom(this.#options.brokerPort));
    this.#started.unshift(() => broker.close());
    return broker;
  }

  async #startDaemon(
    databaseUrl: string,
    brokerUrl: string,
    embedded: DemoBroker | null,
    signal: AbortSignal,
  ): Promise<string> {
    const config = daemonConfig({
      TIDEGATE_DATABASE_URL: databaseUrl,
      TIDEGATE_MQTT_URL: brokerUrl,
      TIDEGATE_MQTT_CLIENT_ID: CLIENT_ID,
      // The embedded broker knows no 5.
      ...(embedded === null ? {} : { TIDEGATE_MQTT_PROTOCOL_VERSION: '3.1.1' }),
      TIDEGATE_HTTP_PORT: String(await freePortFrom(this.#options.httpPort)),
    });
    const { version, logger } = this.#options;
    const app = new App({ config, logger, version });
    this.#app = app;
    this.#shutdownTimeout = config.shutdown_timeout;
    this.#started.unshift(async (given) => {
      // What its session holds, and publishers were promised, would be gone with the broker.
      await embedded?.settle(CLIENT_ID, given);
      this.#drained = await app.stop(given);
    });
    signal.throwIfAborted();
    const { promise: aborted, reject } = Promise.withResolvers<never>();
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    await Promise.race([app.start(), aborted]);
    return app.httpUrl ?? '';
  }

  async #startDevices(url: string, signal: AbortSignal): Promise<void> {
    const { devices, rate, logger } = this.#options;
    const clientId = `tidegate-simulate-${randomBytes(4).toString('hex')}`;
    const publisher = new Publisher({ url, clientId, qos: 1, maxInFlight: MAX_IN_FLIGHT, logger });
    await publisher.connect(signal);
    const stopped = new AbortController();
    const done = sendTraffic(
      {
        devices,
        rate,
        count: Number.POSITIVE_INFINITY,
        metrics: DEFAULT_METRICS,
        shape: 'message',
        seed: 1,
        publish: ({ topic, payload }) => publisher.publish(topic, payload, stopped.signal),
      },
      stopped.signal,
    );
    this.#started.unshift(async (given) => {
      stopped.abort();
      await done;
      await publisher.settle(given);
      await publisher.close();
    });
  }

  async #leaveNotice(addresses: DemoAddresses): Promise<void> {
    const { dataFolder } = this.#options;
    await writeNotice(dataFolder, addresses);
    this.#started.unshift(() => removeNotice(dataFolder));
  }
}

/** Defaults but for these: the surroundings, made for another daemon perhaps, must not lead the demo to its database. */
function daemonConfig(env: Readonly<Record<string, string>>): Config {
  return loadConfig({ env });
}
