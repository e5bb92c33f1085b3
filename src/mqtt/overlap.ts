/** How far the two copies of a message lie apart at most: a broker sends one right behind the other. */
const APART_MS = 50;
/** The same where so few messages came meanwhile that a machine may only have been busy. */
const NEIGHBOURS = 4;
const NEIGHBOURS_MS = 2_000;
/** Topics whose latest message is remembered; about 100 bytes each, for as long as the overlap lasts. */
const TOPICS = 10_000;

interface Copy {
  readonly payload: number;
  readonly isNew: boolean;
  readonly at: number;
  /** Messages before it. */
  readonly index: number;
}

/**
 * While old subscriptions and the new ones in their place are both there, a broker may send a message once for each
 * (MQTT 5, 3.3.4). The identifier of the new ones tells such copies apart from a device that says the same again: a copy
 * is the second one where the message before it on its topic is the same, came a moment ago, and by the other side.
 */
export class Overlap {
  readonly #identifier: number;
  readonly #now: () => number;
  readonly #latest = new Map<string, Copy>();
  #count = 0;

  /** `identifier`: of the new subscriptions; `now`: monotonic milliseconds. */
  constructor(identifier: number, now: () => number = () => performance.now()) {
    this.#identifier = identifier;
    this.#now = now;
  }

  /** `payload`: its digest; `identifiers`: of the subscriptions that brought it. */
  isSecond(topic: string, payload: number, identifiers: readonly number[]): boolean {
    const isNew = identifiers.includes(this.#identifier);
    const copy = { payload, isNew, at: this.#now(), index: this.#count++ };
    const before = this.#latest.get(topic);
    this.#latest.delete(topic);
    if (before !== undefined && isPair(before, copy)) return true;
    if (this.#latest.size >= TOPICS) this.#latest.clear();
    this.#latest.set(topic, copy);
    return false;
  }
}

function isPair(one: Copy, other: Copy): boolean {
  if (one.payload !== other.payload || one.isNew === other.isNew) return false;
  const apart = other.at - one.at;
  return apart <= (other.index - one.index <= NEIGHBOURS ? NEIGHBOURS_MS : APART_MS);
}
