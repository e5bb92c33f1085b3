/** The HTTP server: the application on a socket. */

import type { AddressInfo } from 'node:net';
import { TidegateError } from '../errors.ts';
import { type ApplicationOptions, buildApplication } from './application.ts';
import { tokensOf } from './gate.ts';
import { isLoopback } from './guard.ts';

export interface HttpOptions extends ApplicationOptions {
  /** 0: a free one. */
  readonly port: number;
  /** Whether it may be reached from elsewhere without tokens. */
  readonly allowAnonymous: boolean;
}

export interface HttpServer {
  /** Throws `http_unavailable`. */
  listen(): Promise<{ readonly url: string }>;
  /** Lets requests finish, for a second at most. */
  close(): Promise<void>;
}

const CLOSE_MS = 1_000;

/** Throws `config_invalid` where the data would be open to the network without anybody having said so. */
export async function createHttpServer(options: HttpOptions): Promise<HttpServer> {
  const { host, port, allowAnonymous } = options;
  if (!isLoopback(host) && tokensOf(options).length === 0 && !allowAnonymous) {
    const detail = `http.host: ${host} is open to the network; set http.tokens, or http.allow_anonymous: true`;
    throw new TidegateError('config_invalid', detail);
  }
  const app = await buildApplication(options);
  return {
    async listen() {
      try {
        await app.listen({ host, port });
      } catch (error) {
        throw new TidegateError('http_unavailable', `${host}:${port}: ${(error as Error).message}`, {
          cause: error,
        });
      }
      const { port: actual } = app.server.address() as AddressInfo;
      const scheme = options.tls === null ? 'http' : 'https';
      return { url: `${scheme}://${host.includes(':') ? `[${host}]` : host}:${actual}` };
    },
    async close() {
      const cut = setTimeout(() => app.server.closeAllConnections(), CLOSE_MS);
      await app.close();
      clearTimeout(cut);
    },
  };
}
