/** Texts as numbers and words. */

import type { RouteConfig } from '../config/route.ts';
import type { NumberKind } from '../pipeline/types.ts';

export interface Word {
  readonly value: number;
  readonly kind: NumberKind;
}

export interface Words {
  /** By lower case; null means "no value". */
  readonly meanings: ReadonlyMap<string, Word | null>;
  readonly longest: number;
  /** Whether some word could be read as a number too: words go first then. */
  readonly numerals: boolean;
}

/** How C and ESPHome print what is not finite. A route's words may give them another meaning. */
const NON_FINITE = [
  ['nan', Number.NaN],
  ['inf', Number.POSITIVE_INFINITY],
  ['infinity', Number.POSITIVE_INFINITY],
] as const;

export function compileWords(route: Pick<RouteConfig, 'null_words' | 'booleans'>): Words {
  const meanings = new Map<string, Word | null>();
  for (const [word, value] of NON_FINITE) {
    meanings.set(word, { value, kind: 'gauge' });
    meanings.set(`+${word}`, { value, kind: 'gauge' });
    meanings.set(`-${word}`, { value: -value, kind: 'gauge' });
  }
  for (const word of route.booleans.true) {
    meanings.set(word.toLowerCase(), { value: 1, kind: 'state' });
  }
  for (const word of route.booleans.false) {
    meanings.set(word.toLowerCase(), { value: 0, kind: 'state' });
  }
  for (const word of route.null_words) {
    meanings.set(word.toLowerCase(), null);
  }
  const all = [...meanings.keys()];
  return {
    meanings,
    longest: Math.max(...all.map((word) => word.length)),
    numerals: all.some((word) => !Number.isNaN(readNumeral(word))),
  };
}

/** What a trimmed text means as a word; undefined where it is none. */
export function readWord(words: Words, text: string): Word | null | undefined {
  return text.length <= words.longest ? words.meanings.get(text.toLowerCase()) : undefined;
}

/**
 * The number that a trimmed decimal numeral stands for: infinite where it does not fit a double, NaN where the text is no
 * numeral. `Number` also takes "", "0x10" and "Infinity", which are none.
 */
export function readNumeral(text: string): number {
  const first = text.charCodeAt(0);
  // + , - . / 0-9: the digits and signs stand together; what else lies there `Number` refuses.
  if (!(first >= 0x2b && first <= 0x39) || text.endsWith('y')) {
    return Number.NaN;
  }
  const second = text.charCodeAt(1) | 0x20;
  const based = first === 0x30 && (second === 0x78 || second === 0x6f || second === 0x62);
  return based ? Number.NaN : Number(text);
}

const LEADING = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?(?![\d.x]|[-:,/]\d)/i;

/**
 * The number that a trimmed text begins with, before a unit perhaps: `21.5 °C`, `3kWh`. NaN where it begins otherwise, or
 * goes on as a date, a time, a version or a decimal comma do.
 */
export function leadingNumeral(text: string): number {
  const found = LEADING.exec(text);
  return found === null ? Number.NaN : Number(found[0]);
}
