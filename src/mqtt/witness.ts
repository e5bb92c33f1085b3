import { connect, type MqttClient } from 'mqtt';
import { type ConnectionOptions, clientOptions } from './mqtt-options.ts';

/** How long a broker that is there takes to answer, at most. */
const ANSWER_MS = 5_000;

/** What became of a witness: still with the broker, gone, or never let in. */
export type Testimony = 'stands' | 'fell' | 'refused';

/**
 * A second connection to the same broker, under a client id of its own, that does nothing: what cuts ours and leaves
 * this one alone is not the network.
 */
export class Witness {
  readonly #client: MqttClient;
  #state: Testimony | 'calling' = 'calling';

  constructor(options: ConnectionOptions, url: string) {
    const own = { clientId: `${options.clientId}-witness`, keepSession: false, sessionExpirySeconds: 0 };
    this.#client = connect(clientOptions({ ...options, ...own, will: null }, url));
  }

  /** Resolves once the broker has let it in or not, or does not answer. */
  async call(): Promise<void> {
    const client = this.#client;
    client.on('error', () => {});
    client.on('packetreceive', (packet) => {
      if (packet.cmd !== 'connack') return;
      this.#state = (packet.reasonCode ?? packet.returnCode ?? 0) === 0 ? 'stands' : 'refused';
    });
    client.on('close', () => {
      if (this.#state !== 'refused') this.#state = 'fell';
    });
    client.connect();
    await this.#until('connect');
    if (this.#state === 'calling') this.#state = 'fell';
  }

  /** Asks whether the broker still answers it, and dismisses it. */
  async testify(): Promise<Testimony> {
    if (this.#state === 'stands') {
      this.#client.sendPing();
      if (!(await this.#until('packetreceive'))) this.#state = 'fell';
    }
    const testimony = this.#state === 'calling' ? 'fell' : this.#state;
    this.#client.end(true);
    return testimony;
  }

  /** Whether `event` came before the end of the connection and in time. */
  #until(event: 'connect' | 'packetreceive'): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => resolve(false), ANSWER_MS);
    this.#client.once(event, () => resolve(true));
    this.#client.once('close', () => resolve(false));
    return promise.finally(() => clearTimeout(timer));
  }
}
