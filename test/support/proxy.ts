import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** A TCP relay to a port of 127.0.0.1 that does what networks do (`await using`). */
export interface Proxy extends AsyncDisposable {
  readonly port: number;
  /** Bytes that were passed on to clients so far. */
  readonly passed: number;
  /** Everything passes again, also on the connections that a black hole held. */
  heal(): void;
  /** Ends every connection in order (FIN); new ones pass. */
  cut(): void;
  /** Resets every connection (RST); new ones pass. */
  reset(): void;
  /** Resets every connection, and each new one at once, until `heal`. */
  refuse(): void;
  /** Nothing passes in either direction, nobody is told, and new connections get no answer, until `heal`. */
  blackHole(): void;
  /** Each byte arrives so many milliseconds later, until `heal`. */
  delay(milliseconds: number): void;
}

export async function startProxy(port: number): Promise<Proxy> {
  const server = createServer({ allowHalfOpen: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return new TcpProxy(server, port);
}

/** The same address through the proxy. */
export function through(proxy: Proxy, url: string): string {
  const address = new URL(url);
  address.port = `${proxy.port}`;
  return address.href;
}

class TcpProxy implements Proxy {
  readonly port: number;
  readonly #server: Server;
  readonly #target: number;
  readonly #relays = new Set<Relay>();
  #state: 'open' | 'refusing' | 'hole' = 'open';
  #delay = 0;
  #passed = 0;

  constructor(server: Server, target: number) {
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    this.port = address.port;
    this.#server = server;
    this.#target = target;
    server.on('connection', (client: Socket) => this.#accept(client));
  }

  get passed(): number {
    return this.#passed;
  }

  heal(): void {
    this.#state = 'open';
    this.#delay = 0;
    for (const relay of this.#relays) relay.open(this.#target);
  }

  cut(): void {
    for (const relay of this.#relays) relay.end();
  }

  reset(): void {
    for (const relay of this.#relays) relay.reset();
  }

  refuse(): void {
    this.#state = 'refusing';
    this.reset();
  }

  blackHole(): void {
    this.#state = 'hole';
    for (const relay of this.#relays) relay.hold();
  }

  delay(milliseconds: number): void {
    this.#delay = milliseconds;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.refuse();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #accept(client: Socket): void {
    client.on('error', () => undefined);
    if (this.#state === 'refusing') {
      client.resetAndDestroy();
      return;
    }
    const relay = new Relay(
      client,
      () => this.#delay,
      (bytes) => {
        this.#passed += bytes;
      },
      () => this.#relays.delete(relay),
    );
    this.#relays.add(relay);
    if (this.#state === 'open') relay.open(this.#target);
    else relay.hold();
  }
}

/** One connection: the client's socket, and ours to the server once it is opened. */
class Relay {
  readonly #client: Socket;
  readonly #delay: () => number;
  readonly #onPassed: (bytes: number) => void;
  readonly #onClose: () => void;
  #server: Socket | null = null;
  #held = false;

  constructor(client: Socket, delay: () => number, onPassed: (bytes: number) => void, onClose: () => void) {
    this.#client = client;
    this.#delay = delay;
    this.#onPassed = onPassed;
    this.#onClose = onClose;
    client.once('close', () => this.reset());
  }

  /** Lets pass; connects where that was held back. */
  open(port: number): void {
    this.#held = false;
    if (this.#server === null) {
      const server = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
      this.#server = server;
      server.on('error', () => undefined);
      server.once('close', () => this.reset());
      this.#pipe(this.#client, server);
      this.#pipe(server, this.#client);
    }
    this.#client.resume();
    this.#server.resume();
  }

  /** What is under way stays in the sockets' buffers, a farewell too. */
  hold(): void {
    this.#held = true;
    this.#client.pause();
    this.#server?.pause();
  }

  end(): void {
    this.#client.end();
    this.#server?.end();
  }

  reset(): void {
    this.#client.resetAndDestroy();
    this.#server?.resetAndDestroy();
    this.#onClose();
  }

  #pipe(from: Socket, to: Socket): void {
    // One after another, so that a delay that changes does not let bytes overtake.
    let earlier = Promise.resolve();
    const later = (send: () => void): void => {
      const milliseconds = this.#delay();
      const waited = new Promise<void>((resolve) => {
        if (milliseconds === 0) resolve();
        else setTimeout(resolve, milliseconds);
      });
      earlier = Promise.all([earlier, waited]).then(send);
    };
    from.on('data', (bytes: Buffer) => {
      later(() => {
        if (to === this.#client) this.#onPassed(bytes.length);
        if (to.destroyed || to.write(bytes) || from.isPaused()) return;
        from.pause();
        to.once('drain', () => {
          if (!this.#held) from.resume();
        });
      });
    });
    from.once('end', () => {
      later(() => {
        to.end();
        // Both have taken leave.
        if (from.writableEnded) from.destroySoon();
      });
    });
  }
}
