import { DifferentTexts } from '../different-texts.ts';
import { HASH_PRIME, HASH_SEED } from '../text-hash.ts';

/** The most that a text may have of each. */
export interface JsonBudget {
  readonly nesting: number;
  /** Arrays and objects. */
  readonly items: number;
  readonly values: number;
  readonly keys: number;
}

/**
 * What must be known of a JSON text before it is parsed, which would cost far more where there is too much of something: of a text
 * beyond its budget only what was seen until then.
 */
export interface JsonTraits {
  readonly tooDeep: boolean;
  /** Has integers that a double may not hold. */
  readonly longIntegers: boolean;
  readonly items: number;
  /** Values, and no fewer. */
  readonly values: number;
  /** Different ones. */
  readonly keys: number;
}

const [QUOTE, COMMA, BACKSLASH, DOT, COLON, SPACE] = [0x22, 0x2c, 0x5c, 0x2e, 0x3a, 0x20];
const [ZERO, NINE] = [0x30, 0x39];
const [OPEN_BRACKET, OPEN_BRACE, CLOSE_BRACKET, CLOSE_BRACE] = [0x5b, 0x7b, 0x5d, 0x7d];

/** The different ones of the text at hand. */
const keys = new DifferentTexts();

/**
 * One pass over the text, outside of its strings; right for JSON, harmless for anything else. Ends at what is beyond the budget and,
 * where it is `untilLong`, at the first long integer.
 */
export function scanJson(text: string, most: JsonBudget, untilLong = false): JsonTraits {
  let depth = 0;
  let long = false;
  let inFraction = false;
  let items = 0;
  let commas = 0;
  keys.clear();
  for (let index = 0; index < text.length && keys.size <= most.keys; index++) {
    const code = text.charCodeAt(index);
    if (code >= ZERO && code <= NINE) {
      const end = endOfDigits(text, index + 1);
      // 2^53 has 16 digits and begins with 9: no date in microseconds is as long.
      long ||= !inFraction && (end - index >= 17 || (end - index === 16 && code === NINE));
      if (long && untilLong) break;
      index = end - 1;
      continue;
    }
    inFraction = code === DOT;
    if (code === QUOTE) {
      index = endOfString(text, index + 1);
    } else if (code === OPEN_BRACKET || code === OPEN_BRACE) {
      if (++items > most.items || ++depth > most.nesting) break;
    } else if (code === CLOSE_BRACKET || code === CLOSE_BRACE) {
      depth--;
    } else if (code === COMMA) {
      if (items + ++commas >= most.values) break;
    }
  }
  const values = items + commas + 1;
  return { tooDeep: depth > most.nesting, longIntegers: long, items, values, keys: keys.size };
}

function endOfDigits(text: string, start: number): number {
  let at = start;
  for (let code = text.charCodeAt(at); code >= ZERO && code <= NINE; code = text.charCodeAt(++at));
  return at;
}

/** The index of the quote that closes a string, or the end of the text; a string before a colon is a key. */
function endOfString(text: string, start: number): number {
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
  if (text.charCodeAt(after) === COLON) keys.addHash(hash);
  return end;
}
