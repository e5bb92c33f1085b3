import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from 'pg';
import { cutOff } from './connection.ts';

/** Milliseconds for the server to take leave of an idle connection. */
const FAREWELL = 1_000;

/** A connection of its own for each caller: kept after success, thrown away after any failure. None outlives `close`. */
export class KeptConnections {
  readonly #connect: () => Promise<Client>;
  readonly #idle: Client[] = [];
  readonly #busy = new Set<Client>();
  #closed = false;

  constructor(connect: () => Promise<Client>) {
    this.#connect = connect;
  }

  /**
   * Rejects with the reason of `signal` as soon as it aborts, whatever the server does: the line is cut, since one that
   * leads nowhere would take minutes to break by itself. What the work had sent by then may have been done.
   */
  async use<T>(work: (client: Client) => Promise<T>, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted();
    const { promise: aborted, reject } = Promise.withResolvers<never>();
    const cut = new AbortController();
    const abort = () => {
      cut.abort();
      reject(signal?.reason);
    };
    signal?.addEventListener('abort', abort, { once: true });
    try {
      return await Promise.race([this.#use(work, cut.signal), aborted]);
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  /** Takes leave of idle ones, and cuts off those that are in use. Whoever wants one from then on is rejected. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const client of this.#busy) cutOff(client);
    await Promise.all(this.#idle.splice(0).map(leave));
  }

  async #use<T>(work: (client: Client) => Promise<T>, cut: AbortSignal): Promise<T> {
    const client = this.#idle.pop() ?? (await this.#open());
    const abort = () => cutOff(client);
    if (cut.aborted) abort();
    cut.addEventListener('abort', abort, { once: true });
    this.#busy.add(client);
    try {
      cut.throwIfAborted();
      // It may have been opened meanwhile.
      this.#throwIfClosed();
      const result = await work(client);
      if (!cut.aborted && !this.#closed) this.#idle.push(client);
      return result;
    } catch (error) {
      cutOff(client);
      throw error;
    } finally {
      this.#busy.delete(client);
      cut.removeEventListener('abort', abort);
    }
  }

  async #open(): Promise<Client> {
    this.#throwIfClosed();
    const client = await this.#connect();
    // A connection that broke while idle is not handed out again.
    client.once('end', () => {
      const index = this.#idle.indexOf(client);
      if (index >= 0) this.#idle.splice(index, 1);
    });
    return client;
  }

  #throwIfClosed(): void {
    if (this.#closed) throw new Error('the connections to PostgreSQL are closed');
  }
}

async function leave(client: Client): Promise<void> {
  const left = new AbortController();
  const late = delay(FAREWELL, undefined, { signal: left.signal }).catch(() => {});
  await Promise.race([client.end().catch(() => {}), late]);
  left.abort();
  cutOff(client);
}
