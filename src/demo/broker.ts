/** The broker of the demo: Aedes on loopback, so that nothing needs to be installed. It speaks MQTT 3.1.1 only. */

import { once } from 'node:events';
import net from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Aedes, type Client } from 'aedes';

/** What Aedes has but its types leave out. */
interface AedesState {
  readonly clients: Readonly<Record<string, Client>>;
  readonly persistence: { outgoingStream(client: { readonly id: string }): AsyncIterable<unknown> };
}

/**
 * Sessions live in this process's memory: what waits in them survives a lost connection but not the end of the demo,
 * which therefore goes through `settle` before `close`.
 */
export class DemoBroker {
  readonly #aedes: Aedes & AedesState;
  readonly #server: net.Server;
  readonly #sockets = new Set<net.Socket>();
  #url = '';

  constructor(aedes: Aedes, server: net.Server) {
    this.#aedes = aedes as Aedes & AedesState;
    this.#server = server;
  }

  get url(): string {
    return this.#url;
  }

  /** Rejects where the port is taken. */
  async listen(port: number): Promise<void> {
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
      this.#aedes.handle(socket);
    });
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#url = `mqtt://127.0.0.1:${(this.#server.address() as net.AddressInfo).port}`;
  }

  /**
   * Takes nothing more from anybody, then resolves once the client `id` has acknowledged what was taken before, is
   * gone, or `signal` aborts.
   */
  async settle(id: string, signal: AbortSignal): Promise<void> {
    this.#server.close();
    const client = this.#aedes.clients[id];
    for (const socket of this.#sockets) {
      if (socket !== client?.conn) socket.destroy();
    }
    // Aedes acknowledges a message in the turn before it enters the sessions.
    await nextTurn();
    if (client === undefined) return;
    const gone = new AbortController();
    client.conn.once('close', () => gone.abort());
    if (client.conn.destroyed) gone.abort();
    const over = AbortSignal.any([signal, gone.signal]);
    while (!over.aborted && (await this.#owes(id))) {
      await once(this.#aedes, 'ack', { signal: over }).catch(() => {});
    }
  }

  async close(): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#aedes.close(() => resolve());
    await promise;
  }

  /** Whether the session holds anything. */
  async #owes(id: string): Promise<boolean> {
    const session = this.#aedes.persistence.outgoingStream({ id })[Symbol.asyncIterator]();
    return (await session.next()).done !== true;
  }
}

/** Rejects where the port is taken. */
export async function startDemoBroker(port: number): Promise<DemoBroker> {
  const broker = new DemoBroker(await Aedes.createBroker(), net.createServer());
  try {
    await broker.listen(port);
  } catch (error) {
    await broker.close();
    throw error;
  }
  return broker;
}
