/** Passwords in URLs never reach a log, a message or a metric. */

const MASK = '***';

/**
 * The URL with its password masked, in the authority and in the query. Works on the text rather than on a parsed URL
 * because a wrong URL is exactly what gets printed; up to the last `@`, so that a password that should have been
 * percent-encoded is masked as a whole.
 */
export function maskUrl(url: string): string {
  return url
    .replace(/^([a-z][a-z0-9+.-]*:\/\/[^:]*|(?!.*:\/\/)[^:]*):.*@/is, `$1:${MASK}@`)
    .replace(/([?&](?:ssl)?password=)[^&#]*/gi, `$1${MASK}`);
}

/** A text with the password of every URL in it masked; a URL ends at white space or a double quote. */
export function maskUrls(text: string): string {
  return text.includes('://') ? text.replaceAll(/[a-z][a-z0-9+.-]*:\/\/[^\s"]+/gi, maskUrl) : text;
}
