import { randomInt } from 'node:crypto';

/** What must be known of a JSON text before it is parsed. */
export interface JsonTraits {
  /** Nested beyond the limit: parsing it would cost far more than this look. The rest was not looked at then. */
  readonly tooDeep: boolean;
  /** Has integers that a double may not hold. */
  readonly longIntegers: boolean;
  /** Arrays and objects. */
  readonly objects: number;
  /** Values, and no fewer. */
  readonly values: number;
  /** Different keys; the rest was not looked at where they are too many. */
  readonly keys: number;
}

const [QUOTE, COMMA, BACKSLASH, DOT, COLON, SPACE] = [0x22, 0x2c, 0x5c, 0x2e, 0x3a, 0x20];
const [ZERO, NINE] = [0x30, 0x39];
const [OPEN_BRACKET, OPEN_BRACE, CLOSE_BRACKET, CLOSE_BRACE] = [0x5b, 0x7b, 0x5d, 0x7d];

/**
 * One pass over the text, outside of its strings; right for JSON, harmless for anything else. Ends at what is nested deeper than
 * `nesting`, and at one key more than `mostKeys`.
 */
export function scanJson(text: string, nesting: number, mostKeys: number): JsonTraits {
  let depth = 0;
  let long = false;
  let inFraction = false;
  let objects = 0;
  let commas = 0;
  const keys = new DifferentKeys(text, mostKeys);
  for (let index = 0; index < text.length && keys.count <= mostKeys; index++) {
    const code = text.charCodeAt(index);
    if (code >= ZERO && code <= NINE) {
      const end = endOfDigits(text, index + 1);
      // 2^53 has 16 digits and begins with 9: no date in microseconds is as long.
      long ||= !inFraction && (end - index >= 17 || (end - index === 16 && code === NINE));
      index = end - 1;
      continue;
    }
    inFraction = code === DOT;
    if (code === QUOTE) {
      index = keys.endOfString(index + 1);
    } else if (code === OPEN_BRACKET || code === OPEN_BRACE) {
      objects++;
      if (++depth > nesting) {
        return { tooDeep: true, longIntegers: long, objects, values: commas, keys: keys.count };
      }
    } else if (code === CLOSE_BRACKET || code === CLOSE_BRACE) {
      depth--;
    } else if (code === COMMA) {
      commas++;
    }
  }
  const values = objects + commas + 1;
  return { tooDeep: false, longIntegers: long, objects, values, keys: keys.count };
}

function endOfDigits(text: string, start: number): number {
  let at = start;
  for (let code = text.charCodeAt(at); code >= ZERO && code <= NINE; code = text.charCodeAt(++at));
  return at;
}

/** A stranger must not know which keys are taken for the same. */
const SEED = randomInt(2 ** 31);
/** Bytes of a key with what belongs to it, the shortest of which are few. */
const KEY_BYTES = 4;

/** Tells keys apart by hashes of 32 bits. */
class DifferentKeys {
  count = 0;
  readonly #text: string;
  /** Half of it stays empty. */
  readonly #slots: number;
  #seen: Int32Array | null = null;

  constructor(text: string, most: number) {
    this.#text = text;
    this.#slots = 2 ** Math.ceil(Math.log2(2 * Math.min(most + 1, text.length / KEY_BYTES) + 2));
  }

  /** The index of the closing quote, or the end of the text; a string before a colon is a key. */
  endOfString(start: number): number {
    const text = this.#text;
    let hash = SEED;
    let index = start;
    for (; index < text.length; index++) {
      const code = text.charCodeAt(index);
      if (code === QUOTE) break;
      hash = Math.imul(hash ^ code, 0x0100_0193);
      if (code === BACKSLASH) index++;
    }
    const end = Math.min(index, text.length);
    let after = end + 1;
    while (text.charCodeAt(after) <= SPACE) after++;
    if (text.charCodeAt(after) === COLON) this.#add(hash);
    return end;
  }

  #add(hash: number): void {
    this.#seen ??= new Int32Array(this.#slots);
    const known = hash === 0 ? 1 : hash;
    let slot = hash ^ (hash >>> 15);
    for (;;) {
      slot &= this.#slots - 1;
      const there = this.#seen[slot];
      if (there === known) return;
      if (there === 0) break;
      slot++;
    }
    this.#seen[slot] = known;
    this.count++;
  }
}
