export interface Backoff {
  readonly minimumMs: number;
  readonly maximumMs: number;
}

export const RECONNECTING: Backoff = { minimumMs: 1_000, maximumMs: 60_000 };

/**
 * How long to wait before attempt `attempt` (from 0), in milliseconds: doubling up to the maximum, and of that a
 * random half, so that many clients of a restarted broker do not come back at once.
 */
export function backoffDelay(attempt: number, limits: Backoff, random: () => number = Math.random): number {
  const ceiling = Math.min(limits.maximumMs, limits.minimumMs * 2 ** attempt);
  return Math.round(ceiling * (0.5 + random() / 2));
}
