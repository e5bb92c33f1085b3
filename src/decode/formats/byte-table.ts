import { slotOf } from '../text-hash.ts';

const FIRST_SLOTS = 16;
const GROWTH = 4;

/**
 * What strings of bytes mean, found without making a text of them. `hash` tells most of them apart, and is of the caller's
 * making; `key` has a character for each byte (latin1).
 */
export class ByteTable<T> {
  /** For each slot the place of an entry, counted from one; 0: none. Half of them stay free. */
  #slots = new Int32Array(FIRST_SLOTS);
  #hashes = new Int32Array(FIRST_SLOTS / 2);
  readonly #keys: string[] = [];
  readonly #meanings: T[] = [];

  get(bytes: Uint8Array, start: number, end: number, hash: number): T | undefined {
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let slot = slotOf(hash, mask); ; slot = (slot + 1) & mask) {
      const entry = (slots[slot] as number) - 1;
      if (entry === -1) return undefined;
      if (this.#hashes[entry] === hash && isSame(this.#keys[entry] as string, bytes, start, end)) {
        return this.#meanings[entry];
      }
    }
  }

  /** Of a key that it does not have. */
  add(key: string, hash: number, meaning: T): void {
    const entry = this.#keys.push(key) - 1;
    this.#meanings.push(meaning);
    if (entry === this.#hashes.length) this.#grow();
    this.#hashes[entry] = hash;
    this.#place(entry);
  }

  #place(entry: number): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = slotOf(this.#hashes[entry] as number, mask);
    while (slots[slot] !== 0) slot = (slot + 1) & mask;
    slots[slot] = entry + 1;
  }

  #grow(): void {
    const hashes = new Int32Array(this.#hashes.length * GROWTH);
    hashes.set(this.#hashes);
    const known = this.#hashes.length;
    this.#hashes = hashes;
    this.#slots = new Int32Array(this.#slots.length * GROWTH);
    for (let entry = 0; entry < known; entry++) this.#place(entry);
  }
}

function isSame(key: string, bytes: Uint8Array, start: number, end: number): boolean {
  if (key.length !== end - start) return false;
  for (let at = 0; at < key.length; at++) {
    if (key.charCodeAt(at) !== bytes[start + at]) return false;
  }
  return true;
}
