import { DifferentTexts, HASH_PRIME, HASH_SEED } from '../different-texts.ts';

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
  const strings = new Strings(text);
  const { keys } = strings;
  for (let index = 0; index < text.length && keys.size <= mostKeys; index++) {
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
      index = strings.endOf(index + 1);
    } else if (code === OPEN_BRACKET || code === OPEN_BRACE) {
      objects++;
      if (++depth > nesting) {
        return { tooDeep: true, longIntegers: long, objects, values: commas, keys: keys.size };
      }
    } else if (code === CLOSE_BRACKET || code === CLOSE_BRACE) {
      depth--;
    } else if (code === COMMA) {
      commas++;
    }
  }
  const values = objects + commas + 1;
  return { tooDeep: false, longIntegers: long, objects, values, keys: keys.size };
}

function endOfDigits(text: string, start: number): number {
  let at = start;
  for (let code = text.charCodeAt(at); code >= ZERO && code <= NINE; code = text.charCodeAt(++at));
  return at;
}

/** Counts the keys of a text while its strings are gone through. */
class Strings {
  readonly keys = new DifferentTexts();
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** The index of the closing quote, or the end of the text; a string before a colon is a key. */
  endOf(start: number): number {
    const text = this.#text;
    let hash = HASH_SEED;
    let index = start;
    for (; index < text.length; index++) {
      const code = text.charCodeAt(index);
      if (code === QUOTE) break;
      hash = Math.imul(hash ^ code, HASH_PRIME);
      if (code === BACKSLASH) index++;
    }
    const end = Math.min(index, text.length);
    let after = end + 1;
    while (text.charCodeAt(after) <= SPACE) after++;
    if (text.charCodeAt(after) === COLON) this.keys.addHash(hash);
    return end;
  }
}
