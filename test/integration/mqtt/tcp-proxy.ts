import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** A TCP relay to a port of 127.0.0.1 that can do what networks do. */
export interface TcpProxy extends AsyncDisposable {
  readonly url: string;
  /** Resets every connection. */
  cut(): void;
  /** From now on nothing passes in either direction and nobody is told. */
  freeze(): void;
  /** Bytes that were passed on to the client so far. */
  passed(): number;
}

export async function startProxy(port: number): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  let passed = 0;
  let frozen = false;
  // Half-open, as a network is: who takes leave may still be sent to.
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const broker = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    const relay = (from: Socket, to: Socket, count: (bytes: number) => void): void => {
      sockets.add(from);
      from.on('data', (bytes) => {
        if (frozen) return;
        count(bytes.length);
        to.write(bytes);
      });
      from.on('end', () => {
        if (!frozen) to.end();
      });
      from.on('error', () => {});
      from.on('close', () => {
        sockets.delete(from);
        if (!frozen) to.destroy();
      });
    };
    relay(client, broker, () => {});
    relay(broker, client, (bytes) => {
      passed += bytes;
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const cut = (): void => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  return {
    url: `mqtt://127.0.0.1:${address.port}`,
    cut,
    freeze: () => {
      frozen = true;
    },
    passed: () => passed,
    [Symbol.asyncDispose]: async () => {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}
