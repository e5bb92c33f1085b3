import { hashOf, slotOf } from './text-hash.ts';

/** Of most messages; those of a few thousand texts take one step more, as moving them costs as much as putting them in. */
const FIRST_SLOTS = 256;
const GROWTH = 16;
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
    if (this.size === 0) return;
    this.#recent.fill('');
    if (this.#slots.length > FIRST_SLOTS) this.#slots = new Int32Array(FIRST_SLOTS);
    else this.#slots.fill(0);
    this.size = 0;
  }

  add(text: string): void {
    const recent = text.length & (RECENT - 1);
    if (text !== '' && this.#recent[recent] === text) return;
    this.#recent[recent] = text;
    this.addHash(hashOf(text));
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
  let slot = slotOf(hash, mask);
  for (let there = slots[slot]; there !== 0; there = slots[slot]) {
    if (there === hash) return -1;
    slot = (slot + 1) & mask;
  }
  return slot;
}
