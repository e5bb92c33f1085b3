/** Microseconds from one message to the next: what a message tells by itself, and what follows from it at once, have their own. */
const STEP = 2;
const LAST = 1000 - STEP;

/**
 * When messages are received, microseconds since 1970: those within one millisecond of the clock follow each other by two, so
 * that it is known after a crash which of them came first. `clock`: milliseconds since 1970; it may be set back.
 */
export function receiptClock(clock: () => number = Date.now): () => number {
  let latest = Number.NaN;
  let within = 0;
  return () => {
    const now = clock();
    within = now === latest ? Math.min(within + STEP, LAST) : 0;
    latest = now;
    return now * 1000 + within;
  };
}
