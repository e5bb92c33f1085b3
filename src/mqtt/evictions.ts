/**
 * So many connections in a row, each accepted and soon cut without a word, mean a second client with our id: MQTT 3.1.1
 * has no other way to say it, and brokers leave it out with MQTT 5 too (mosquitto 2.0.11).
 */
export const EVICTIONS = 5;

/** Tells a second client with our id by how connections end. */
export class Evictions {
  #inARow = 0;

  /** To be told of every end: whether the broker cut, soon after accepting, without a word. Returns whether that was often enough. */
  ended(cutSoon: boolean): boolean {
    this.#inARow = cutSoon ? this.#inARow + 1 : 0;
    return this.#inARow === EVICTIONS;
  }
}
