import { randomInt } from 'node:crypto';

/** What the hash of a text begins with: a stranger must not know which texts are taken for the same. */
export const HASH_SEED = randomInt(2 ** 31);
/** By which it is multiplied after each unit was put into it by exclusive or (FNV-1a, of Fowler, Noll and Vo). */
export const HASH_PRIME = 0x0100_0193;

const FIRST_SLOTS = 2048;
const GROWTH = 4;

/**
 * Counts texts that differ, told apart by hashes of 32 bits: of 6,000 one is taken for another once in two hundred times, which
 * is as good for a limit, and they are neither kept nor compared.
 */
export class DifferentTexts {
  size = 0;
  /** Half of them stay zero, which is no hash. */
  #slots = new Int32Array(FIRST_SLOTS);

  clear(): void {
    if (this.#slots.length > FIRST_SLOTS) this.#slots = new Int32Array(FIRST_SLOTS);
    else this.#slots.fill(0);
    this.size = 0;
  }

  add(text: string): void {
    let hash = HASH_SEED;
    for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), HASH_PRIME);
    this.addHash(hash);
  }

  /** The same of a text by its hash. */
  addHash(hash: number): void {
    const known = hash === 0 ? 1 : hash;
    const slot = freeSlot(this.#slots, known);
    if (slot === -1) return;
    this.#slots[slot] = known;
    if (++this.size * 2 > this.#slots.length) this.#grow();
  }

  #grow(): void {
    const slots = new Int32Array(this.#slots.length * GROWTH);
    for (const hash of this.#slots) {
      if (hash !== 0) slots[freeSlot(slots, hash)] = hash;
    }
    this.#slots = slots;
  }
}

/** Where a hash goes; -1 where it is. */
function freeSlot(slots: Int32Array, hash: number): number {
  const mask = slots.length - 1;
  let slot = (hash ^ (hash >>> 15)) & mask;
  for (let there = slots[slot]; there !== 0; there = slots[slot]) {
    if (there === hash) return -1;
    slot = (slot + 1) & mask;
  }
  return slot;
}
