/** A question to a daemon over HTTP or HTTPS. */

import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { get } from 'node:https';
import { text } from 'node:stream/consumers';
import { TidegateError } from '../errors.ts';

const TIMEOUT_MS = 5_000;

export interface DaemonAnswer {
  readonly status: number;
  /** Null where it is no JSON. */
  readonly body: unknown;
}

/**
 * `cert`: the file with the certificate that the daemon must show, whatever name it is for and whoever signed it; null: what
 * Node.js trusts, for the host of the URL. Throws `daemon_unavailable`.
 */
export async function askDaemon(url: URL, token: string, cert: string | null): Promise<DaemonAnswer> {
  const headers: Readonly<Record<string, string>> = token === '' ? {} : { authorization: `Bearer ${token}` };
  try {
    return await (cert === null || url.protocol === 'http:'
      ? fetched(url, headers)
      : pinned(url, headers, cert));
  } catch (error) {
    throw new TidegateError('daemon_unavailable', `${url.href}: ${reasonOf(error)}`, { cause: error });
  }
}

async function fetched(url: URL, headers: Readonly<Record<string, string>>): Promise<DaemonAnswer> {
  const response = await fetch(url, { headers, signal: AbortSignal.timeout(TIMEOUT_MS) });
  return { status: response.status, body: parsed(await response.text()) };
}

async function pinned(
  url: URL,
  headers: Readonly<Record<string, string>>,
  cert: string,
): Promise<DaemonAnswer> {
  // The first of the file; those that signed it follow.
  const own = new X509Certificate(readFileSync(cert));
  const request = get(url, {
    headers,
    ca: own.toString(),
    allowPartialTrustChain: true,
    // It may have signed others.
    checkServerIdentity: (_host, { raw }) =>
      raw.equals(own.raw) ? undefined : new Error(`shows another certificate than ${cert}`),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return { status: response.statusCode ?? 0, body: parsed(await text(response)) };
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}

/** What `fetch` hides in the cause of its error. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (error.name === 'TimeoutError' || (cause instanceof Error && cause.name === 'TimeoutError')) {
    return `no answer within ${TIMEOUT_MS / 1_000} s`;
  }
  if (cause instanceof AggregateError) return reasonOf(cause.errors[0]);
  return cause instanceof Error ? cause.message : error.message;
}
