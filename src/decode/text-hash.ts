/** Hashes of 32 bits, put together unit by unit where a text is gone through anyway (FNV-1a, of Fowler, Noll and Vo). */

import { randomInt } from 'node:crypto';

/** What a hash begins with: a stranger must not know which texts have the same. */
export const HASH_SEED = randomInt(2 ** 31);
/** By which it is multiplied after each unit was put into it by exclusive or. */
export const HASH_PRIME = 0x0100_0193;

export function hashOf(text: string): number {
  let hash = HASH_SEED;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), HASH_PRIME);
  return hash;
}

/** Where a hash belongs in a table of `mask` and one slots, a power of two. */
export function slotOf(hash: number, mask: number): number {
  return (hash ^ (hash >>> 15)) & mask;
}
