import { setTimeout as delay } from 'node:timers/promises';
import { sqlstateOf } from '../../postgres/sqlstate.ts';

const LOCK_NOT_AVAILABLE = '55P03';
const ATTEMPTS = 20;
/** Milliseconds between attempts, in which those who wait behind us get their turn. */
const PAUSE = 200;

/**
 * For a lock that shuts out readers: `work` gives up soon where it does not get it (lock_timeout), and is tried again a
 * little later, so that nobody ever waits long behind it. Resolves to whether it succeeded.
 */
export async function whenUnlocked(signal: AbortSignal, work: () => Promise<unknown>): Promise<boolean> {
  for (let attempt = 1; ; attempt++) {
    try {
      await work();
      return true;
    } catch (error) {
      if (sqlstateOf(error) !== LOCK_NOT_AVAILABLE) throw error;
      if (attempt === ATTEMPTS) return false;
      await delay(PAUSE, undefined, { signal });
    }
  }
}
