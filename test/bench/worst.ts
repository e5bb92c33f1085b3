/**
 * What the worst messages within the limits cost: the first one that a daemon ever gets, for which no code is compiled yet, and
 * those of a process that had many, alone and into a batch. The names of each were never there before.
 */

import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { DecodeLimits } from '../../src/decode/decode-limits.ts';
import { figure } from './figures.ts';
import { type Cost, WorstDecoding } from './worst-decoding.ts';
import type { WorstFirst } from './worst-first.ts';
import { type WorstMessage, worstMessages } from './worst-messages.ts';

const MIB = 2 ** 20;
const FIRST = new URL('./worst-first.ts', import.meta.url);
/** Messages of a kind after which its code is as quick as it gets. */
const COMPILING = 16;

interface Costs {
  readonly alone: readonly Cost[];
  readonly batched: readonly Cost[];
}

export async function worstLines(limits: DecodeLimits, rounds: number): Promise<string[]> {
  const { messageBytes, pointsPerMessage, namesPerMessage } = limits;
  const lines = [
    `  the worst messages of ${messageBytes / MIB} MiB, ${pointsPerMessage} points and ${namesPerMessage} names: the first of a process; later ones; later ones into a batch; growth of the heap then`,
  ];
  for (const message of worstMessages(limits)) {
    const { alone, batched } = laterOnes(message, limits, rounds);
    const costs = [await firstOnes(message, limits, rounds), alone, batched];
    const texts = costs.map((some) => figure(some.map(({ millis }) => millis)).text('ms'));
    const heap = Math.max(...batched.map(({ mebibytes }) => mebibytes));
    lines.push(
      `    ${`${message.format}, ${message.title}`.padEnd(36)} ${texts.join('; ')}; ${heap.toFixed(0)} MiB`,
    );
  }
  return lines;
}

/** Each by a process of its own. */
async function firstOnes(message: WorstMessage, limits: DecodeLimits, rounds: number): Promise<Cost[]> {
  const { format, type, hasDevices } = message;
  const first: WorstFirst = { format, type, hasDevices, payload: message.payload('v'), limits };
  const costs: Cost[] = [];
  for (let round = 0; round < rounds; round++) {
    const child = fork(FIRST, { serialization: 'advanced' });
    child.send(first);
    const [cost] = (await once(child, 'message')) as [Cost];
    costs.push(cost);
  }
  return costs;
}

/** By one decoder. */
function laterOnes(message: WorstMessage, limits: DecodeLimits, rounds: number): Costs {
  const decoding = new WorstDecoding(message, limits);
  const [alone, batched]: [Cost[], Cost[]] = [[], []];
  for (let round = 0; round < COMPILING + rounds; round++) {
    alone.push(decoding.alone(message.payload(`a${round}x`)));
    if (round >= COMPILING / 2) batched.push(decoding.intoBatch(message.payload(`b${round}x`)));
  }
  return { alone: alone.slice(-rounds), batched: batched.slice(-rounds) };
}
