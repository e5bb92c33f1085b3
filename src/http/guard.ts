/** Who may ask: bearer tokens, and on loopback only what this machine itself sends. */

import { hash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

export interface Token {
  readonly name: string;
  /** Of the token, in hexadecimal. */
  readonly sha256: string;
  /** read looks at everything, operator gives orders too. */
  readonly scope: 'read' | 'operator';
  /** How the ids of the devices begin that it sees; none: all devices. */
  readonly devices: readonly string[];
}

const LOCAL = String.raw`(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?`;
const LOCAL_HOST = new RegExp(`^${LOCAL}$`, 'i');
const LOCAL_ORIGIN = new RegExp(`^https?://${LOCAL}$`, 'i');

/** Whether only this machine can reach a server that listens on `host`. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

/**
 * The header that betrays a page of another site, or null. A browser on this machine reaches loopback for any page
 * that it shows: by its own name once that resolves to 127.0.0.1 (DNS rebinding; Host), or by ours (Origin).
 */
export function foreignHeader(headers: IncomingHttpHeaders): 'Host' | 'Origin' | null {
  if (!LOCAL_HOST.test(headers.host ?? '')) return 'Host';
  if (headers.origin !== undefined && !LOCAL_ORIGIN.test(headers.origin)) return 'Origin';
  return null;
}

/** The one of the tokens that `Authorization` (RFC 6750) carries, or null; takes as long whichever it is, and for none. */
export function carriedToken(authorization: string | undefined, tokens: readonly Token[]): Token | null {
  const given = /^Bearer +([\w.~+/=-]+) *$/i.exec(authorization ?? '')?.[1] ?? '';
  const digest = hash('sha256', given, 'buffer');
  let found: Token | null = null;
  for (const token of tokens) {
    const expected = Buffer.from(token.sha256, 'hex');
    if (expected.length === digest.length && timingSafeEqual(expected, digest)) found = token;
  }
  return given === '' ? null : found;
}
