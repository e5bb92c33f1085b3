import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import type { Config } from '../config/load.ts';
import { DeadLetters, type DropReport, type LetterOrder } from './dead-letters.ts';
import { payloadText } from '../decode/payload-text.ts';
import { TidegateError } from '../errors.ts';
import type { HttpPorts, LetterQuery } from '../http/ports.ts';
import { overHttp } from '../orders.ts';
import { ALL_LETTERS, type LetterSelection } from '../postgres/dead-letter-selection.ts';
import type { ReplayReport } from './replay.ts';

/** So much of a payload is shown at once, in bytes. */
const SHOWN_BYTES = 65_536;

type AskedOrder = LetterOrder & { readonly asker: string };

/** Dead letters over HTTP: one order at a time, which ends when the daemon stops. */
export class LetterDesk {
  #config: Config;
  readonly #letters: DeadLetters;
  readonly #halted = new AbortController();
  #order: Promise<unknown> | null = null;

  constructor(config: Config) {
    this.#config = config;
    this.#letters = new DeadLetters(config, overHttp(config, 'nobody'));
  }

  readonly ports: HttpPorts['deadLetters'] = {
    groups: async (query) => await this.#letters.groups(selectionOf(query)),
    list: async (query, limit, before) => await this.#letters.list(selectionOf(query), limit, before),
    show: async (id) => await this.#show(id),
    payload: async (id) => await this.#payload(id),
    replay: async (query, order) => await this.#ordered(() => this.#replay(query, order)),
    drop: async (query, order) => await this.#ordered(() => this.#drop(query, order)),
  };

  /** The next replay goes by these routes. */
  reload(config: Config): void {
    this.#config = config;
  }

  /** Ends what is under way after its batch. */
  async stop(): Promise<void> {
    this.#halted.abort();
    await this.#order?.catch(() => {});
  }

  async #replay(query: LetterQuery, { asker, ...order }: AskedOrder): Promise<ReplayReport> {
    return await this.#by(asker).replay(selectionOf(query), order, this.#halted.signal);
  }

  async #drop(query: LetterQuery, { asker, ...order }: AskedOrder): Promise<DropReport> {
    return await this.#by(asker).drop(selectionOf(query), order, this.#halted.signal);
  }

  #by(asker: string): DeadLetters {
    return new DeadLetters(this.#config, overHttp(this.#config, asker));
  }

  async #ordered<T>(work: () => Promise<T>): Promise<T> {
    if (this.#order !== null)
      throw new TidegateError('replay_running', 'dead letters are being replayed or dropped');
    const order = work();
    this.#order = order;
    try {
      return await order;
    } finally {
      this.#order = null;
    }
  }

  async #show(id: number): ReturnType<HttpPorts['deadLetters']['show']> {
    return await this.#letters.show(id, SHOWN_BYTES, async (head, parts) => {
      const payload = await buffer(parts);
      return {
        ...head,
        payload_text: payloadText(payload),
        payload_base64: payload.toString('base64'),
        truncated: head.bytes > payload.length,
      };
    });
  }

  /** Its connection lasts as long as somebody reads. */
  async #payload(id: number): Promise<Readable> {
    const { promise, resolve, reject } = Promise.withResolvers<Readable>();
    this.#letters
      .show(id, Number.POSITIVE_INFINITY, async (_head, parts) => {
        const stream = new PassThrough();
        resolve(stream);
        await pipeline(Readable.from(parts, { objectMode: false }), stream);
      })
      .catch(reject);
    return await promise;
  }
}

function selectionOf({ ids, ...query }: LetterQuery): LetterSelection {
  return { ...ALL_LETTERS, ...query, ids: ids ?? null };
}
