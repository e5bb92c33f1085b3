/** Secrets never reach a log or a message. */

const MASK = '***';

/**
 * The URL with its password masked, in the authority and in the query. Works on the text rather than on a parsed URL
 * because a wrong URL is exactly what gets printed; up to the last `@`, so that a password that should have been
 * percent-encoded is masked as a whole.
 */
export function maskUrl(url: string): string {
  return url
    .replace(/^([a-z][a-z0-9+.-]*:\/\/[^:]*):.*@/is, `$1:${MASK}@`)
    .replace(/([?&](?:ssl)?password=)[^&#]*/gi, `$1${MASK}`);
}

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
