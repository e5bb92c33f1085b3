import { connect, ErrorWithReasonCode, type MqttClient } from 'mqtt';
import { TidegateError } from '../errors.ts';
import { maskUrl } from '../mask.ts';
import type { Logger } from '../pipeline/types.ts';
import { connectionFailure } from './connection-errors.ts';
import { type ConnectionOptions, clientOptions } from './mqtt-options.ts';

export interface PublisherOptions {
  /** A user and password may stand in it. */
  readonly url: string;
  readonly clientId: string;
  /** Default: none; those in the URL go before these. */
  readonly login?: Pick<ConnectionOptions, 'username' | 'password' | 'tls'>;
  readonly qos: 0 | 1;
  /** Messages that may be under way: at QoS 1 not acknowledged, at QoS 0 not yet given to the system. */
  readonly maxInFlight: number;
  readonly logger: Logger;
}

/** MQTT 3.1.1, which every broker speaks: a publisher needs nothing of MQTT 5. */
const PROTOCOL_VERSION = 4;
const KEEPALIVE_SECONDS = 30;
const RECONNECT_MS = 1_000;
const CONNECT_TIMEOUT_MS = 10_000;

/**
 * A publishing client that comes back for ever once it was connected, as devices do. What was under way at QoS 1 is
 * then sent again; at QoS 0 nothing is kept while the broker is away.
 */
export class Publisher {
  readonly #options: PublisherOptions;
  #client: MqttClient | null = null;
  #inFlight = 0;
  /** Told of every connection and of every message that is no longer under way. */
  #waiting: (() => void)[] = [];

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /** Rejects with broker_unreachable, broker_refused, broker_tls or config_invalid; at the latest when `signal` aborts. */
  async connect(signal: AbortSignal): Promise<void> {
    const { url, clientId, login, logger } = this.#options;
    const client = connect({
      ...clientOptions(
        {
          clientId,
          ...(login ?? { username: null, password: null, tls: {} }),
          protocolVersion: PROTOCOL_VERSION,
          keepaliveSeconds: KEEPALIVE_SECONDS,
          sessionExpirySeconds: 0,
          keepSession: false,
          receiveMaximum: 1,
          maximumPacketBytes: 0,
        },
        url,
      ),
      queueQoSZero: false,
      connectTimeout: CONNECT_TIMEOUT_MS,
    });
    this.#client = client;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    let connected = false;
    let error: Error | null = null;
    // The first error is the cause.
    const onError = (cause: Error): void => {
      error ??= cause;
    };
    client.on('error', onError);
    client.on('connect', () => {
      connected = true;
      client.options.reconnectPeriod = RECONNECT_MS;
      resolve();
      this.#wake();
    });
    client.on('close', () => {
      const { code, detail } = describeEnd(connected, error);
      error = null;
      if (!connected) reject(new TidegateError(code ?? 'broker_unreachable', `${maskUrl(url)}: ${detail}`));
      else if (!client.disconnecting) logger.warn({}, `${maskUrl(url)}: ${detail}; connecting again`);
    });
    client.connect();
    // MQTT.js passes on only errors with a code; a refused WebSocket upgrade has none.
    client.stream.on('error', onError);
    const onAbort = (): void => void client.stream.destroy(new Error('given up'));
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await promise;
    } catch (failure) {
      await client.endAsync(true);
      throw failure;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** Messages under way. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Publishes, unless `signal` aborts while the broker is away. Resolves as soon as the next message may follow. */
  async publish(topic: string, payload: string | Buffer, signal: AbortSignal): Promise<void> {
    const { qos, maxInFlight } = this.#options;
    // MQTT.js would refuse it at QoS 0 and hold it at QoS 1.
    await this.#until(() => this.#client?.connected === true, signal);
    if (signal.aborted) return;
    this.#inFlight++;
    this.#client?.publish(topic, payload, { qos }, () => {
      this.#inFlight--;
      this.#wake();
    });
    if (this.#inFlight >= maxInFlight) await this.#until(() => this.#inFlight < maxInFlight, signal);
  }

  /** Resolves to whether all is out, at QoS 1 acknowledged; to false where `signal` aborted before. */
  async settle(signal: AbortSignal): Promise<boolean> {
    await this.#until(() => this.#inFlight === 0, signal);
    return this.#inFlight === 0;
  }

  /** Leaves the broker; what is still under way is given up. */
  async close(): Promise<void> {
    await this.#client?.endAsync(this.#inFlight > 0);
  }

  async #until(condition: () => boolean, signal: AbortSignal): Promise<void> {
    while (!condition() && !signal.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.push(resolve);
      const onAbort = (): void => resolve();
      signal.addEventListener('abort', onAbort, { once: true });
      await promise;
      signal.removeEventListener('abort', onAbort);
    }
  }

  #wake(): void {
    for (const look of this.#waiting.splice(0)) look();
  }
}

function describeEnd(accepted: boolean, error: Error | null): ReturnType<typeof connectionFailure> {
  const refused = !accepted && error instanceof ErrorWithReasonCode;
  return connectionFailure(
    {
      accepted,
      refusal: refused ? { code: error.code, text: undefined } : null,
      disconnect: null,
      error: refused ? null : error,
    },
    PROTOCOL_VERSION,
  );
}
