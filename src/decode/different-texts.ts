import { randomInt } from 'node:crypto';

/** What the hash of a text begins with: a stranger must not know which texts are taken for the same. */
export const HASH_SEED = randomInt(2 ** 31);
/** By which it is multiplied after each unit was put into it by exclusive or (FNV-1a, of Fowler, Noll and Vo). */
export const HASH_PRIME = 0x0100_0193;

/** For more texts than a message may bring names by default: to move them costs as much as to put them in. */
const FIRST_SLOTS = 16_384;
const GROWTH = 4;
/** A power of two. */
const RECENT = 16;

/**
 * Counts texts that differ, told apart by hashes of 32 bits: of 6,000 one is taken for another once in two hundred times, which
 * is as good for a limit, and they are neither kept nor compared.
 */
export class DifferentTexts {
  size = 0;
  /** Half of them stay zero, which is no hash. */
  #slots = new Int32Array(FIRST_SLOTS);
  /** The latest of a length: items that follow each other have the same keys. */
  readonly #recent = Array.from({ length: RECENT }, () => '');

  clear(): void {
    this.#recent.fill('');
    if (this.#slots.length > FIRST_SLOTS) this.#slots = new Int32Array(FIRST_SLOTS);
    else this.#slots.fill(0);
    this.size = 0;
  }

  add(text: string): void {
    const recent = text.length & (RECENT - 1);
    if (text !== '' && this.#recent[recent] === text) return;
    this.#recent[recent] = text;
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
    for (let slot = 0; slot < this.#slots.length; slot++) {
      const hash = this.#slots[slot] as number;
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
