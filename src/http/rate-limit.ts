/** How often each client may ask. */

import { isIPv6 } from 'node:net';

const MINUTE_MS = 60_000;
/** Clients that are remembered: those that asked last. About 200 bytes each. */
const CLIENTS = 10_000;

/**
 * An allowance that refills evenly (the generic cell rate algorithm): a client that was quiet may ask a minute's requests at
 * once, and one that never is gets them one by one.
 */
export class RateLimit {
  readonly #intervalMs: number;
  readonly #now: () => number;
  /** When the allowance of a client is full again, those that asked last at the end. */
  readonly #full = new Map<string, number>();

  /** `now`: milliseconds of a clock that never goes back. */
  constructor(perMinute: number, now: () => number) {
    this.#intervalMs = MINUTE_MS / perMinute;
    this.#now = now;
  }

  /** Takes a request from the client's allowance: 0, or the milliseconds to wait where nothing is left, and nothing is taken. */
  take(client: string): number {
    const now = this.#now();
    const full = Math.max(now, this.#full.get(client) ?? now);
    // Whole milliseconds: what sums of fractions are off by refuses nobody.
    const wait = Math.max(0, Math.floor(full - now + this.#intervalMs - MINUTE_MS));
    this.#full.delete(client);
    this.#full.set(client, wait > 0 ? full : full + this.#intervalMs);
    if (this.#full.size > CLIENTS) this.#full.delete(this.#full.keys().next().value as string);
    return wait;
  }
}

/** Of IPv6 the network: whoever has one has all of its addresses. */
export function clientOf(address: string): string {
  if (!isIPv6(address)) return address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  const [head = '', tail] = address.split('%', 1).join().split('::');
  const groups = head === '' ? [] : head.split(':');
  const rest = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : 8 - groups.length - rest.length;
  return [...groups, ...Array.from({ length: zeros }, () => '0'), ...rest].slice(0, 4).join(':');
}
