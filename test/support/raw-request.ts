import { type IncomingHttpHeaders, request } from 'node:http';

export interface RawRequest {
  readonly method: string;
  /** Path and query exactly as they are sent. */
  readonly target: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array | null;
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** What had come when it was left: of an endless stream nothing. */
  readonly body: string;
}

/** So much of an answer is read. */
const ENOUGH_BYTES = 4_000_000;

/**
 * Sends a request as it is: `fetch` would mend its path. An endless answer (server-sent events) is left after its head.
 * Rejects where the connection breaks before the answer is there.
 */
export async function rawRequest(
  url: string,
  { method, target, headers, body }: RawRequest,
): Promise<RawAnswer> {
  const { hostname, port } = new URL(url);
  // With GET, a body would go without it.
  const length = body === null || body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
  const { promise, resolve, reject } = Promise.withResolvers<RawAnswer>();
  const asked = request(
    { hostname, port, method, path: target, agent: false, headers: { ...headers, ...length } },
    (response) => {
      const parts: Buffer[] = [];
      let bytes = 0;
      const finish = () => {
        const { statusCode: status = 0, headers } = response;
        resolve({ status, headers, body: Buffer.concat(parts).toString() });
      };
      const isEndless = response.headers['content-type']?.startsWith('text/event-stream') === true;
      response.on('data', (part: Buffer) => {
        parts.push(part);
        bytes += part.length;
        if (bytes > ENOUGH_BYTES) leave();
      });
      const leave = () => {
        finish();
        response.destroy();
      };
      response.on('end', finish).on('error', reject);
      if (isEndless) leave();
    },
  );
  asked.on('error', reject);
  asked.end(body ?? undefined);
  return await promise;
}
