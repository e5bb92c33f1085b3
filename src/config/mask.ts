/** Secrets never reach a log or a message. */

import { maskUrl } from '../mask.ts';

const MASK = '***';

/** A value for people: as it was written, in quotes where it is a text, cut where it is long. */
export function showValue(value: unknown, sensitive: boolean): string {
  if (!sensitive) {
    const text = JSON.stringify(value);
    return text.length > 100 ? `${text.slice(0, 100)}...` : text;
  }
  if (Array.isArray(value)) {
    return `[${value.map((item) => showValue(item, true)).join(', ')}]`;
  }
  return typeof value === 'string' && value.includes('://') ? JSON.stringify(maskUrl(value)) : MASK;
}
