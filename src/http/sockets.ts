/** How connections are treated before a request is one: bounds in time and number, and errors as problem details. */

import { STATUS_CODES } from 'node:http';
import type { Server, Socket } from 'node:net';
import type { FastifyInstance, FastifyServerOptions } from 'fastify';
import type { Logger } from '../pipeline/types.ts';
import type { Certificate } from './certificate.ts';
import { problemOf } from './problem.ts';

/** Milliseconds between two looks for requests that take too long. */
const CHECK_MS = 1_000;
/** Milliseconds for the next request on a connection: longer than the 60 s for which proxies keep theirs. */
const KEEP_ALIVE_MS = 72_000;
/** Milliseconds between two complaints about too many connections. */
const COMPLAINT_MS = 60_000;
/** Of one request line with its headers. */
const HEADER_BYTES = 16 * 1024;

const STATUS: Readonly<Record<string, readonly [status: number, detail: string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'The request did not arrive in time (http.request_timeout).'],
  HPE_HEADER_OVERFLOW: [431, `The request line and the headers are longer than ${HEADER_BYTES} bytes.`],
};

/** `requestTimeout`: milliseconds for a request to arrive whole. */
export function socketOptions(requestTimeout: number, certificate: Certificate | null): FastifyServerOptions {
  const bounds = {
    connectionsCheckingInterval: Math.min(CHECK_MS, requestTimeout),
    headersTimeout: requestTimeout,
    requestTimeout,
    maxHeaderSize: HEADER_BYTES,
  };
  const sockets =
    certificate === null
      ? { http: bounds }
      : {
          https: {
            ...bounds,
            ...certificate.load(),
            SNICallback: ((_name, done) => done(null, certificate.context)) satisfies SniCallback,
          },
        };
  return { ...sockets, requestTimeout, keepAliveTimeout: KEEP_ALIVE_MS, clientErrorHandler: refuse };
}

/** More are closed as they come: an answer would cost what the bound is to spare. */
export function limitConnections(server: Server, maxConnections: number, logger: Logger): void {
  server.maxConnections = maxConnections;
  let complained = Number.NEGATIVE_INFINITY;
  let dropped = 0;
  server.on('drop', () => {
    dropped += 1;
    if (performance.now() - complained < COMPLAINT_MS) return;
    complained = performance.now();
    logger.warn(
      { dropped, limit: maxConnections },
      `HTTP connections were closed: ${maxConnections} are open already (http.max_connections)`,
    );
    dropped = 0;
  });
}

/**
 * Closes a connection whose client has taken nothing of an answer for so many milliseconds while there was something to take:
 * it would keep the answer, and its place among the connections, for ever.
 */
export function cutStalled(app: FastifyInstance, milliseconds: number): void {
  app.addHook('onSend', async ({ raw: { socket } }, { raw }) => {
    // The next request on the connection takes the time limit away.
    raw.setTimeout(milliseconds, () => {
      // What takes long to be answered is no stall.
      if (socket.writableLength > 0) socket.destroy();
    });
  });
}

type SniCallback = (name: string, done: (error: null, context: Certificate['context']) => void) => void;

/** There is no request to answer yet, so this writes to the socket. */
function refuse(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const [status, detail] = STATUS[error.code ?? ''] ?? [400, 'This is no HTTP request.'];
  const body = JSON.stringify(problemOf(status, detail));
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-type: application/problem+json\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}
