import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 25;
/** What takes long to ask is asked less often: the proxies of a test live in its process, and wait while it reckons. */
const SHARE = 3;
const MOST_MS = 2_000;
/** Only to name what never came: nothing is measured by it. */
const GIVE_UP_MS = 60_000;

/** Asks until the answer is neither false nor null, and resolves to it; rejects with `what` where that never comes. */
export async function eventually<T>(
  what: string,
  ask: () => T | false | null | Promise<T | false | null>,
): Promise<T> {
  const deadline = performance.now() + GIVE_UP_MS;
  for (;;) {
    const begun = performance.now();
    const answer = await ask();
    if (answer !== false && answer !== null) return answer;
    if (performance.now() > deadline) throw new Error(`waited in vain: ${what}`);
    await delay(Math.min(Math.max(POLL_MS, SHARE * (performance.now() - begun)), MOST_MS));
  }
}
