import timers from 'node:timers/promises';
import { WriteError } from '../errors.ts';

const FIRST = 0.1;
/** A database that is back must be found within two seconds. */
const LONGEST = 1;

/** Seconds to wait after the given failed attempt (1 for the first): doubling, capped, with half of it jitter. */
export function backoffSeconds(attempt: number, random: () => number = Math.random): number {
  const ceiling = Math.min(LONGEST, FIRST * 2 ** Math.min(attempt - 1, 10));
  return ceiling / 2 + (random() * ceiling) / 2;
}

/**
 * Repeats `attempt` for as long as it fails with a WriteError whose action is retry; every other failure, and an abort,
 * is thrown. Never gives up by itself: what is not written is not acknowledged.
 */
export async function retried<T>(
  attempt: () => Promise<T>,
  signal: AbortSignal,
  onFailure: (error: WriteError, attempt: number, retryInSeconds: number | null) => void,
): Promise<T> {
  for (let count = 1; ; count++) {
    signal.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof WriteError)) throw error;
      const again = error.action === 'retry' && !signal.aborted;
      const seconds = again ? backoffSeconds(count) : null;
      onFailure(error, count, seconds);
      if (seconds === null) throw error;
      await timers.setTimeout(seconds * 1000, undefined, { signal });
    }
  }
}
