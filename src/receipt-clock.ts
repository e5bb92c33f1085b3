/**
 * Microseconds from one message to the next, at least: a birth that its own death overtook tells of both, the death a microsecond
 * after its receipt.
 */
export const RECEIPT_STEP = 2;

const MILLISECOND = 1000;

/**
 * When messages are received, microseconds since 1970: those within one millisecond of the clock follow each other by
 * RECEIPT_STEP, so that it is known after a crash which of them came first. `clock`: milliseconds since 1970; it may be set back.
 */
export function receiptClock(clock: () => number = Date.now): () => number {
  let latest = Number.NaN;
  let within = 0;
  return () => {
    const now = clock();
    within = now === latest ? Math.min(within + RECEIPT_STEP, MILLISECOND - RECEIPT_STEP) : 0;
    latest = now;
    return now * MILLISECOND + within;
  };
}

/** The time of points that have none of their own, of a message received then: what the system's clock said. */
export function arrivalOf(receivedAt: number): number {
  return Math.floor(receivedAt / MILLISECOND) * MILLISECOND;
}
