/** A power of two. */
const SLOTS = 4096;

/**
 * Short ASCII texts by their bytes: devices repeat their keys, and making a string costs more than a look here. Of a fixed
 * size: a text takes the place of another one with the same hash.
 */
export class KeyCache {
  readonly #longest: number;
  readonly #texts: (string | undefined)[] = Array.from({ length: SLOTS });

  /** `longest`: bytes of the longest text that is kept. */
  constructor(longest: number) {
    this.#longest = longest;
  }

  /** Undefined where the text is too long, or not ASCII. */
  get(bytes: Buffer, at: number, length: number): string | undefined {
    if (length > this.#longest) {
      return undefined;
    }
    let hash = length;
    let high = 0;
    for (let index = at; index < at + length; index++) {
      const byte = bytes[index] as number;
      high |= byte;
      hash = (Math.imul(hash, 31) + byte) | 0;
    }
    if (high >= 0x80) {
      return undefined;
    }
    const slot = (hash ^ (hash >>> 12)) & (SLOTS - 1);
    const known = this.#texts[slot];
    if (known !== undefined && isSame(known, bytes, at, length)) {
      return known;
    }
    const text = bytes.toString('latin1', at, at + length);
    this.#texts[slot] = text;
    return text;
  }
}

function isSame(text: string, bytes: Buffer, at: number, length: number): boolean {
  if (text.length !== length) {
    return false;
  }
  for (let index = 0; index < length; index++) {
    if (text.charCodeAt(index) !== bytes[at + index]) {
      return false;
    }
  }
  return true;
}
