import { Type } from 'typebox';

/** What JSON has no number for is a word. */
export type NumberShown = number | 'NaN' | 'Infinity' | '-Infinity';

export function shownNumber(value: number): NumberShown {
  return Number.isFinite(value) ? value : (String(value) as NumberShown);
}

export function NumberSchema(description: string) {
  return Type.Unsafe<NumberShown>({
    type: ['number', 'string'],
    description: `${description} What JSON has no number for is the text NaN, Infinity or -Infinity.`,
  });
}
