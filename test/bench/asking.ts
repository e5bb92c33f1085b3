/** Clients that ask over HTTP, each on a connection of its own. */

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { generator } from './point-sets.ts';

/** A question of each kind: its path, as `random` picks it. */
export type Kinds = Readonly<Record<string, (random: () => number) => string>>;

/** Milliseconds of every answer, by kind. */
export type Took = ReadonlyMap<string, readonly number[]>;

export interface Asking {
  readonly url: string;
  readonly kinds: Kinds;
  readonly clients: number;
  readonly seconds: number;
  /** Milliseconds between two questions of a client, on average; 0: the next follows the answer at once. */
  readonly every: number;
}

/**
 * All kinds in turn. With a pace the moments of the questions are set beforehand, and the time of an answer counts from its
 * moment: a client that still waits for the one before asks late, and the answer took as long as it would take a person who
 * wanted it then. Without one it counts from the question.
 */
export async function askAll({ url, kinds, clients, seconds, every }: Asking): Promise<Took> {
  const took = new Map<string, number[]>(Object.keys(kinds).map((name) => [name, []]));
  const names = [...took.keys()];
  const begun = performance.now();
  const end = begun + seconds * 1000;
  const client = async (number: number) => {
    const random = generator(number + 1);
    using line = await Line.to(url);
    let moment = begun;
    for (let turn = number; ; turn++) {
      if (every > 0) {
        // As independent events come.
        moment -= every * Math.log(1 - random());
        await delay(Math.max(0, Math.min(moment, end) - performance.now()));
      } else moment = performance.now();
      if (moment >= end) return;
      const name = names[turn % names.length] as string;
      await line.ask((kinds[name] as Kinds[string])(random));
      took.get(name)?.push(performance.now() - moment);
    }
  };
  await Promise.all(Array.from({ length: clients }, (_, number) => client(number)));
  return took;
}

/** One client that asks a kind so many times, each as soon as the answer before it is there. */
export async function askInTurn(url: string, kind: Kinds[string], times: number): Promise<number[]> {
  using line = await Line.to(url);
  const random = generator(1);
  const took: number[] = [];
  for (let turn = 0; turn < times; turn++) {
    const begun = performance.now();
    await line.ask(kind(random));
    took.push(performance.now() - begun);
  }
  return took;
}

const END_OF_HEAD = '\r\n\r\n';
const LAST_CHUNK = '0\r\n\r\n';

/**
 * A connection of HTTP 1.1 (RFC 9112) for one question at a time. It looks for the end of an answer and no further: what a client takes
 * of the processors that the daemon has too, the figures would say of the daemon. That of Node takes as long as an answer does.
 */
class Line implements Disposable {
  readonly #socket: Socket;
  readonly #host: string;
  #answer = Promise.withResolvers<void>();
  #head = '';
  /** Bytes of the body that are still to come; null: until the last chunk. */
  #rest: number | null = 0;

  private constructor(socket: Socket, host: string) {
    this.#socket = socket.setNoDelay();
    this.#host = host;
    const broken = (error?: Error) =>
      this.#answer.reject(error ?? new Error('the daemon closed the connection'));
    socket
      .on('data', (bytes) => this.#take(bytes))
      .on('error', broken)
      .on('end', broken);
  }

  static async to(url: string): Promise<Line> {
    const { hostname, port, host } = new URL(url);
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    return new Line(socket, host);
  }

  /** To the last byte. Rejects where the answer is no 200. */
  async ask(path: string): Promise<void> {
    this.#answer = Promise.withResolvers();
    this.#head = '';
    this.#socket.write(`GET ${path} HTTP/1.1\r\nHost: ${this.#host}${END_OF_HEAD}`);
    await this.#answer.promise;
  }

  #take(bytes: Buffer): void {
    let body = bytes;
    if (!this.#head.includes(END_OF_HEAD)) {
      const before = this.#head.length;
      this.#head += bytes.toString('latin1');
      const end = this.#head.indexOf(END_OF_HEAD);
      if (end < 0) return;
      this.#head = this.#head.slice(0, end + END_OF_HEAD.length);
      if (!this.#head.startsWith('HTTP/1.1 200 ')) this.#answer.reject(new Error(this.#head));
      const length = /^content-length: (\d+)/im.exec(this.#head)?.[1];
      this.#rest = length === undefined ? null : Number(length);
      body = bytes.subarray(end + END_OF_HEAD.length - before);
    }
    if (this.#rest !== null) this.#rest -= body.length;
    if (
      this.#rest === 0 ||
      (this.#rest === null && body.subarray(-LAST_CHUNK.length).toString('latin1') === LAST_CHUNK)
    )
      this.#answer.resolve();
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}
