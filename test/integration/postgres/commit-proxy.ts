import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** A relay to PostgreSQL that breaks a connection at its COMMIT, or becomes a black hole. */
export interface CommitProxy extends AsyncDisposable {
  readonly url: string;
  /** Of the next COMMIT: the server never sees it, or does and its answer is swallowed. Either way the line is cut. */
  lose(what: 'commit' | 'answer'): void;
  /** While on, no byte passes in either direction, and no connection ends; those of that time lead nowhere for good. */
  blackHole(on: boolean): void;
}

/** The message of the simple query protocol (PostgreSQL manual, "Message Formats"). */
const COMMIT = Buffer.from('Q\0\0\0\x0bCOMMIT\0', 'latin1');
/** The statement that commits a plain batch by itself. */
const PLAIN_BATCH = Buffer.from('tidegate-batch');

/** `port`: default a free one. */
export async function startCommitProxy(target: string, port = 0): Promise<CommitProxy> {
  const upstreamAt = new URL(target);
  const sockets = new Set<Socket>();
  let losing: 'commit' | 'answer' | null = null;
  let swallowing = false;
  const server = createServer((client) => {
    const upstream = connect({ host: upstreamAt.hostname, port: Number(upstreamAt.port) });
    let swallow = false;
    let lost = false;
    const isLost = () => (lost ||= swallowing);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.on('data', (bytes) => {
      if (isLost()) return;
      if (losing !== null && (bytes.includes(COMMIT) || bytes.includes(PLAIN_BATCH))) {
        const what = losing;
        losing = null;
        if (what === 'commit') {
          client.destroy();
          return;
        }
        swallow = true;
      }
      upstream.write(bytes);
    });
    upstream.on('data', (bytes) => {
      if (isLost()) return;
      if (swallow) client.destroy();
      else client.write(bytes);
    });
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const url = new URL(target);
  url.hostname = '127.0.0.1';
  url.port = String(address.port);
  return {
    url: url.href,
    lose: (what) => {
      losing = what;
    },
    blackHole: (on) => {
      swallowing = on;
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
