/** Clients that ask over HTTP, each on a connection of its own. */

import { Agent, get } from 'node:http';
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
  const agent = new Agent({ keepAlive: true, maxSockets: clients });
  const took = new Map<string, number[]>(Object.keys(kinds).map((name) => [name, []]));
  const names = [...took.keys()];
  const begun = performance.now();
  const end = begun + seconds * 1000;
  const client = async (number: number) => {
    const random = generator(number + 1);
    let moment = begun;
    for (let turn = number; ; turn++) {
      if (every > 0) {
        // As independent events come.
        moment -= every * Math.log(1 - random());
        await delay(Math.max(0, Math.min(moment, end) - performance.now()));
      } else moment = performance.now();
      if (moment >= end) return;
      const name = names[turn % names.length] as string;
      await ask(url + (kinds[name] as Kinds[string])(random), agent);
      took.get(name)?.push(performance.now() - moment);
    }
  };
  await Promise.all(Array.from({ length: clients }, (_, number) => client(number)));
  agent.destroy();
  return took;
}

/** One client that asks a kind so many times, each as soon as the answer before it is there. */
export async function askInTurn(url: string, kind: Kinds[string], times: number): Promise<number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const random = generator(1);
  const took: number[] = [];
  for (let turn = 0; turn < times; turn++) {
    const begun = performance.now();
    await ask(url + kind(random), agent);
    took.push(performance.now() - begun);
  }
  agent.destroy();
  return took;
}

/** To the last byte. */
async function ask(url: string, agent: Agent): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const request = get(url, { agent }, (response) => {
    if (response.statusCode !== 200) reject(new Error(`${url}: ${response.statusCode}`));
    response.resume().once('end', resolve).once('error', reject);
  });
  request.once('error', reject);
  await promise;
}
