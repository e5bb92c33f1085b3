import { setTimeout as delay } from 'node:timers/promises';
import type { JobContext } from '../../scheduler/types.ts';

/** Milliseconds of rest for each one of work: what is left of two cores is enough for those who write. */
const REST = 1.5;
/** Shorter rests than this (milliseconds) are saved up. */
const SHORTEST = 5;

/**
 * Hands on what comes, and rests in between: work that nobody waits for leaves the machine, and the locks, to those who do.
 * By hand it does not rest.
 */
export async function* paced<T>(parts: AsyncIterable<T>, context: JobContext): AsyncGenerator<T> {
  let begin = performance.now();
  for await (const part of parts) {
    yield part;
    if (await rested(begin, context)) begin = performance.now();
  }
}

/** One piece of such work, and the rest after it. */
export async function pacedStep<T>(context: JobContext, work: () => Promise<T>): Promise<T> {
  const begin = performance.now();
  const result = await work();
  await rested(begin, context);
  return result;
}

/** `begin`: when the work began, by performance.now(). Resolves to whether there was a rest. */
async function rested(begin: number, { byHand, signal }: JobContext): Promise<boolean> {
  const rest = (performance.now() - begin) * REST;
  if (byHand === true || rest < SHORTEST) return false;
  await delay(rest, undefined, { signal });
  return true;
}
