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
}

const [QUOTE, COMMA, BACKSLASH, DOT] = [0x22, 0x2c, 0x5c, 0x2e];
const [ZERO, NINE] = [0x30, 0x39];
const [OPEN_BRACKET, OPEN_BRACE, CLOSE_BRACKET, CLOSE_BRACE] = [0x5b, 0x7b, 0x5d, 0x7d];

/** One pass over the text, outside of its strings; right for JSON, harmless for anything else. */
export function scanJson(text: string, nesting: number): JsonTraits {
  let depth = 0;
  let long = false;
  let digits = 0;
  let objects = 0;
  let commas = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code >= ZERO && code <= NINE) {
      digits++;
      // 2^53 has 16 digits and begins with 9: no date in microseconds is as long.
      long ||= digits >= 17 || (digits === 16 && text.charCodeAt(index - 15) === NINE);
      continue;
    }
    digits = code === DOT ? Number.NEGATIVE_INFINITY : 0; // digits of a fraction do not count
    if (code === QUOTE) {
      index = endOfString(text, index + 1);
    } else if (code === OPEN_BRACKET || code === OPEN_BRACE) {
      objects++;
      if (++depth > nesting) {
        return { tooDeep: true, longIntegers: long, objects, values: commas };
      }
    } else if (code === CLOSE_BRACKET || code === CLOSE_BRACE) {
      depth--;
    } else if (code === COMMA) {
      commas++;
    }
  }
  return { tooDeep: false, longIntegers: long, objects, values: objects + commas + 1 };
}

/** The index of the closing quote, or the end of the text. */
function endOfString(text: string, start: number): number {
  let index = start;
  while (index < text.length) {
    const code = text.charCodeAt(index);
    if (code === QUOTE) {
      return index;
    }
    index += code === BACKSLASH ? 2 : 1;
  }
  return text.length;
}
