import type { Testimony, Witness } from './witness.ts';

/**
 * So many connections in a row, each accepted and soon cut without a word, mean a second client with our id or a bad
 * network: MQTT 3.1.1 has no other way to say it, and brokers leave it out with MQTT 5 too (mosquitto 2.0.11). Two that cut
 * each other hold as long as the other waits to come back: 1, 2, 4 and 8 s at most, and longer is no cut that comes soon.
 */
export const EVICTIONS = 4;

/**
 * Tells a second client with our id by how connections end. A witness stands beside the last of them: where the network
 * fails it falls too. A broker that lets no witness in leaves it at the number.
 */
export class Evictions {
  readonly #open: () => Pick<Witness, 'call' | 'testify'>;
  #witness: Pick<Witness, 'call' | 'testify'> | null = null;
  #inARow = 0;

  constructor(open: () => Pick<Witness, 'call' | 'testify'>) {
    this.#open = open;
  }

  /** Before a connection whose end may be the last one: resolves once a witness stands by, at most some seconds later. */
  async prepare(): Promise<void> {
    if (this.#inARow !== EVICTIONS - 1 || this.#witness !== null) return;
    this.#witness = this.#open();
    await this.#witness.call();
  }

  /**
   * To be told of every end: whether the broker cut, soon after accepting, without a word. Null, or where that was often
   * enough what the witness says: `fell` is the network, and counting begins anew.
   */
  ended(cutSoon: boolean): Promise<Testimony> | null {
    this.#inARow = cutSoon ? this.#inARow + 1 : 0;
    const testimony = this.dismiss();
    if (this.#inARow !== EVICTIONS) return null;
    this.#inARow = 0;
    return testimony;
  }

  /** Sends the witness away, if there is one, with what it has to say. */
  dismiss(): Promise<Testimony> {
    const witness = this.#witness;
    this.#witness = null;
    return witness?.testify() ?? Promise.resolve('fell');
  }
}
